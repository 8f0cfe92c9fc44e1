"""What suppliers made of our orders: promises, deliveries, refusals, and the lines as the order book shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from tierwise.demo.buying import Placed
from tierwise.demo.characters import character_arrays
from tierwise.demo.frames import NEVER, Days, Flags, Floats, Ints, conform, numbers, pick, stream
from tierwise.demo.money import CURRENCIES, Rates, yearly_factor
from tierwise.demo.network import RECEIVING, Network, currency_codes
from tierwise.demo.parties import Parties
from tierwise.demo.products import Products
from tierwise.demo.span import Span
from tierwise.demo.world import LUNAR_NEW_YEAR

TROUBLE_DAYS = (420, 270)
"""Quality trouble starts and ends so many days before the last day."""

OUTAGE_DAYS = (290, 248)
SEASON_DAYS = (-6, 45)
"""Goods due so long around the lunar new year suffer from it."""

OVER_CHANCE = 0.008
"""Share of lines that bring a few per cent more than ordered."""

REASONS = ("DIMENSION", "SURFACE", "FUNCTION", "DOCUMENTS", "PACKAGING")


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Frames of what happened to the placed lines, and the flows in base units that stock is kept from."""

    purchase_line: pl.DataFrame
    receipt: pl.DataFrame
    reject: pl.DataFrame
    lane: Ints
    handed_over: Days
    arrived: Days
    posted: Days
    quantity: Floats
    rejected: Floats


@dataclass(frozen=True, slots=True)
class _Course:
    """What becomes of each line before anything is received."""

    rescheduled: Days
    rescheduled_on: Days
    promised: Days
    reconfirmed: Days
    reconfirmed_on: Days
    cancelled_on: Days
    cancelled_by_us: Flags
    never: Flags
    due: Days
    target: Days


@dataclass(frozen=True, slots=True)
class _Parts:
    """One element per delivery; ``row`` is its line."""

    row: Ints
    number: Ints
    handed_over: Days
    arrived: Days
    posted: Days
    quantity: Floats


def deliver(placed: Placed, network: Network, who: tuple[Parties, Products], money: tuple[Rates, Span],
            seed: int) -> Deliveries:  # fmt: skip
    """Lets every supplier act by its character, and keeps only what is known on the last day."""
    rng = stream(seed, "delivery")
    parties, products = who
    rates, span = money
    trait = character_arrays(parties.suppliers, stream(seed, "characters"))
    supplier = network.supplier[placed.lane]
    mine = {name: values[supplier] for name, values in trait.items()}
    site = network.site[placed.lane]

    def roll(days: Days) -> Days:
        return _open_day(days, site, parties)

    course = _course(placed, mine, span, rng, roll)
    parts = _parts(placed, network, course, mine, rng)
    in_time = (parts.arrived <= course.due[parts.row]) & (parts.arrived > placed.ordered[parts.row] + 21)
    arrived = np.where(in_time, _open_day(parts.arrived, site[parts.row], parties, "backward"),
                       _open_day(parts.arrived, site[parts.row], parties))  # fmt: skip
    posted = _open_day(arrived + rng.choice([0, 0, 1, 1, 2, 3], arrived.size), site[parts.row], parties)
    kept = np.flatnonzero(posted <= span.last)
    known = _Parts(parts.row[kept], parts.number[kept], np.minimum(parts.handed_over, arrived)[kept], arrived[kept],
                   posted[kept], parts.quantity[kept])  # fmt: skip
    receipt = _receipts(known, placed, network)
    rejected = _rejected(known, mine, span, rng)
    lines = _purchase_lines(placed, course, known, (network, parties, products), (rates, span))
    return Deliveries(
        purchase_line=lines,
        receipt=receipt,
        reject=_rejects(known, rejected, receipt, span, rng),
        lane=placed.lane[parts.row],
        handed_over=parts.handed_over,
        arrived=arrived,
        posted=posted,
        quantity=parts.quantity * network.per_unit[placed.lane[parts.row]],
        rejected=_spread(rejected, kept, parts.row.size) * network.per_unit[placed.lane[parts.row]],
    )


