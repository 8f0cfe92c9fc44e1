"""Items and bills of material: finished goods over several levels down to bought components."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

import numpy as np
import polars as pl

from tierwise.demo import codes
from tierwise.demo.frames import NEVER, Days, Flags, Floats, Ints, conform, stream

GTINS_PER_PART = 100_000

UNITS = ("COFFEE", "COOKING", "COOLING", "WASHING")
PLANT_OF = ("P100", "P200", "P300", "P200")
ITEM_PREFIX = ("KM", "KO", "KK", "KW")


class Level(IntEnum):
    """Where an item stands; a parent's level is always below its components' level."""

    FINISHED = 0
    MODULE = 1
    PART_MODULE = 2
    COMPONENT = 3
    SPARE = 4
    ACCESSORY = 5


FAMILIES = (
    ("espresso machines", "filter brewers", "grinders", "milk systems"),
    ("combi ovens", "induction ranges", "griddles", "fryers"),
    ("ice makers", "blast chillers", "refrigerated counters", "display coolers"),
    ("hood dishwashers", "glass washers", "conveyor washers", "water treatment"),
)
MODULES = ("boiler", "control box", "housing", "door", "pump set", "hydraulic block", "drive", "frame",
           "heat exchanger", "operating panel", "drain unit", "fan unit")  # fmt: skip
SERIES = ("Aron", "Belva", "Corda", "Duna", "Elvo", "Fjara", "Gaya", "Hesto")

PARTS: dict[str, tuple[tuple[str, ...], float, str]] = {
    "electronics": (("controller board", "power supply", "sensor", "relay board"), 38.0, "EA"),
    "displays": (("touch display", "segment display"), 62.0, "EA"),
    "heating": (("heating element", "tubular heater", "thermostat"), 19.0, "EA"),
    "pumps": (("rotary pump", "dosing pump", "drain pump"), 44.0, "EA"),
    "valves": (("solenoid valve", "safety valve", "check valve"), 14.0, "EA"),
    "motors": (("gear motor", "fan motor", "grinder motor"), 52.0, "EA"),
    "compressors": (("compressor", "condenser", "evaporator"), 118.0, "EA"),
    "castings": (("brew group casting", "pump body", "hinge casting"), 27.0, "EA"),
    "sheet metal": (("panel", "drip tray", "side wall", "cover"), 16.0, "EA"),
    "plastics": (("knob", "tank", "guide", "housing shell"), 4.5, "EA"),
    "glass": (("sight glass", "door pane"), 21.0, "EA"),
    "seals": (("gasket", "o-ring", "door seal"), 0.9, "EA"),
    "fasteners": (("screw set", "bracket", "rivet"), 0.12, "EA"),
    "cables": (("cable harness", "sensor lead", "power cord"), 6.5, "MTR"),
    "packaging": (("carton", "foam insert", "pallet hood"), 3.2, "EA"),
    "filters": (("water filter", "scale cartridge", "air filter"), 11.0, "EA"),
}
BOXED = {"fasteners": 500, "seals": 100}
"""Ordered by the box; ``item_unit`` says how many base units one holds."""

SPARE_CATEGORIES = ("valves", "seals", "electronics", "motors", "pumps", "heating", "filters", "glass")
ACCESSORIES = ("cleaning tablets", "milk jug", "portafilter basket", "oven tray", "descaler", "glass rack")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items of each level a company has."""

    finished: int = 120
    modules: int = 80
    part_modules: int = 40
    components: int = 440
    spares: int = 70
    accessories: int = 50


@dataclass(slots=True)
class Bill:
    """Rows of the bill of material, as parallel lists until the frame is made."""

    parent: list[int] = field(default_factory=list)
    component: list[int] = field(default_factory=list)
    site: list[str] = field(default_factory=list)
    version: list[str] = field(default_factory=list)
    version_share: list[float] = field(default_factory=list)
    quantity_per: list[float] = field(default_factory=list)
    option_rate: list[float] = field(default_factory=list)
    yield_ratio: list[float] = field(default_factory=list)
    offset_days: list[int] = field(default_factory=list)

    def add(self, parent: int, component: int, quantity: float, **more: float | str) -> None:
        self.parent.append(parent)
        self.component.append(component)
        self.quantity_per.append(quantity)
        self.site.append(str(more.get("site", "*")))
        self.version.append(str(more.get("version", "1")))
        self.version_share.append(float(more.get("version_share", 1.0)))
        self.option_rate.append(float(more.get("option_rate", 1.0)))
        self.yield_ratio.append(float(more.get("yield_ratio", 1.0)))
        self.offset_days.append(int(more.get("offset_days", 1)))


