"""Draws the pictures of docs/engine.md from what the engine computes: one SVG file per family, the same on every run.

python tools/engine_pictures.py          writes docs/engine/pictures/*.svg
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path

import numpy as np

from tierwise import engine

TARGET = Path(__file__).resolve().parents[1] / "docs" / "engine" / "pictures"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 56, 16, 40, 36
INPUT, OUTPUT, ALARM, QUIET = "#5b7083", "#0b6e4f", "#b3261e", "#c9d3da"


@dataclass
class Picture:
    """A frame with axes; x and y are given in the data's units."""

    title: str
    across: tuple[float, float]
    up: tuple[float, float]
    parts: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        (low, high), (least, most) = self.across, self.up
        return (
            LEFT + (x - low) / (high - low) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - least) / (most - least) * (HEIGHT - TOP - BOTTOM),
        )

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "", dash: str = "") -> None:
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in (self.at(x, y) for x, y in zip(xs, ys, strict=True)))
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{style}/>')
        self._name(label, colour)

    def dots(self, xs: Sequence[float], ys: Sequence[float], colour: str, label: str = "") -> None:
        for x, y in zip(xs, ys, strict=True):
            a, b = self.at(x, y)
            self.parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>')
        self._name(label, colour)

    def bars(self, xs: Sequence[float], ys: Sequence[float], width: float, colour: str, label: str = "") -> None:
        for x, y in zip(xs, ys, strict=True):
            self.box((x - width / 2, x + width / 2), (0.0, y), colour)
        self._name(label, colour)

    def box(self, across: tuple[float, float], up: tuple[float, float], colour: str) -> None:
        (a, b), (c, d) = self.at(across[0], max(up)), self.at(across[1], min(up))
        self.parts.append(f'<rect x="{a:.1f}" y="{b:.1f}" width="{c - a:.1f}" height="{d - b:.1f}" fill="{colour}"/>')

    def text(self, x: float, y: float, words: str, colour: str = "#1d2b36", anchor: str = "middle") -> None:
        a, b = self.at(x, y)
        self.parts.append(
            f'<text x="{a:.1f}" y="{b:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
        )

    def below(self, x: float, words: str) -> None:
        a, _ = self.at(x, self.up[0])
        self.parts.append(
            f'<text x="{a:.1f}" y="{HEIGHT - 14}" text-anchor="middle" fill="#1d2b36">{escape(words)}</text>'
        )

    def beside(self, y: float, words: str) -> None:
        _, b = self.at(self.across[0], y)
        self.parts.append(
            f'<text x="{LEFT - 6}" y="{b + 4:.1f}" text-anchor="end" fill="#1d2b36">{escape(words)}</text>'
        )

    def svg(self) -> str:
        floor = HEIGHT - BOTTOM
        names = "".join(
            f'<rect x="{WIDTH - 150 * (len(self.legend) - place)}" y="22" width="10" height="10" fill="{colour}"/>'
            f'<text x="{WIDTH - 150 * (len(self.legend) - place) + 15}" y="31" fill="#1d2b36">{escape(label)}</text>'
            for place, (label, colour) in enumerate(self.legend)
        )
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        head += 'font-family="sans-serif" font-size="12">'
        axis = f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH - RIGHT}" fill="none" stroke="{QUIET}"/>'
        title = f'<title>{escape(self.title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        shown = f'<text x="8" y="16" font-size="13" font-weight="bold" fill="#1d2b36">{escape(self.title)}</text>'
        return "\n".join([head, title, shown, names, axis, *self.parts, "</svg>"]) + "\n"

    def _name(self, label: str, colour: str) -> None:
        if label:
            self.legend.append((label, colour))


