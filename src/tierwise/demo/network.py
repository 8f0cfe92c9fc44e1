"""Who supplies what to which site, and how goods move on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tierwise.demo.cast import CENTRE_OF, DISTRIBUTED
from tierwise.demo.characters import CHARACTERS, TINY
from tierwise.demo.codes import numbered
from tierwise.demo.frames import Floats, Ints, conform, pick, stream
from tierwise.demo.parties import Parties, site_index
from tierwise.demo.products import BOXED, PLANT_OF, Level, Products
from tierwise.demo.world import CURRENCY_OF, EUR_PER_UNIT

RECEIVING = ("P100", "P200", "P300", "W500")
WAREHOUSE = 3
HOME = np.array([RECEIVING.index(plant) for plant in PLANT_OF], dtype=np.int64)
SECOND_PLANT_SHARE = 0.3
DEPTH = 4
CYCLES = (2, 4, 8, 13, 26)
SERVED_OVERSEAS = ("FOB", "FCA", "CIF")
HANDED_OVER_AT_ORIGIN = ("EXW", "FCA", "FOB", "CIF")


def home_site(products: Products) -> Ints:
    """Where each item is made or first received, as a place in ``RECEIVING``."""
    home = HOME[products.unit_index].copy()
    home[products.transferred] = 0
    home[np.isin(products.level, (Level.SPARE, Level.ACCESSORY))] = WAREHOUSE
    return home


def requirements(products: Products, units: Floats) -> Floats:
    """Receiving site × item × week: customers' demand and what the bills of material derive from it."""
    home = home_site(products)
    total = np.zeros((len(RECEIVING), *units.shape))
    made_twice = np.isin(np.arange(home.size), products.second_plant)
    passed_on = np.zeros_like(units)
    for site in (1, 2, 0):
        share = np.where(home == site, np.where(made_twice, 1 - SECOND_PLANT_SHARE, 1.0), 0.0)
        if site == 0:
            share = np.where(made_twice, SECOND_PLANT_SHARE, share)
        independent = units * share[:, None]
        need = products.per_unit_need
        if site == 0:
            independent = independent + passed_on
        else:
            need = need.copy()
            need[:, products.transferred] = 0.0
        reached = independent
        for _ in range(DEPTH):
            reached = independent + need @ reached
        if site != 0:
            passed_on[products.transferred] += reached[products.transferred]
            reached[products.transferred] = 0.0
        total[site] = reached
    total[WAREHOUSE] = units * (home == WAREHOUSE)[:, None]
    return total


@dataclass(frozen=True, slots=True)
class Network:
    """Frames of lanes and arcs, and one array per trait of the lanes."""

    lane: pl.DataFrame
    arc: pl.DataFrame
    item: Ints
    supplier: Ints
    site: Ints
    """Place in ``RECEIVING``."""
    share: Floats
    step: Floats
    """Least order in base units; every order is a multiple of it."""
    per_unit: Floats
    price: Floats
    """Euro per base unit at the last day's prices."""
    lead_days: Ints
    transit_days: Ints
    at_origin: Ints
    """1 where the goods are ours from the supplier's door or port on."""
    cycle: Ints
    phase: Ints