@dataclass(frozen=True, slots=True)
class Products:
    """Frames of items and bills, and the arrays that demand and purchasing are drawn from."""

    item: pl.DataFrame
    item_unit: pl.DataFrame
    bill_of_material: pl.DataFrame
    level: Ints
    unit_index: Ints
    category: tuple[str, ...]
    sold: Flags
    bought: Flags
    cost: Floats
    list_price: Floats
    launched: Days
    ending: Days
    second_plant: Ints
    transferred: Ints
    subcontracted: Ints
    per_unit_need: Floats
    """Row: component, column: parent; base units of the component that one good parent takes."""

    @property
    def codes(self) -> list[str]:
        return self.item["item"].to_list()


def build(counts: Counts, seed: int, days: tuple[date, date], part: int = 0) -> Products:
    """Items, bills and costs; launches and endings are drawn between the two ``days``; ``part`` numbers GTINs."""
    rng = stream(seed, "products")
    level = np.repeat(np.arange(6), [counts.finished, counts.modules, counts.part_modules, counts.components,
                                     counts.spares, counts.accessories]).astype(np.int64)  # fmt: skip
    size = level.size
    unit_index = (np.arange(size) % 4).astype(np.int64)
    category = _categories(level, rng)
    modules = np.flatnonzero(level == Level.MODULE)
    coffee = modules[unit_index[modules] == 0]
    controls = modules[np.arange(modules.size) % len(MODULES) == 1]
    transferred = controls[unit_index[controls] != 0][:4] if controls.size else controls
    subcontracted = np.setdiff1d(coffee, transferred)[-3:]
    bill = _bill(level, unit_index, category, subcontracted, rng)
    phantom = np.zeros(size, dtype=np.bool_)
    part_modules = np.flatnonzero(level == Level.PART_MODULE)
    phantom[part_modules[::4]] = True
    need = _need(bill, size)
    cost = _costs(level, category, need, rng)
    bought = (level >= Level.COMPONENT) | np.isin(np.arange(size), subcontracted)
    sold = _sold(level, category, rng)
    launched, ending = _lives(level, sold, days, rng)
    finished = np.flatnonzero(level == Level.FINISHED)
    return Products(
        item=_items((level, unit_index, category), (sold, bought), (launched, ending), part),
        item_unit=_item_units(level, unit_index, category),
        bill_of_material=_bill_frame(bill, phantom, _names(level, unit_index)),
        level=level,
        unit_index=unit_index,
        category=category,
        sold=sold,
        bought=bought,
        cost=cost,
        list_price=cost * np.select([level == Level.FINISHED, level == Level.ACCESSORY], [1.75, 2.1], 2.9),
        launched=launched,
        ending=ending,
        second_plant=finished[unit_index[finished] == 1][1::6],
        transferred=transferred,
        subcontracted=subcontracted,
        per_unit_need=need,
    )


def _names(level: Ints, unit_index: Ints) -> list[str]:
    """Item numbers: finished goods by business unit, the others by what they are."""
    prefix = ("", "M", "N", "B", "E", "Z")
    return [f"{ITEM_PREFIX[unit]}-{100 + number}" if rank == Level.FINISHED else f"{prefix[rank]}{10000 + number}"
            for number, (rank, unit) in enumerate(zip(level.tolist(), unit_index.tolist(), strict=True))]  # fmt: skip


def _categories(level: Ints, rng: np.random.Generator) -> tuple[str, ...]:
    parts = list(PARTS)
    drawn = rng.permutation(np.arange(level.size) % len(parts))
    found = []
    for number, rank in enumerate(level.tolist()):
        if rank == Level.COMPONENT:
            found.append(parts[drawn[number]])
        elif rank == Level.SPARE:
            found.append(SPARE_CATEGORIES[number % len(SPARE_CATEGORIES)])
        else:
            found.append({Level.FINISHED: "equipment", Level.ACCESSORY: "accessories"}.get(rank, "assemblies"))
    return tuple(found)