def assessment() -> Picture:
    table = [[7, 9, 9, 8], [8, 7, 8, 7], [9, 6, 8, 9], [6, 7, 8, 6]]
    found = engine.assessment.topsis(table, [0.1, 0.4, 0.3, 0.2], [True, True, True, False])
    picture = Picture("Four suppliers by nearness to the ideal", (0, 5), (0, 1))
    picture.bars([1, 2, 3, 4], found.closeness.tolist(), 0.6, OUTPUT)
    for place, (name, share) in enumerate(zip("ABCD", found.closeness.tolist(), strict=True), start=1):
        picture.text(place, share + 0.03, f"{share:.2f}")
        picture.below(place, name)
    return picture


def contracts() -> Picture:
    share = Decimal
    terms = engine.contracts.SlaTerms(
        share("0.95"), share("0.98"), share("0.5"), share("0.3"), share("0.05"), better="high"
    )
    measure = np.linspace(0.80, 1.0, 81)
    pay = 100 * engine.contracts.sla_payoffs(measure, terms)
    picture = Picture("What a share on time pays, percent of the period's value", (0.8, 1.0), (-6, 2))
    picture.box((0.95, 0.98), (-6, 2), "#eef2f4")
    picture.line([0.8, 1.0], [0, 0], QUIET)
    picture.line(measure.tolist(), pay.tolist(), OUTPUT)
    picture.text(0.965, 1.4, "dead band")
    picture.text(0.82, -5.5, "cap", ALARM)
    for level in (0.80, 0.85, 0.90, 0.95, 1.0):
        picture.below(level, f"{level:.2f}")
    for level in (-5, 0, 1):
        picture.beside(level, f"{level} %")
    return picture


def demand() -> Picture:
    sold = [96, 195, 238, 380, 1045, 1230, 1267, 1828, 1586, 1673, 1800, 1580, 1500]
    fit = engine.demand.fit_bass(sold)
    curve = fit.demand(20)[0]
    picture = Picture("Room air conditioners: sales, Bass curve, peak", (0, 21), (0, 2200))
    picture.bars(list(range(1, 14)), sold, 0.7, QUIET, "sold")
    picture.line(list(range(1, 21)), curve.tolist(), OUTPUT, "expected")
    peak = float(fit.peak.time[0]) + 0.5
    picture.line([peak, peak], [0, 2050], ALARM, "peak", "4 3")
    for year in (1, 5, 10, 15, 20):
        picture.below(year, f"year {year}")
    for level in (500, 1000, 1500, 2000):
        picture.beside(level, f"{level:,}")
    return picture


def disclosure() -> Picture:
    import polars as pl

    rows = [("A", "N", "x", 50.0), ("A", "N", "y", 2.0), ("A", "N", "z", 1.0)]
    rows += [(i, r, c, 10.0) for i, r in [("A", "S"), ("B", "N"), ("B", "S"), ("C", "N"), ("C", "S")] for c in "uvwx"]
    table = pl.DataFrame(rows, schema=["item", "region", "contributor", "value"], orient="row")
    d = engine.disclosure
    rules = d.DisclosureParams(("item", "region"), p_percent=10)
    found = d.protect_table(table, d.TableParams((d.Dimension("item"), d.Dimension("region")), rules)).internal
    picture = Picture("One unsafe cell, and what must go with it", (0, 4), (0, 5))
    colours = {"primary": "#f3c6c2", "secondary": "#f6e3b4", "ok": "#eef2f4"}
    for row, item in enumerate("ABC*"):
        picture.beside(3.5 - row, "total" if item == "*" else f"item {item}")
        for column, region in enumerate("NS*"):
            cell = found.filter(item=item, region=region).row(0, named=True)
            picture.box((column + 0.05, column + 0.95), (3.05 - row, 3.95 - row), colours[cell["status"]])
            words = f"{cell['total']:.0f}" if cell["status"] == "ok" else f"{cell['low']:.0f} to {cell['high']:.0f}"
            picture.text(column + 0.5, 3.4 - row, words)
    for column, name in enumerate(("north", "south", "total")):
        picture.text(column + 0.5, 4.2, name)
    picture.legend += [("unsafe", "#f3c6c2"), ("withheld with it", "#f6e3b4")]
    return picture


