"""Heat maps, charts and the map."""

from __future__ import annotations

import math

from django.http import HttpRequest

from tierwise.web.pages import (
    BarChart,
    CoverageCurve,
    Hazard,
    HeatCell,
    HeatMap,
    LineChart,
    Link,
    Map,
    Pareto,
    Series,
    Site,
    Status,
    Step,
    Tone,
    Waterfall,
)
from web.preview.cast import (
    LONG,
    SEGMENTS,
    SUPPLIERS,
    Made,
    head,
)


def heatmap(request: HttpRequest) -> Made:
    def cell(r: int, c: int) -> HeatCell | None:
        if (r + c) % 7 == 6:
            return None
        value = 0.99 - ((r * 5 + c * 11) % 17) / 60
        n = 6 if (r * c) % 5 == 4 else 40 + r * 13
        return HeatCell(
            value,
            n,
            ((r + c) % 3 - 1) / 50,
            Tone.GOOD if value > 0.93 else Tone.WATCH if value > 0.85 else Tone.BAD,
            "/explain/on-time",
        )

    cells = [[cell(r, c) for c in range(5)] for r in range(len(SUPPLIERS))]
    chart = HeatMap(
        "On time in full, supplier by segment",
        "ratio",
        "Last 90 days to 2026-11-22. A hollow circle marks fewer than 20 lines, which is not judged.",
        rows=SUPPLIERS,
        columns=SEGMENTS[:5],
        cells=cells,
        row_label="Supplier",
        row_hrefs=["#"] * len(SUPPLIERS),
    )
    volume = [[HeatCell((r * 7 + c * 3) % 40 * 1000.0, None) for c in range(4)] for r in range(4)]
    plain = HeatMap(
        "Spend",
        "EUR",
        rows=SUPPLIERS[:4],
        columns=["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"],
        cells=volume,
        decimals=0,
    )
    trend = LineChart(
        "Premium, on time in full",
        "ratio",
        x=[f"2026-{m:02}" for m in range(1, 12)],
        series=(
            Series(
                "Kowal Castings",
                [0.8 + m / 80 for m in range(11)],
                [0.74 + m / 80 for m in range(11)],
                [0.85 + m / 90 for m in range(11)],
                slot=1,
            ),
        ),
        target=0.95,
        height=220,
    )
    return "web/heatmap.html", {
        "page": head("Scorecards, October 2026", "Scorecards"),
        "heatmap": chart,
        "charts": [plain, trend],
    }


def charts(request: HttpRequest) -> Made:
    x = list(range(0, 101, 5))
    curves = [
        BarChart(
            "Demand by segment",
            "EA",
            x=[f"W{w}" for w in range(44, 52)],
            series=tuple(
                Series(s.code, [1000 + (w * 97 + i * 311) % 900 for w in range(8)], slot=s.slot)
                for i, s in enumerate(SEGMENTS[:4])
            ),
            stacked=True,
        ),
        Waterfall(
            "Forecast revision, version 14 to 15",
            "EA",
            "Total weeks 48–60",
            steps=(
                Step("Version 14", 48200, True),
                Step("Premium", 3100),
                Step("Core", -5400),
                Step("Launch ramp", 2200),
                Step("Spares", -800),
                Step("Version 15", 47300, True),
            ),
        ),
        Pareto(
            "Causes of late lines",
            "lines",
            causes=(
                ("Late release by us", 212),
                ("Furnace down", 96),
                ("Carrier", 71),
                ("Customs papers", 44),
                ("Quality hold", 39),
                ("Other", 22),
            ),
        ),
        BarChart(
            "Late lines by supplier",
            "lines",
            x=SUPPLIERS[:6],
            series=(Series("Late", [41, 33, 24, 18, 9, 4], slot=7),),
            lying=True,
        ),
    ]
    return "web/heatmap.html", {"page": head("Causes and trends", "Measure"), "charts": [*curves, coverage_curve(x)]}


def coverage_curve(x: list[int]) -> CoverageCurve:
    return CoverageCurve(
        "Coverage by lead-time limit",
        "ratio",
        x=x,
        series=(
            Series("Premium", [1 - math.exp(-v / 18) for v in x], slot=1),
            Series("Core", [1 - math.exp(-v / 35) for v in x], slot=2),
        ),
        threshold=30,
        parameter="limit",
        x_label="Lead-time limit",
        x_unit="days",
    )


def map_page(request: HttpRequest) -> Made:
    sites = (
        Site("n", "Northwind, Lyon", 45.76, 4.84, "own"),
        Site("g", "Warehouse Gdańsk", 54.35, 18.65, "warehouse", Status("Low stock", Tone.WATCH)),
        Site(
            "k",
            "Kowal Castings, Kielce",
            50.87,
            20.63,
            "supplier",
            Status("Furnace down", Tone.BAD),
            "Until 2026-12-04",
            "#",
        ),
        Site("o", LONG, 48.86, 8.2, "supplier", href="#"),
        Site("h", "Hsin Yi, Taichung", 24.15, 120.67, "supplier", Status("On plan", Tone.GOOD)),
        Site("c", "Distributor, Chicago", 41.88, -87.63, "customer"),
    )
    links = (
        Link("k", "g", "Castings", 4, 1, Tone.BAD, "#"),
        Link("o", "n", "Hubs", 3, 2),
        Link("h", "n", "Bearings", 2, 3),
        Link("n", "c", "Bicycles", 5, 1),
    )
    return "web/map.html", {
        "page": head("Sites and lanes", "Risk"),
        "map": Map("Sites and lanes", sites, links, (Hazard("Flood warning", 51.5, 19.5, 260),)),
    }