def _bill(level: Ints, unit_index: Ints, category: tuple[str, ...], subcontracted: Ints,
          rng: np.random.Generator) -> Bill:  # fmt: skip
    bill = Bill()
    components = np.flatnonzero(level == Level.COMPONENT)
    popular = 1.0 / np.arange(1, components.size + 1) ** 0.6
    popular = rng.permutation(popular) / popular.sum()
    below = {Level.FINISHED: Level.MODULE, Level.MODULE: Level.PART_MODULE}
    cycle = iter(rng.permutation(components).tolist() * 40)
    for parent in np.flatnonzero(level <= Level.PART_MODULE).tolist():
        rank = Level(int(level[parent]))
        more: dict[str, float | str] = {
            "yield_ratio": round(float(rng.choice([1.0, 0.99, 0.98, 0.96])), 2),
            "site": "S013-A" if parent in subcontracted else "*",
        }
        if rank in below:
            pool = np.flatnonzero((level == below[rank]) & (unit_index == unit_index[parent]))
            wanted = int(rng.integers(3, 6)) if rank is Level.FINISHED else int(rng.integers(0, 3))
            for module in rng.choice(pool, min(wanted, pool.size), replace=False).tolist():
                bill.add(parent, module, 1.0, **more, offset_days=3)
        drawn = rng.choice(components, int(rng.integers(5, 11)), replace=False, p=popular).tolist()
        chosen = dict.fromkeys([next(cycle), next(cycle), *drawn])
        _parts(bill, (parent, more), list(chosen), category, rng)
    _adopt(bill, level, unit_index)
    return bill


def _adopt(bill: Bill, level: Ints, unit_index: Ints) -> None:
    """Gives every module that nobody drew a parent of its business unit that has one production version."""
    versioned = {parent for parent, version in zip(bill.parent, bill.version, strict=True) if version == "2"}
    for rank in (Level.MODULE, Level.PART_MODULE):
        for orphan in sorted(set(np.flatnonzero(level == rank).tolist()) - set(bill.component)):
            same = (level == rank - 1) & (unit_index == unit_index[orphan])
            home = next(parent for parent in np.flatnonzero(same).tolist() if parent not in versioned)
            row = bill.parent.index(home)
            bill.add(home, orphan, 1.0, site=bill.site[row], yield_ratio=bill.yield_ratio[row], offset_days=3)


def _parts(bill: Bill, head: tuple[int, dict[str, float | str]], chosen: list[int], category: tuple[str, ...],
           rng: np.random.Generator) -> None:  # fmt: skip
    """The bought parts of one parent; the last ones may be options, substitutes or second production versions."""
    parent, more = head
    draw = float(rng.random())
    for place, part in enumerate(chosen):
        many = {"fasteners": (8, 60), "seals": (2, 8), "cables": (1, 6)}.get(category[part], (1, 3))
        quantity = float(rng.integers(*many))
        rest = len(chosen) - place
        if draw < 0.25 and rest == 1:
            bill.add(parent, part, quantity, **more, option_rate=float(rng.choice([0.15, 0.3, 0.5])))
        elif draw > 0.85 and rest <= 2:
            bill.add(parent, part, quantity, **more, option_rate=0.7 if rest == 2 else 0.3)
        else:
            bill.add(parent, part, quantity, **more)
    if 0.25 <= draw < 0.4 and len(chosen) > 4 and more["site"] == "*":
        _second_version(bill, parent, chosen)


def _second_version(bill: Bill, parent: int, chosen: list[int]) -> None:
    """Turns the parent's rows into version 1 and adds version 2, which does without the last part."""
    first = len(bill.parent) - 1
    while first > 0 and bill.parent[first - 1] == parent:
        first -= 1
    rows = range(first, len(bill.parent))
    for row in rows:
        bill.version_share[row] = 0.7
    for row in list(rows):
        if bill.component[row] != chosen[-1]:
            bill.add(parent, bill.component[row], bill.quantity_per[row], version="2", version_share=0.3,
                     yield_ratio=bill.yield_ratio[row], offset_days=bill.offset_days[row])  # fmt: skip


def _need(bill: Bill, size: int) -> Floats:
    need = np.zeros((size, size))
    rate = np.array(bill.quantity_per) * np.array(bill.version_share) * np.array(bill.option_rate)
    np.add.at(need, (np.array(bill.component), np.array(bill.parent)), rate / np.array(bill.yield_ratio))
    return need


def _costs(level: Ints, category: tuple[str, ...], need: Floats, rng: np.random.Generator) -> Floats:
    """Standard cost in euro: drawn for what is bought, rolled up with work added for what is made."""
    cost = np.array([PARTS[name][1] if name in PARTS else 9.0 for name in category]) * rng.lognormal(0, 0.5, level.size)
    cost[level <= Level.PART_MODULE] = 0.0
    for rank, work in ((Level.PART_MODULE, 6.0), (Level.MODULE, 18.0), (Level.FINISHED, 95.0)):
        rolled = (cost @ need) * 1.04 + work
        cost = np.where(level == rank, rolled, cost)
    rounded: Floats = np.maximum(np.round(cost, 4), 0.02)
    return rounded