def _spread(values: Floats, places: Ints, size: int) -> Floats:
    spread = np.zeros(size)
    spread[places] = values
    return spread


def _course(placed: Placed, mine: dict[str, Floats], span: Span, rng: np.random.Generator,
            roll: Callable[[Days], Days]) -> _Course:  # fmt: skip
    size = placed.lane.size
    window = np.maximum((placed.requested - placed.ordered).astype(np.int64), 2)
    promised = roll(placed.requested + np.where(rng.random(size) < 0.18, rng.integers(1, 9, size), 0))
    moved = rng.random(size) < mine["reschedule_chance"]
    by = rng.choice([-14, -7, 7, 7, 14, 21, 28], size)
    moved_on = placed.ordered + (window * rng.uniform(0.25, 0.7, size)).astype(np.int64)
    wanted = roll(np.maximum(placed.requested + by, moved_on + 3))
    pulled = by < 0
    agreed = np.where(pulled & (rng.random(size) < 0.5), promised, wanted)
    due = np.where(moved, agreed, promised)
    delay = _delay(due, mine, span, rng)
    target = np.maximum(due + delay, placed.ordered + 2)
    told = (target > due + 3) & (rng.random(size) < mine["repromise_chance"])
    told_on = np.maximum(due - rng.integers(2, 12, size), np.where(moved, moved_on, placed.ordered) + 1)
    slip = ((target - due).astype(np.int64) * rng.uniform(0.4, 1.0, size)).astype(np.int64)
    again = roll(due + np.maximum(slip, 1))
    cancel = rng.random(size) < mine["cancel_chance"]
    cancelled_on = np.where(cancel, np.maximum(placed.ordered + (window * rng.uniform(0.2, 0.9, size)).astype(np.int64),
                                               np.where(told, told_on, moved_on) + 1), NEVER)  # fmt: skip
    return _Course(
        rescheduled=np.where(moved, wanted, NEVER),
        rescheduled_on=np.where(moved, moved_on, NEVER),
        promised=promised,
        reconfirmed=np.where(told, again, np.where(moved, agreed, promised)),
        reconfirmed_on=np.where(told, told_on, NEVER),
        cancelled_on=cancelled_on,
        cancelled_by_us=rng.random(size) < 0.7,
        never=rng.random(size) < mine["never_chance"],
        due=due,
        target=target,
    )


def _delay(due: Days, mine: dict[str, Floats], span: Span, rng: np.random.Generator) -> Ints:
    size = due.size
    years = (due - span.first).astype(np.float64) / 365.25
    ago = (span.last - due).astype(np.float64)
    days = mine["shift_days"] + rng.normal(0.0, 1.0, size) * mine["spread_days"]
    days += np.where(rng.random(size) < mine["late_chance"], rng.exponential(1.0, size) * mine["late_days"], 0.0)
    improved = (mine["improves_after_years"] < 9) & (ago < mine["improves_after_years"] * 365.25)
    days = np.where(improved, rng.normal(-1.0, 0.9, size), days)
    days += mine["drift_days_per_year"] * years
    since = _since_new_year(due)
    near = (since >= SEASON_DAYS[0]) & (since <= SEASON_DAYS[1])
    days += np.where(near, mine["season_days"] * rng.uniform(0.5, 1.3, size), 0.0)
    stopped = (ago <= OUTAGE_DAYS[0]) & (ago >= OUTAGE_DAYS[1])
    days += np.where(stopped, mine["outage_days"] * (ago - OUTAGE_DAYS[1] + 6) / 48, 0.0)
    result: Ints = np.round(days).astype(np.int64)
    return result


def _since_new_year(days: Days) -> Ints:
    """Days since the lunar new year of the same calendar year; negative before it."""
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    starts = np.array([LUNAR_NEW_YEAR[year] for year in sorted(LUNAR_NEW_YEAR)], dtype="datetime64[D]")
    since: Ints = (days - starts[years - min(LUNAR_NEW_YEAR)]).astype(np.int64)
    return since


