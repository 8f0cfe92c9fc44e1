"""Record, studio and scenario lab."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django import forms
from django.http import HttpRequest

from tierwise.web.growing import GrowingRows, RowColumn
from tierwise.web.pages import (
    Action,
    Column,
    Crumb,
    Difference,
    DifferenceRow,
    Fact,
    Grid,
    Interval,
    LineChart,
    Mark,
    Money,
    Page,
    Quantity,
    Series,
    Stat,
    Status,
    Tab,
    Timeline,
    TimelineEntry,
    Tone,
)
from web.preview.cast import (
    CORE,
    LONG,
    NOW,
    PREMIUM,
    VALUE,
    Made,
    head,
)
from web.preview.pictures import coverage_curve


def record(request: HttpRequest) -> Made:
    page = Page(
        "Capacity agreement CA-0412",
        (Crumb("Core replenishment", "#"), Crumb("Agreements", "#")),
        status=Status("Waiting for us", Tone.WATCH),
        segment=CORE,
        action=Action(
            "Countersign: 9,600 EA a week until June 2027",
            "/posted",
            True,
            ask="After this both companies are bound. It can only be changed by an amendment.",
        ),
        actions=(Action("Propose changes", "#"), Action("Print", "#", disabled="Only after signature")),
        lead=f"{LONG} reserves capacity for three item families.",
        tabs=(Tab("Terms", "#", True), Tab("Lines", "#", count=14), Tab("Settlements", "#")),
    )
    facts = [
        Fact("Parties", "Northwind Bicycles SE"),
        Fact("Counterparty", LONG),
        Fact("Valid", "2026-12-01 to 2027-06-30"),
        Fact("Reserved capacity", Quantity(9600, "EA/week"), href="/explain/on-time"),
        Fact("Price", Money(Decimal("12.4500"), "EUR"), "per EA, EXW Rastatt"),
        Fact("Flexibility", "+15 % / −10 %, frozen 3 weeks"),
        Fact("On-time target", Interval(0.95), "measured on promise date"),
        Fact("Segment", CORE),
    ]
    difference = Difference(
        (
            DifferenceRow(
                "Reserved capacity",
                Quantity(8400, "EA/week"),
                Quantity(9600, "EA/week"),
                Quantity(1200, "EA/week"),
                "2 lines at Rastatt",
                Tone.GOOD,
                (CORE,),
            ),
            DifferenceRow(
                "Price",
                Money(Decimal("12.10"), "EUR"),
                Money(Decimal("12.45"), "EUR"),
                Money(Decimal("0.35"), "EUR"),
                "Purchasing",
                Tone.BAD,
            ),
            DifferenceRow("Frozen zone", "2 weeks", "3 weeks", None, "Planners of 4 plants", Tone.WATCH),
        ),
        "174,720 EUR more a year; 1,200 EA a week more to commit",
        "",
    )
    timeline = Timeline(
        (
            TimelineEntry(
                NOW - timedelta(hours=2),
                "Proposed version 4",
                "Jonas Beck",
                "theirs",
                Status("Proposed"),
                "With the second line we can hold 9,600.",
            ),
            TimelineEntry(
                NOW - timedelta(hours=20),
                "Price is 2 % above the index formula; ask for the steel surcharge sheet.",
                "Ines Alvarado",
                "ours",
                internal=True,
            ),
            TimelineEntry(NOW - timedelta(days=3), "Asked for a longer frozen zone", "Jonas Beck", "theirs"),
            TimelineEntry(NOW - timedelta(days=6), "Sent version 3", "Ines Alvarado", "ours", href="#"),
            TimelineEntry(NOW - timedelta(days=12), "Reminder sent: answer due", "", "system"),
            TimelineEntry(date(2026, 8, 3), "Opened from template Capacity, Core", "Ines Alvarado", "ours"),
        ),
        ours="Northwind Bicycles",
        theirs="Oberrhein",
    )
    note = forms.Form()
    note.fields["note"] = forms.CharField(label="Note", widget=forms.Textarea)
    weeks = [f"2026-W{w}" for w in range(40, 52)]
    chart = LineChart(
        "Called off against reserved",
        "EA",
        "Bands: 80 % interval of shared demand",
        240,
        x=weeks,
        series=(
            Series("Called off", [8100, 8300, 7900, 8600, 8800, 8500, 8900, 9100, None, None, None, None], slot=2),
            Series(
                "Shared demand",
                [None] * 7 + [9100, 9300, 9500, 9400, 9700],
                [None] * 7 + [9100, 9000, 9050, 8800, 8900],
                [None] * 7 + [9100, 9600, 9950, 10000, 10500],
                slot=2,
                dashed=True,
            ),
        ),
        marks=(Mark("2026-W46", "Scheme v14"),),
        target=9600,
    )
    return "web/record.html", {
        "page": page,
        "facts": facts,
        "difference": difference,
        "timeline": timeline,
        "note_form": note,
        "note_href": "/posted",
        "charts": [chart],
    }


class Scheme(forms.Form):
    name = forms.CharField(initial="Scheme 2027")
    volume = forms.DecimalField(
        label="Volume threshold for Core",
        initial=4000,
        help_text="Pieces a year. Hysteresis of 10 % keeps members from flapping.",
    )
    variability = forms.DecimalField(label="Variability limit for Core (CV²)", initial="0.49")
    review = forms.ChoiceField(label="Review", choices=[("m", "Monthly"), ("q", "Quarterly")])
    grades = forms.CharField(
        initial="poor, 0, 60\ngood, 60, 100",
        widget=GrowingRows((
            RowColumn("Grade"), RowColumn("From", "number"),
            RowColumn("Then", choices=[("60", "Sixty"), ("100", "All")]),
        )),
    )  # fmt: skip


def studio(request: HttpRequest) -> Made:
    difference = Difference(
        (
            *tuple(
                DifferenceRow(
                    what, Quantity(a, "members"), Quantity(b, "members"), Quantity(b - a, "members"), who, tone, (chip,)
                )
                for what, a, b, who, tone, chip in [
                    ("Members", 412, 398, "1 supplier loses access", Tone.WATCH, PREMIUM),
                    ("Members", 1804, 1960, "3 suppliers gain access", Tone.PLAIN, CORE),
                    ("Members", 3920, 3778, "none", Tone.PLAIN, VALUE),
                ]
            ),
            DifferenceRow(
                "Stock to build",
                Money(Decimal(2140000), "EUR"),
                Money(Decimal(2310000), "EUR"),
                Money(Decimal(170000), "EUR"),
                "Warehouses Gdańsk, Lyon",
                Tone.BAD,
            ),
        ),
        "214 members move",
    )
    return "web/studio.html", {
        "page": head("Segment scheme, version 15", "Governance", status=Status("Draft")),
        "form": Scheme(),
        "document_href": "/posted",
        "consequence_href": "/consequence",
        "difference": difference,
        "stats": [
            Stat("Members that move", 214),
            Stat("Suppliers touched", 9),
            Stat("Stock", Money(Decimal(170_000), "EUR"), "to build", tone=Tone.BAD),
        ],
        "charts": [coverage_curve(list(range(0, 101, 5)))],
        "apply": Action(
            "Apply: 214 members move, 3 suppliers gain access",
            "/posted",
            True,
            ask="Suppliers are told at once. A rollback is a new version.",
        ),
        "apply_note": "Takes effect on 2026-12-01.",
    }


def lab(request: HttpRequest) -> Made:
    grid = Grid(
        "outcomes",
        (
            Column("name", "Outcome"),
            Column("a", "Base", "money", "EUR"),
            Column("b", "With dual source", "money", "EUR"),
        ),
        [{"name": "Cost a year", "a": 1_200_000, "b": 1_260_000}, {"name": "Lost sales", "a": 340_000, "b": 96_000}],
    )
    return "web/lab.html", {
        "page": head("Furnace down for 30 days", "Scenarios"),
        "form": Scheme(),
        "run_href": "/posted",
        "stats": [Stat("Lost sales", Interval(96_000, 61_000, 140_000, 500, "EUR", 0), "80 % interval")],
        "grids": [grid],
    }