def _sold(level: Ints, category: tuple[str, ...], rng: np.random.Generator) -> Flags:
    worn = np.array([name in SPARE_CATEGORIES for name in category])
    also = (level == Level.COMPONENT) & worn & (rng.random(level.size) < 0.6)
    kits = (level == Level.MODULE) & (rng.random(level.size) < 0.15)
    sold: Flags = np.isin(level, (Level.FINISHED, Level.SPARE, Level.ACCESSORY)) | also | kits
    return sold


def _lives(level: Ints, sold: Flags, span: tuple[date, date], rng: np.random.Generator) -> tuple[Days, Days]:
    """First and last days of sale: a twelfth of finished goods are new, as many end, the rest just live."""
    first, last = np.datetime64(span[0], "D"), np.datetime64(span[1], "D")
    days = int((last - first).astype(int))
    launched = np.where(sold, first - rng.integers(200, 3000, level.size).astype("timedelta64[D]"), NEVER)
    ending = np.full(level.size, NEVER)
    changing = (level == Level.FINISHED) | (level == Level.ACCESSORY)
    draw = rng.random(level.size)
    new = changing & (draw < 0.09)
    old = changing & (draw > 0.92)
    launched[new] = first + (rng.uniform(0.3, 0.92, int(new.sum())) * days).astype("timedelta64[D]")
    ending[old] = first + (rng.uniform(0.5, 1.12, int(old.sum())) * days).astype("timedelta64[D]")
    return launched.astype("datetime64[D]"), ending


def _items(shape: tuple[Ints, Ints, tuple[str, ...]], sold_bought: tuple[Flags, Flags],
           lives: tuple[Days, Days], part: int) -> pl.DataFrame:  # fmt: skip
    level, unit_index, category = shape
    names, families = zip(*(_describe(number, Level(rank), unit, group) for number, (rank, unit, group) in
                            enumerate(zip(level.tolist(), unit_index.tolist(), category, strict=True))),
                          strict=True)  # fmt: skip
    return conform("item", {
        "item": _names(level, unit_index),
        "name": list(names),
        "unit": [PARTS[name][2] if name in PARTS else "EA" for name in category],
        "business_unit": [UNITS[unit] for unit in unit_index.tolist()],
        "category": list(category),
        "family": list(families),
        "gtin": pl.Series([codes.gs1_number(2, part * GTINS_PER_PART + number + 1) if flag else None
                           for number, flag in enumerate(sold_bought[0].tolist())], dtype=pl.String),
        "make_or_buy": np.where(sold_bought[1], "buy", "make").tolist(),
        "sold": sold_bought[0],
        "launched_on": lives[0],
        "ends_on": lives[1],
    })  # fmt: skip


def _describe(number: int, level: Level, unit: int, category: str) -> tuple[str, str]:
    series = SERIES[number * 5 % len(SERIES)]
    if level is Level.FINISHED:
        family = FAMILIES[unit][number // 4 % 4]
        return f"{family.removesuffix('s').capitalize()} {series} {100 + number * 7 % 900}", family
    if level in {Level.MODULE, Level.PART_MODULE}:
        name = MODULES[number % len(MODULES)]
        return f"{name.capitalize()} {series} {number % 90 + 10}", name
    if level is Level.ACCESSORY:
        name = ACCESSORIES[number % len(ACCESSORIES)]
        return f"{name.capitalize()} {series}", name
    name = PARTS[category][0][number % len(PARTS[category][0])]
    return f"{name.capitalize()} {chr(65 + number % 26)}{number * 13 % 997:03d}", name


def _item_units(level: Ints, unit_index: Ints, category: tuple[str, ...]) -> pl.DataFrame:
    names = _names(level, unit_index)
    rows = [(names[number], "BX", float(BOXED[group])) for number, group in enumerate(category) if group in BOXED]
    rows += [(names[number], "PAL", 24.0) for number in np.flatnonzero(level == Level.ACCESSORY).tolist()]
    item, unit, per_unit = zip(*rows, strict=True)
    return conform("item_unit", {"item": list(item), "unit": list(unit), "per_unit": list(per_unit)})


def _bill_frame(bill: Bill, phantom: Flags, names: list[str]) -> pl.DataFrame:
    code = np.array(names)
    return conform("bill_of_material", {
        "parent": code[bill.parent].tolist(),
        "component": code[bill.component].tolist(),
        "site": bill.site,
        "version": bill.version,
        "version_share": bill.version_share,
        "quantity_per": bill.quantity_per,
        "option_rate": bill.option_rate,
        "yield_ratio": bill.yield_ratio,
        "phantom": phantom[bill.component],
        "offset_days": np.array(bill.offset_days, dtype=np.int64),
    })  # fmt: skip