def _parts(placed: Placed, network: Network, course: _Course, mine: dict[str, Floats],
           rng: np.random.Generator) -> _Parts:  # fmt: skip
    """Splits lines into one to three deliveries, short ones cut, in the unit of ordering."""
    size = placed.lane.size
    ordered = placed.quantity / network.per_unit[placed.lane]
    short = rng.random(size) < mine["short_chance"]
    whole = np.where(short, np.floor(ordered * (1 - mine["short_depth"] * rng.uniform(0.5, 1.8, size))), ordered)
    split = (rng.random(size) < mine["part_chance"]) & (ordered >= 4)
    over = (rng.random(size) < OVER_CHANCE) & ~short & ~split & (ordered >= 20)
    whole = np.where(over, np.ceil(whole * 1.03), whole)
    first = np.where(split, np.floor(whole * rng.uniform(0.4, 0.9, size)), whole)
    third = np.where(split & (rng.random(size) < 0.2), np.floor((whole - first) * 0.5), 0.0)
    pieces = np.stack([first, whole - first - third, third])
    alive = np.isnat(course.cancelled_on) & ~course.never
    number, row = np.nonzero((pieces > 0) & alive[None, :])
    quantity = pieces[number, row]
    arrived = course.target[row] + np.where(number > 0, number * rng.integers(3, 15, row.size), 0)
    lane = placed.lane[row]
    transit = network.transit_days[lane]
    leaving = np.where(network.at_origin[lane] == 1, arrived - transit, arrived)
    leaving = np.maximum(leaving, placed.ordered[row] + 1)
    arrived = np.maximum(arrived, leaving)
    by = np.lexsort((number, row))
    return _Parts(row[by], number[by] + 1, leaving[by], arrived[by], arrived[by], quantity[by])


def _open_day(days: Days, site: Ints, parties: Parties, roll: Literal["forward", "backward"] = "forward") -> Days:
    """The same day, or the nearest one forward or backward on which the receiving site works."""
    rolled = days.copy()
    for place, code in enumerate(RECEIVING):
        here = site == place
        rolled[here] = np.busday_offset(days[here], 0, roll=roll, holidays=parties.holidays(code))
    return rolled


def _document(order: Ints) -> pl.Series:
    return numbers("45", order, 7)


def _receipts(known: _Parts, placed: Placed, network: Network) -> pl.DataFrame:
    return conform("receipt", {
        "order": _document(placed.order[known.row]),
        "line": pl.Series(placed.line[known.row] * 10).cast(pl.String),
        "receipt": pl.Series(known.number).cast(pl.String),
        "handed_over_on": known.handed_over,
        "arrived_on": known.arrived,
        "posted_on": known.posted,
        "quantity": known.quantity,
        "unit": network.lane["unit"].gather(placed.lane[known.row]),
    })  # fmt: skip


def _rejected(known: _Parts, mine: dict[str, Floats], span: Span, rng: np.random.Generator) -> Floats:
    ago = (span.last - known.posted).astype(np.int64)
    trouble = (ago <= TROUBLE_DAYS[0]) & (ago >= TROUBLE_DAYS[1])
    chance = np.where(trouble, np.maximum(mine["trouble_reject_chance"][known.row], mine["reject_chance"][known.row]),
                      mine["reject_chance"][known.row])  # fmt: skip
    part = np.where(trouble & (mine["trouble_reject_chance"][known.row] > 0), 0.6, 0.25)
    refused = rng.random(known.row.size) < chance
    units = np.ceil(known.quantity * part * rng.beta(1.2, 2.0, known.row.size))
    result: Floats = np.where(refused, np.minimum(units, known.quantity), 0.0)
    return result