def division() -> Picture:
    claims, rules = [50, 40, 30, 20], ("proportional", "uniform", "linear")
    picture = Picture("100 units, claims of 50, 40, 30 and 20, by rule", (0, 4), (0, 55))
    picture.bars([place + 0.5 for place in range(4)], claims, 0.86, QUIET, "claim")
    for place, (rule, colour) in enumerate(zip(rules, (INPUT, OUTPUT, "#b58900"), strict=True)):
        awards = engine.division.divide(claims, 100, engine.division.DivisionParams(rule)).awards
        picture.bars([party + 0.25 + 0.25 * place for party in range(4)], awards.tolist(), 0.2, colour, rule)
    for place, name in enumerate("ABCD"):
        picture.below(place + 0.5, name)
    for level in (20, 40):
        picture.beside(level, str(level))
    return picture


def flow() -> Picture:
    wanted, weeks = [80, 90, 130, 100, 115], [1, 2, 3, 4, 5]
    found = engine.flow.level_production(wanted, [100] * 5, weeks_ahead=2)
    made = np.array(wanted) + found.delta_production[0] - found.left[0]
    picture = Picture("Demand above capacity made in the weeks before", (0.4, 5.6), (0, 150))
    picture.bars([week - 0.18 for week in weeks], wanted, 0.34, QUIET, "demand")
    picture.bars([week + 0.18 for week in weeks], made.tolist(), 0.34, OUTPUT, "made")
    picture.line([0.4, 5.6], [100, 100], ALARM, "capacity", "4 3")
    for week in weeks:
        picture.below(week, f"week {week}")
    for level in (50, 100):
        picture.beside(level, str(level))
    return picture


def forecasting() -> Picture:
    known = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170]
    known += [158, 133, 114, 140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166]
    f = engine.forecasting
    found = f.exponential_smoothing(f.Panel.of([known]), 12, f.ExponentialParams(season=12))
    picture = Picture(f"Three years and the next, by the form chosen ({found.name(0)})", (1, 49), (80, 240))
    picture.line(list(range(1, 37)), known, INPUT, "known")
    picture.line(list(range(37, 49)), found.forecast[0].tolist(), OUTPUT, "forecast")
    for month in (1, 13, 25, 37):
        picture.below(month, f"month {month}")
    for level in (100, 150, 200):
        picture.beside(level, str(level))
    return picture


def risk() -> Picture:
    r = engine.risk
    chain = r.SupplyChain(
        capacity=[30, 45, 60, np.inf, np.inf], demand=[0, 0, 0, 75, 50], stock=[0, 0, 0, 20, 25],
        unit_loss=[0, 0, 0, 5000, 6500], source=[0, 1, 2, 0, 1, 2], target=[3, 3, 3, 4, 4, 4],
    )  # fmt: skip
    lost = r.exposure(chain, r.Outages([2, 2, 2], [0, 1, 2], [0, 1, 2])).loss / 1000
    lasts = r.time_to_survive(chain, r.Outages([0, 0, 0], [0, 1, 2], [0, 1, 2]))
    picture = Picture("Two weeks without a supplier: loss in thousands, weeks survived", (0, 4), (0, 320))
    picture.bars([1, 2, 3], lost.tolist(), 0.6, ALARM)
    for place, (loss, weeks) in enumerate(zip(lost.tolist(), lasts.tolist(), strict=True), start=1):
        picture.text(place, loss + 8, f"{loss:.0f} (lasts {weeks:.2f} weeks)")
        picture.below(place, f"supplier {place}")
    return picture