def build(parties: Parties, products: Products, need: Floats, seed: int) -> Network:
    """``need`` is the expected requirement, site × item × week: whoever needs something gets a lane for it."""
    rng = stream(seed, "network")
    yearly = need.sum(axis=2) / need.shape[2] * 52.18
    item, site, supplier, share = _sources(parties, products, yearly, rng)
    size = item.size
    ship_from = site_index(parties, [f"{code}-A" for code in parties.suppliers])[supplier]
    ship_to = site_index(parties, list(RECEIVING))[site]
    distance, overseas = parties.kilometres()[ship_from, ship_to], parties.overseas()[ship_from, ship_to]
    transit = np.where(overseas, 6 + distance / 560, 1 + distance / 650).astype(np.int64)
    making = rng.integers(8, 26, len(parties.suppliers))[supplier]
    lead = making + transit + rng.integers(0, 6, size)
    incoterm = np.where(overseas, rng.choice(SERVED_OVERSEAS, size), rng.choice(["DAP", "DDP", "FCA", "EXW"], size))
    cost = products.cost[item]
    step, per_unit = _steps(products, item, cost, yearly[site, item] * share)
    tiny = np.array(parties.suppliers)[supplier] == TINY
    cycle = rng.choice(CYCLES, size, p=[0.06, 0.22, 0.34, 0.26, 0.12])
    cycle = np.where(tiny, 26, np.where(overseas & (cycle < 4), 4, cycle))
    price = np.round(cost * rng.normal(0.96, 0.05, size).clip(0.8, 1.12), 4)
    return Network(
        lane=_lane_frame(parties, products, (item, supplier, site), {
            "incoterm": incoterm.tolist(), "lead_time_days": lead, "minimum_order": step / per_unit,
            "order_multiple": step / per_unit, "unit": _unit(products, item), "share": share,
            "price_eur": price * per_unit,
        }, rng),
        arc=_arcs(parties, products, need.sum(axis=2), transit_between(parties)),
        item=item, supplier=supplier, site=site, share=share, step=step, per_unit=per_unit, price=price,
        lead_days=lead, transit_days=transit, at_origin=np.isin(incoterm, HANDED_OVER_AT_ORIGIN).astype(np.int64),
        cycle=cycle, phase=rng.integers(0, cycle),
    )  # fmt: skip


def transit_between(parties: Parties) -> Ints:
    """Days between every two sites: by road on a continent, by sea between continents."""
    distance = parties.kilometres()
    days: Ints = np.where(parties.overseas(), 6 + distance / 560, 1 + distance / 650).astype(np.int64)
    return days


def _sources(parties: Parties, products: Products, yearly: Floats,
             rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Floats]:  # fmt: skip
    """One to three suppliers for every bought item at every site that needs it, near ones and known ones first."""
    codes = parties.suppliers
    makers: dict[str, list[int]] = {}
    for number, categories in enumerate(parties.supplier_categories):
        for category in categories:
            if codes[number] != TINY:
                makers.setdefault(category, []).append(number)
    makers["assemblies"] = [codes.index("S013")]
    makers.setdefault("plastics", [codes.index("S003")])
    makers.setdefault("glass", [codes.index(TINY)])
    far = parties.overseas()[site_index(parties, [f"{code}-A" for code in codes])]
    away = far[:, site_index(parties, list(RECEIVING))]
    known = np.array([3.0 if code in CHARACTERS else 1.0 for code in codes])
    rows: list[tuple[int, int, int, float]] = []
    for site, item in np.argwhere((yearly > 0) & products.bought[None, :]).tolist():
        pool = np.array(makers[products.category[item]])
        weight = known[pool] * np.where(away[pool, site], 0.6, 1.0)
        count = min(int(rng.choice([1, 2, 3], p=[0.72, 0.23, 0.05])), pool.size)
        chosen = rng.choice(pool, count, replace=False, p=weight / weight.sum()).tolist()
        shares = {1: (1.0,), 2: (0.7, 0.3), 3: (0.5, 0.3, 0.2)}[count]
        rows += [(item, site, number, share) for number, share in zip(chosen, shares, strict=True)]
    rows = _with_tiny(rows, products, codes.index(TINY))
    items, places, chosen_ones, portions = zip(*rows, strict=True)
    return np.array(items), np.array(places), np.array(chosen_ones), np.array(portions)


def _with_tiny(rows: list[tuple[int, int, int, float]], products: Products,
               tiny: int) -> list[tuple[int, int, int, float]]:  # fmt: skip
    """Gives the tiny supplier a tenth of one glass part and nothing else."""
    glass = [place for place, row in enumerate(rows) if products.category[row[0]] == "glass"]
    if any(row[2] == tiny for row in rows) or not glass:
        return rows
    item, site, supplier, share = rows[glass[0]]
    rows[glass[0]] = (item, site, supplier, round(share - 0.1, 2))
    return [*rows, (item, site, tiny, 0.1)]


def _steps(products: Products, item: Ints, cost: Floats, yearly: Floats) -> tuple[Floats, Floats]:
    """Round lots worth some hundred euro, never more than a quarter's need, and base units per unit of ordering."""
    round_lots = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000], dtype=np.float64)
    wish = np.minimum(600 / cost, np.maximum(yearly / 4, 1))
    lot = round_lots[np.clip(np.searchsorted(round_lots, wish, side="right") - 1, 0, round_lots.size - 1)]
    box = np.array([float(BOXED.get(name, 1)) for name in products.category])[item]
    return np.where(box > 1, np.maximum(np.ceil(lot / box), 1) * box, lot), box


