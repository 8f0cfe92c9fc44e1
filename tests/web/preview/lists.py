"""Worklist, messages, board, an empty place and an explanation."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.http import HttpRequest

from tierwise.web.pages import (
    Action,
    Card,
    Column,
    Crumb,
    Difference,
    DifferenceRow,
    Empty,
    Fact,
    Grid,
    Interval,
    Lane,
    Message,
    Money,
    Notice,
    Page,
    Panel,
    Quantity,
    Stat,
    Status,
    Tone,
    WorklistRow,
)
from web.preview.cast import (
    CORE,
    LAUNCH,
    LONG,
    NOW,
    PREMIUM,
    SEGMENTS,
    SPARES,
    SUPPLIERS,
    TODAY,
    Made,
    head,
)


def worklist(request: HttpRequest) -> Made:
    opened = request.GET.get("open")
    tasks = [
        (
            "Commit weeks 49–52 for frame lugs",
            "Kowal Castings asks for 1,200 EA less than shared demand",
            (PREMIUM, CORE),
            "Ines Alvarado",
            -1,
            "184200",
            ("Gap", Tone.BAD),
        ),
        ("Countersign the capacity agreement", LONG, (CORE,), "Contracts", 1, "96500", ("Waiting for us", Tone.WATCH)),
        (
            "Answer the dispute of October's delivery score",
            "Torres Forja disputes 7 of 112 lines",
            (PREMIUM,),
            "Ines Alvarado",
            2,
            "12800",
            ("Disputed", Tone.WATCH),
        ),
        (
            "Approve scheme version 15",
            "214 members move, 3 suppliers gain access",
            SEGMENTS[:4],
            "Segment council",
            3,
            "412000",
            ("In review", Tone.PLAIN),
        ),
        (
            "Confirm stock at the Gdańsk warehouse",
            "Counted 4,310 EA against 4,460 EA",
            (SPARES,),
            "Ines Alvarado",
            4,
            "3100",
            ("Counted", Tone.PLAIN),
        ),
        (
            "Release the launch ramp of the Arrow 3",
            "Two of nine parts not approved",
            (LAUNCH,),
            "Ines Alvarado",
            7,
            "58000",
            ("On plan", Tone.GOOD),
        ),
    ]
    rows = [
        WorklistRow(
            what,
            f"/desk/record?case={index}",
            detail,
            chips,
            who,
            TODAY + timedelta(days=days),
            days < 0,
            Money(Decimal(value), "EUR"),
            Status(*state),
            f"?open={index}",
            str(index) == opened,
        )
        for index, (what, detail, chips, who, days, value, state) in enumerate(tasks)
    ]
    stats = [
        Stat("Due today", 2, "of 7 this week"),
        Stat(
            "On time in full",
            Interval(0.92, 0.853, 0.959, 100),
            "1.4 points above target",
            "/explain/on-time",
            Tone.GOOD,
            (0.86, 0.88, 0.87, 0.9, 0.89, 0.92),
        ),
        Stat(
            "Gap to shared demand",
            Money(Decimal(184200), "EUR"),
            "up by 22,000 since Friday",
            "/explain/on-time",
            Tone.BAD,
            (90, 120, 110, 150, 162, 184),
        ),
        Stat("First-pass quality", Interval(0.833, 0.55, 0.95, 12), "too few lots to judge", "/explain/on-time"),
    ]
    panel = None
    if opened is not None:
        panel = Panel(
            rows[int(opened)].what,
            request.path,
            rows[int(opened)].href,
            rows[int(opened)].status,
            rows[int(opened)].segments,
            (
                Fact("Supplier", "Kowal Castings"),
                Fact("Item", "FL-2201 Frame lug, head tube"),
                Fact("Due", TODAY),
                Fact("Value at stake", Money(Decimal(184200), "EUR"), href="/explain/on-time"),
            ),
            Difference(
                (
                    DifferenceRow(
                        "2026-W49", Quantity(3000, "EA"), Quantity(2400, "EA"), Quantity(-600, "EA"), tone=Tone.BAD
                    ),
                    DifferenceRow(
                        "2026-W50", Quantity(3000, "EA"), Quantity(2400, "EA"), Quantity(-600, "EA"), tone=Tone.BAD
                    ),
                ),
                "1,200 EA less, 38 customer orders wait",
            ),
            "The furnace at Kielce is down until 4 December. A second source could deliver 800 EA.",
            Action("Accept 2,400 EA a week and tell 38 customers", "/posted", True, {"case": "1"}),
            (Action("Ask for more", "/posted", True),),
        )
    notices = [
        Notice(
            "Week 47 came without the Iberian plants; figures for VAL are incomplete until 14:00.",
            Tone.WATCH,
            "Data is late",
        )
    ]
    return "web/worklist.html", {
        "page": head(
            "What is due",
            "Home",
            as_of="Data as of 2026-11-23 06:10",
            action=Action("Start the weekly review", "/posted"),
        ),
        "stats": stats,
        "rows": rows,
        "panel": panel,
        "notices": notices,
    }


def messages(request: HttpRequest) -> Made:
    kinds = [
        ("DELFOR D97A", True, "Shared demand of 412 items, version 22", Status("Done", Tone.GOOD)),
        ("ORDRSP", True, "3 lines could not be matched: item FL-9921 is not known", Status("Partly done", Tone.WATCH)),
        (
            "DESADV",
            True,
            "Rejected: the ship-to code 4711 does not exist. Correct it in the partner profile, then send again.",
            Status("Failed", Tone.BAD),
        ),
        ("ORDERS", False, "12 order lines", Status("Sent")),
    ]
    log = [
        Message(
            NOW - timedelta(minutes=37 * i),
            inbound,
            SUPPLIERS[i % 8],
            kind,
            status,
            changed,
            f"?message={i}",
            "AS2" if i % 2 else "e-mail",
            i == 1,
        )
        for i in range(12)
        for kind, inbound, changed, status in [kinds[i % 4]]
    ]
    return "web/message_log.html", {
        "page": head("Messages", "Exchange"),
        "log": log,
        "raw": "UNA:+.? '\nUNB+UNOC:3+4012345000009:14+4098765000005:14+261123:0940+1'\nBGM+231+4500012345+29'",
        "parsed": [Fact("Sender", "Kowal Castings"), Fact("Order", "4500012345"), Fact("Lines", 14)],
    }


def board(request: HttpRequest) -> Made:
    cards = [
        Card(
            f"Initiative {i}: second source for fork crowns",
            "#",
            "Ines Alvarado",
            (SEGMENTS[i % 5],),
            TODAY + timedelta(days=i * 3 - 2),
            i == 0,
            Money(Decimal(12000 * (i + 1)), "EUR"),
        )
        for i in range(5)
    ]
    return "web/board.html", {
        "page": head("Initiatives", "Change"),
        "lanes": [
            Lane("Proposed", cards[:2]),
            Lane("Running", cards[2:]),
            Lane("Proven", ()),
            Lane("Closed", (), "Nothing was closed this quarter."),
        ],
    }


def empty(request: HttpRequest) -> Made:
    return "web/worklist.html", {
        "page": head("Cases", "Watch"),
        "rows": [],
        "empty": Empty(
            "No case is open",
            "The next check of all lanes runs tonight at 22:00; you are told here and by e-mail.",
            Action("Open a case", "#"),
        ),
    }


def explanation(request: HttpRequest) -> Made:
    facts = [
        Fact("Numerator", "92 lines received on or before the promised date, complete"),
        Fact("Denominator", "100 lines due 2026-08-25 to 2026-11-22"),
        Fact("Interval", "Wilson, 95 %"),
        Fact("Inputs", "receipts version 412, orders version 388"),
        Fact("May dispute", "Kowal Castings until 2026-12-06"),
    ]
    grid = Grid(
        "lines",
        (Column("order", "Order line", "code", card=True), Column("received", "Received", "date", card=True)),
        [{"order": f"45{i}", "received": TODAY - timedelta(days=i)} for i in range(30)],
        label="Lines",
    )
    return "web/explain.html", {
        "page": Page("On time in full", (Crumb("Scorecards", "#"),)),
        "explained": Stat("", Interval(0.92, 0.853, 0.959, 100)),
        "formula": "Lines delivered complete on or before the promised date, divided by all lines due in the period.",
        "facts": facts,
        "grids": [grid],
    }