def scoring() -> Picture:
    hits, n = np.array([92, 9, 640]), np.array([100, 10, 800])
    low, high = engine.scoring.wilson(hits / n, n)
    picture = Picture("On time in full with its interval, target 95 %", (0.5, 1.0), (0, 4))
    picture.line([0.95, 0.95], [0, 4], ALARM, "target", "4 3")
    for place in range(3):
        y, verdict = 3 - place, "open" if high[place] >= 0.95 else "missed"
        picture.line([float(low[place]), float(high[place])], [y, y], OUTPUT)
        picture.dots([hits[place] / n[place]], [y], OUTPUT)
        picture.text(float(low[place]), y + 0.18, f"{hits[place]} of {n[place]}: {verdict}", anchor="start")
        picture.beside(y, f"S{place + 1}")
    for level in (0.6, 0.8, 0.95):
        picture.below(level, f"{level:.0%}")
    return picture


def stock() -> Picture:
    s = engine.stock
    once = s.newsvendor(s.Distribution("normal", 50, 8), 0.18, 0.70)
    quantities = np.arange(30.0, 80.5, 1.0)
    cost = s.newsvendor_cost(quantities, s.Distribution("normal", 50, 8), 0.18, 0.70).cost
    picture = Picture("What a quantity costs, and the best one", (30, 80), (0, 14))
    picture.line(quantities.tolist(), cost.tolist(), INPUT, "expected cost")
    picture.dots([float(once.quantity)], [float(once.cost)], OUTPUT, "best")
    picture.text(
        float(once.quantity), float(once.cost) - 1.2, f"{float(once.quantity):.1f} costs {float(once.cost):.2f}"
    )
    for level in (30, 40, 50, 60, 70, 80):
        picture.below(level, str(level))
    for level in (5, 10):
        picture.beside(level, str(level))
    return picture


def twin() -> Picture:
    t = engine.twin
    levels, runs = list(range(90, 171, 10)), t.Runs(periods=150, runs=20, warm_up=50)
    late = t.Spread.listed([2, 3, 7], [0.6, 0.3, 0.1])
    picture = Picture("Share served at once by level and lead time, with intervals", (85, 175), (0.6, 1.02))
    for lead, colour, label in ((3.0, OUTPUT, "always 3"), (late, ALARM, "2, 3 or 7, mean 2.8")):
        served = []
        for up_to in levels:
            shop = t.Twin(
                t.Stocks("base_stock", up_to=up_to), t.Lanes([0], lead), t.Demands([0], t.Spread.gamma(30, 12))
            )
            found = t.interval(t.simulate(shop, runs).fill_rate())
            served.append(float(found.mean[0]))
            picture.line([up_to, up_to], [float(found.low[0]), float(found.high[0])], colour)
        picture.line(levels, served, colour, label)
    for level in (90, 110, 130, 150, 170):
        picture.below(level, f"up to {level}")
    for share in (0.7, 0.8, 0.9, 1.0):
        picture.beside(share, f"{share:.0%}")
    return picture


def watching() -> Picture:
    values = [0.2, -0.5, 0.9, -0.3, 0.1, 0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6]
    found = engine.watching.cusum(values, 0)
    periods = list(range(1, 13))
    picture = Picture("A shift seen by its sum, and when it began", (0.5, 12.5), (-1, 9))
    picture.line([0.5, 12.5], [5, 5], ALARM, "limit", "4 3")
    picture.dots(periods, values, QUIET, "values")
    picture.line(periods, found.high[0].tolist(), OUTPUT, "sum")
    signal, onset = int(found.first_signal[0]) + 1, int(found.onset[0]) + 1
    picture.text(signal, float(found.high[0][signal - 1]) + 0.5, "signal", ALARM)
    picture.below(onset, f"began in {onset}")
    for level in (0, 5):
        picture.beside(level, str(level))
    return picture


DRAWN: tuple[Callable[[], Picture], ...] = (
    assessment, contracts, demand, disclosure, division, flow, forecasting, risk, scoring, stock, twin,
    watching,
)  # fmt: skip


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for draw in DRAWN:
        (TARGET / f"{draw.__name__}.svg").write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