def _unit(products: Products, item: Ints) -> pl.Series:
    base = products.item["unit"].to_list()
    unit = ["BX" if name in BOXED else code for name, code in zip(products.category, base, strict=True)]
    return pick(unit, item)


def _lane_frame(parties: Parties, products: Products, arcs: tuple[Ints, Ints, Ints],
                terms: dict[str, Any], rng: np.random.Generator) -> pl.DataFrame:  # fmt: skip
    item, supplier, site = arcs
    codes = parties.suppliers
    vendor = [codes[number] for number in supplier.tolist()]
    distributed = [code for code in DISTRIBUTED if code in codes]
    maker = rng.integers(0, len(distributed), item.size)
    currency = parties.supplier["currency"].to_list()
    unit_price = np.asarray(terms.pop("price_eur"), dtype=np.float64)
    start = {"EUR": 1.0} | EUR_PER_UNIT
    parent = dict(zip(codes, parties.supplier["parent"].to_list(), strict=True))
    return conform("lane", {
        "lane": numbered("L", np.arange(1, item.size + 1), 5),
        "item": pick(products.codes, item),
        "supplier": vendor,
        "contract_parent": [parent[code] or code for code in vendor],
        "manufacturer": [distributed[choice] if code == "S012" else code
                         for code, choice in zip(vendor, maker.tolist(), strict=True)],
        "payee": [parent[code] or code for code in vendor],
        "ship_from": [f"{code}-A" for code in vendor],
        "ship_to": pick(RECEIVING, site),
        "price": np.round(unit_price / np.array([start[currency[number]] for number in supplier.tolist()]), 4),
        "currency": pick(currency, supplier),
        **terms,
    })  # fmt: skip


def _arcs(parties: Parties, products: Products, need: Floats, transit: Ints) -> pl.DataFrame:
    """Moves from plants to distribution centres, between plants, to the contract manufacturer and past us."""
    place = {code: number for number, code in enumerate(parties.sites)}
    rows: list[tuple[int, str, str, str, float]] = []
    home = home_site(products)
    twice = set(products.second_plant.tolist())
    for item in np.flatnonzero(products.sold).tolist():
        origin = RECEIVING[int(home[item])]
        for centre in CENTRE_OF.values():
            if item in twice:
                rows.append((item, origin, centre, "move", 1 - SECOND_PLANT_SHARE))
                rows.append((item, RECEIVING[0], centre, "move", SECOND_PLANT_SHARE))
            elif origin != centre:
                rows.append((item, origin, centre, "move", 1.0))
    outside = np.flatnonzero(products.level == Level.ACCESSORY)[::2]
    rows += [(int(item), "W500", "T900", "move", 1.0) for item in outside]
    rows += [(int(item), "P100", "P200", "move", 1.0) for item in products.transferred if need[0, item] > 0]
    parts = np.flatnonzero(products.per_unit_need[:, products.subcontracted].sum(axis=1))
    rows += [(int(part), "P100", "S013-A", "subcontract", 1.0) for part in parts]
    accessories = np.flatnonzero(products.level == Level.ACCESSORY)
    ends = [code for code in parties.sites if code.startswith("K0")]
    rows += [(int(item), "S020-A", end, "direct_ship", 0.25) for item, end in zip(accessories, ends, strict=False)]
    moved, origins, target, kind, share = zip(*rows, strict=True)
    days = [int(transit[place[start], place[end]]) for start, end in zip(origins, target, strict=True)]
    return conform("arc", {
        "item": pick(products.codes, np.array(moved, dtype=np.int64)),
        "from_site": list(origins),
        "to_site": list(target),
        "kind": list(kind),
        "share": list(share),
        "yield_ratio": np.where(np.array(kind) == "subcontract", 0.98, 1.0),
        "offset_days": days,
        "title_holder": pl.Series(["S020" if name == "direct_ship" else "KESSELHAIN" for name in kind]),
    })  # fmt: skip


def currency_codes(parties: Parties) -> list[str]:
    return [CURRENCY_OF.get(code, "EUR") for code in parties.supplier["country"].to_list()]
