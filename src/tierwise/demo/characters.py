"""How each supplier behaves: the story that its numbers tell."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tierwise.demo.frames import Floats


@dataclass(frozen=True, slots=True)
class Character:
    """Chances per line unless the name says otherwise; days are calendar days against the due date."""

    story: str = "ordinary"
    shift_days: float = 0.0
    spread_days: float = 1.5
    late_chance: float = 0.05
    late_days: float = 6.0
    drift_days_per_year: float = 0.0
    improves_after_years: float = 9.0
    season_days: float = 0.0
    outage_days: float = 0.0
    short_chance: float = 0.03
    short_depth: float = 0.08
    part_chance: float = 0.12
    reject_chance: float = 0.02
    trouble_reject_chance: float = 0.0
    repromise_chance: float = 0.35
    reschedule_chance: float = 0.10
    cancel_chance: float = 0.008
    never_chance: float = 0.002


ORDINARY = Character()

CHARACTERS: dict[str, Character] = {
    "S001": Character("punctual", -1.0, 0.6, 0.01, 3.0, reject_chance=0.008, short_chance=0.01,
                      part_chance=0.03),
    "S002": Character("seasonal collapse around the lunar new year", -1.4, 1.0, 0.03, 5.0, season_days=19.0),
    "S003": Character("drifting later, about five days a year", -4.0, 1.5, 0.04, 5.0, drift_days_per_year=5.0),
    "S004": Character("early shipper", -8.0, 2.5, 0.01, 3.0, part_chance=0.03),
    "S005": Character("short shipper", -1.0, 1.4, 0.06, 6.0, short_chance=0.42, short_depth=0.16, part_chance=0.3),
    "S006": Character("quality trouble for five months", -1.2, 1.2, reject_chance=0.015, trouble_reject_chance=0.45),
    "S007": Character("tiny volume, one line late", -1.0, 0.8, 0.15, 9.0, cancel_chance=0.0, never_chance=0.0),
    "S008": Character("excellent", -1.2, 0.4, 0.0, 0.0, short_chance=0.0, part_chance=0.0, reject_chance=0.001,
                      reschedule_chance=0.04, cancel_chance=0.001, never_chance=0.0),
    "S009": Character("one of two companies of one parent: punctual", -1.1, 0.7, 0.02, 4.0, part_chance=0.05),
    "S010": Character("one of two companies of one parent: slow", 2.0, 2.5, 0.14, 8.0, reject_chance=0.03),
    "S012": Character("distributor: quick, with back orders", -1.0, 0.8, 0.09, 16.0, part_chance=0.25),
    "S013": Character("contract manufacturer: waits for our parts", 1.0, 1.8, 0.08, 7.0),
    "S014": Character("promises again and again", 3.0, 4.0, 0.25, 12.0, repromise_chance=0.95),
    "S015": Character("rescheduled by us all the time", -1.2, 1.2, reschedule_chance=0.45, cancel_chance=0.03),
    "S016": Character("recovered: late until eighteen months ago, good since", 7.0, 3.0, 0.15, 8.0,
                      improves_after_years=1.5),
    "S018": Character("outage of six weeks last year", -1.2, 1.1, outage_days=40.0),
}  # fmt: skip

TINY = "S007"


def character_arrays(codes: list[str], rng: np.random.Generator) -> dict[str, Floats]:
    """One array per trait over suppliers; those without a story of their own get mild random traits."""
    rows = [CHARACTERS.get(code) or _drawn(rng) for code in codes]
    names = [entry.name for entry in fields(Character) if entry.name != "story"]
    return {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in names}


def _drawn(rng: np.random.Generator) -> Character:
    return Character(
        shift_days=float(rng.normal(-1.0, 0.7)),
        spread_days=float(rng.uniform(0.7, 2.0)),
        late_chance=float(rng.beta(1.5, 18.0)),
        late_days=float(rng.uniform(4.0, 11.0)),
        short_chance=float(rng.beta(1.2, 30.0)),
        part_chance=float(rng.uniform(0.03, 0.2)),
        reject_chance=float(rng.beta(1.2, 60.0)),
        repromise_chance=float(rng.uniform(0.2, 0.6)),
        reschedule_chance=float(rng.uniform(0.05, 0.16)),
    )