def _rejects(known: _Parts, rejected: Floats, receipt: pl.DataFrame, span: Span,
             rng: np.random.Generator) -> pl.DataFrame:  # fmt: skip
    decided = known.posted + rng.integers(0, 9, known.row.size)
    rows = np.flatnonzero((rejected > 0) & (decided <= span.last))
    reason = rng.choice(len(REASONS), rows.size, p=[0.35, 0.25, 0.25, 0.05, 0.1])
    return conform("reject", {
        **{name: receipt[name].gather(rows) for name in ("order", "line", "receipt", "unit")},
        "reason": pick(REASONS, reason),
        "rejected_on": decided[rows],
        "quantity": rejected[rows],
    })  # fmt: skip


def _purchase_lines(placed: Placed, course: _Course, known: _Parts, world: tuple[Network, Parties, Products],
                    money: tuple[Rates, Span]) -> pl.DataFrame:  # fmt: skip
    """One row per revision: as placed, rescheduled by us, promised again by the supplier, cancelled."""
    network, parties, products = world
    rates, span = money
    dates = np.stack([placed.ordered, course.rescheduled_on, course.reconfirmed_on, course.cancelled_on])
    there = ~np.isnat(dates) & (dates <= span.last)
    row, step = np.nonzero(there.T)
    revision = (np.cumsum(there, axis=0) - 1).T[row, step]
    last = revision == (there.sum(axis=0) - 1)[row]
    moved = there[1][row] & (step >= 1)
    requested = np.where(moved, course.rescheduled[row], placed.requested[row])
    before = np.where(
        moved & np.isnat(course.reconfirmed_on[row]),
        course.reconfirmed[row],
        np.where(moved, np.maximum(course.rescheduled[row], course.promised[row]), course.promised[row]),
    )
    confirmed = np.where(there[2][row] & (step >= 2), course.reconfirmed[row], before)
    fresh = (step == 0) & (placed.ordered[row] > span.last - 4)
    ordered = placed.quantity / network.per_unit[placed.lane]
    received = np.bincount(known.row, weights=known.quantity, minlength=ordered.size)
    final_due = np.where(np.isnat(course.rescheduled), placed.requested, course.rescheduled)
    settled = (received >= ordered) | ((received >= 0.7 * ordered) & (final_due < span.last - 45))
    state = np.where(last, np.where(step == 3, 2, settled[row].astype(np.int64)), 0)
    lane = placed.lane[row]
    currency = np.array([CURRENCIES.index(code) for code in currency_codes(parties)])[network.supplier[lane]]
    price = np.round(network.price[lane] * network.per_unit[lane] * yearly_factor(placed.ordered[row], span)
                     / rates.at(currency, span.first + 0 * placed.ordered[row].astype(np.int64)), 4)  # fmt: skip
    cancel = np.where(step == 3, np.where(course.cancelled_by_us[row], 0, 1), -1)
    talked_over = (step == 1) & (placed.order[row] % 4 == 0)
    changed = np.select([step == 2, step == 3, talked_over], [1, np.maximum(cancel, 0), 2], 0)
    unanswered = np.where(fresh, NEVER, confirmed)
    terms = {name: network.lane[name].gather(lane) for name in ("unit", "incoterm", "currency", "ship_from")}
    return conform("purchase_line", {
        "order": _document(placed.order[row]),
        "line": pl.Series(placed.line[row] * 10).cast(pl.String),
        "revision": revision,
        "revised_on": dates.T[row, step],
        "changed_by": pick(["buyer", "supplier", "agreed"], changed.astype(np.int64)),
        "supplier": pick(parties.suppliers, network.supplier[lane]),
        "item": pick(products.codes, network.item[lane]),
        "site": pick(RECEIVING, network.site[lane]),
        "ordered_on": placed.ordered[row],
        "quantity": ordered[row],
        "price": price,
        "amount": np.round(price * ordered[row], 2),
        "requested_on": requested,
        "promised_on": np.where(fresh, NEVER, course.promised[row]),
        "confirmed_on": unanswered,
        "confirmed_quantity": pl.Series(ordered[row]).set(pl.Series(fresh), None),
        "state": pick(["open", "closed", "cancelled"], state.astype(np.int64)),
        "cancelled_by": pick(["buyer", "supplier"], cancel.astype(np.int64)),
        **terms,
    })  # fmt: skip
