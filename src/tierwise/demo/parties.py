"""Suppliers, customers, sites and their calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from tierwise.demo import cast, codes
from tierwise.demo.frames import Floats, Ints, conform, stream
from tierwise.demo.world import CONTINENT_OF, CURRENCY_OF, PLACES, closures

CUSTOMER_SITES = (0, 3, 10, 16)
"""Customers with a place of their own in the network: goods go straight from a supplier to them."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Frames of the companies and places, and the arrays that facts are drawn from."""

    supplier: pl.DataFrame
    customer: pl.DataFrame
    site: pl.DataFrame
    closure: pl.DataFrame
    supplier_categories: tuple[tuple[str, ...], ...]
    customer_weight: Floats
    customer_discount: Floats
    customer_care: Floats

    @property
    def suppliers(self) -> list[str]:
        return self.supplier["supplier"].to_list()

    @property
    def customers(self) -> list[str]:
        return self.customer["customer"].to_list()

    @property
    def sites(self) -> list[str]:
        return self.site["site"].to_list()

    def holidays(self, site: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """Closed days of the calendar that a site keeps."""
        calendar = self.site.filter(pl.col("site") == site)["calendar"].item()
        days = self.closure.filter(pl.col("calendar") == calendar)["closed_on"]
        return days.to_numpy().astype("datetime64[D]")

    def kilometres(self) -> Floats:
        """Great-circle distance between every two sites, in kilometres."""
        latitude = np.radians(self.site["latitude"].to_numpy())
        longitude = np.radians(self.site["longitude"].to_numpy())
        half_lat = np.sin((latitude[:, None] - latitude[None, :]) / 2) ** 2
        half_lon = np.sin((longitude[:, None] - longitude[None, :]) / 2) ** 2
        root = np.sqrt(half_lat + np.cos(latitude)[:, None] * np.cos(latitude)[None, :] * half_lon)
        distance: Floats = 2 * 6371.0 * np.arcsin(np.clip(root, 0.0, 1.0))
        return distance

    def overseas(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Whether two sites lie on different continents."""
        continent = np.array([CONTINENT_OF.get(country, "EU") for country in self.site["country"].to_list()])
        apart: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = continent[:, None] != continent[None, :]
        return apart


def build(suppliers: int, customers: int, seed: int, ends_on: date) -> Parties:
    """The first ``suppliers`` and ``customers`` of the cast, with sites and calendars around ``ends_on``."""
    supplier_rows, customer_rows = cast.rows(cast.SUPPLIERS)[:suppliers], cast.rows(cast.CUSTOMERS)[:customers]
    rng = stream(seed, "parties")
    weight, discount, care = _traits(customer_rows, rng)
    site = _sites(supplier_rows, customer_rows)
    countries = sorted(set(site["country"].to_list()))
    return Parties(
        supplier=_suppliers(supplier_rows),
        customer=_customers(customer_rows),
        site=site,
        closure=_closures(countries, ends_on),
        supplier_categories=tuple(tuple(filter(None, row[4].split(","))) for row in supplier_rows),
        customer_weight=weight,
        customer_discount=discount,
        customer_care=care,
    )


def _traits(rows: list[list[str]], rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Weight in demand, discount off list, and care: how much work a customer causes beside its size."""
    count = len(rows)
    weight = rng.lognormal(0.0, 0.9, count)
    big = np.array([row[0] in {"COFFEE-BARS", "QUICK-SERVICE", "DEALERS", "RETAIL"} for row in rows])
    weight = weight * np.where(big, 2.2, 1.0)
    discount = np.clip(rng.normal(0.16, 0.05, count) + np.where(big, 0.14, 0.0), 0.02, 0.46)
    care = rng.lognormal(0.0, 0.7, count)
    demanding = np.array([row[0] in {"RETAIL", "WEBSHOP", "LEISURE"} for row in rows])
    return weight, discount, care * np.where(demanding, 2.5, 1.0)


def _suppliers(rows: list[list[str]]) -> pl.DataFrame:
    country = [PLACES[row[3]].country for row in rows]
    serial = np.arange(1, len(rows) + 1)
    return conform("supplier", {
        "supplier": [row[0] for row in rows],
        "name": [row[1] for row in rows],
        "parent": pl.Series([cast.PARENT_OF.get(row[0]) for row in rows], dtype=pl.String),
        "country": country,
        "currency": [CURRENCY_OF.get(code, "EUR") for code in country],
        "duns": [codes.duns(int(number)) for number in serial],
        "lei": [codes.lei(int(number)) for number in serial],
        "kind": [row[2] for row in rows],
        "active": [True] * len(rows),
    })  # fmt: skip


def _customers(rows: list[list[str]]) -> pl.DataFrame:
    return conform("customer", {
        "customer": codes.numbered("C", np.arange(1, len(rows) + 1), 4),
        "name": [row[3] for row in rows],
        "customer_group": [row[0] for row in rows],
        "holding": pl.Series([row[4] or None for row in rows], dtype=pl.String),
        "country": [row[2] for row in rows],
        "region": [cast.REGION_OF.get(row[2], "EMEA") for row in rows],
        "channel": [row[1] for row in rows],
        "service_requirement": [cast.SERVICE_REQUIREMENT[row[0]] for row in rows],
    })  # fmt: skip


_CUSTOMER_CITY = ("Stuttgart", "Nuremberg", "Singapore", "Cleveland")


def _sites(suppliers: list[list[str]], customers: list[list[str]]) -> pl.DataFrame:
    own = [(code, name, "", kind, city) for code, name, kind, city in cast.rows(cast.OWN_SITES)]
    kinds = {"contract_manufacturer": "contract_manufacturer"}
    theirs = [(f"{row[0]}-A", f"{row[1]}, {row[3]}", row[0], kinds.get(row[2], "supplier"), row[3])
              for row in suppliers]  # fmt: skip
    ends = [(f"K{place + 1:03d}", f"{customers[place][3]}, {city}", "", "customer", city)
            for place, city in zip(CUSTOMER_SITES, _CUSTOMER_CITY, strict=True) if place < len(customers)]  # fmt: skip
    rows = own + theirs + ends
    places = [PLACES[row[4]] for row in rows]
    return conform("site", {
        "site": [row[0] for row in rows],
        "name": [row[1] for row in rows],
        "supplier": pl.Series([row[2] or None for row in rows], dtype=pl.String),
        "kind": [row[3] for row in rows],
        "country": [place.country for place in places],
        "city": [place.city for place in places],
        "latitude": [place.latitude for place in places],
        "longitude": [place.longitude for place in places],
        "timezone": [place.timezone for place in places],
        "calendar": [place.country for place in places],
        "gln": [codes.gs1_number(1, number) for number in range(1, len(rows) + 1)],
    })  # fmt: skip


def _closures(countries: list[str], ends_on: date) -> pl.DataFrame:
    found = [(country, day, name) for country in countries
             for day, name in closures(country, ends_on.year - 4, ends_on.year + 1).items()]  # fmt: skip
    calendar, day, name = zip(*found, strict=True)
    return conform("closure", {"calendar": list(calendar), "closed_on": list(day), "name": list(name)})


def site_index(parties: Parties, sites: list[str]) -> Ints:
    place = {code: number for number, code in enumerate(parties.sites)}
    return np.array([place[site] for site in sites], dtype=np.int64)
