"""Masters that come from the ERP. They refer to each other by code, as the facts in the lake do."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import Rights, internal


class Master(models.Model):
    """A row that an extract brought, and which extract."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(max_length=64)

    rights: ClassVar[Rights] = internal()

    class Meta:
        abstract = True


def _code(**options: object) -> models.CharField[str, str]:
    return models.CharField(max_length=240, **options)  # type: ignore[arg-type]


class Customer(Master):
    code = _code(unique=True)
    name = models.CharField(max_length=300, blank=True)
    customer_group = _code()
    holding = _code(blank=True)
    country = models.CharField(max_length=2, blank=True)
    region = _code(default="ALL")
    channel = _code(default="direct")
    service_requirement = models.FloatField(null=True)

    def __str__(self) -> str:
        return self.code


class Site(Master):
    code = _code(unique=True)
    name = models.CharField(max_length=300)
    supplier = _code(blank=True)
    kind = models.CharField(max_length=32, default="plant")
    country = models.CharField(max_length=2, blank=True)
    city = models.CharField(max_length=120, blank=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    timezone = models.CharField(max_length=64, default="UTC")
    calendar = _code(blank=True)
    gln = models.CharField(max_length=13, blank=True)

    class Meta:
        indexes = [models.Index(fields=["supplier"], name="site_supplier")]

    def __str__(self) -> str:
        return self.name


class Closure(Master):
    """A day on which the sites of a calendar do not work."""

    calendar = _code()
    closed_on = models.DateField()
    name = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "closed_on"], name="closure_day")]

    def __str__(self) -> str:
        return f"{self.calendar} {self.closed_on}"


class Item(Master):
    code = _code(unique=True)
    name = models.CharField(max_length=300)
    unit = models.CharField(max_length=16, default="EA")
    business_unit = _code(blank=True)
    category = _code(blank=True)
    family = _code(blank=True)
    gtin = models.CharField(max_length=14, blank=True)
    make_or_buy = models.CharField(max_length=8, default="buy")
    sold = models.BooleanField(default=False)
    launched_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)

    def __str__(self) -> str:
        return self.name


class ItemUnit(Master):
    """Base units in one other unit of an item, from a date."""

    item = _code()
    unit = models.CharField(max_length=16)
    per_unit = models.DecimalField(max_digits=18, decimal_places=4)
    valid_from = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "unit", "valid_from"], name="item_unit_from")]

    def __str__(self) -> str:
        return f"{self.item} {self.unit}"


class Lane(Master):
    """An arc that crosses to another company, with its parties and terms."""

    code = _code(unique=True)
    item = _code()
    supplier = _code()
    contract_parent = _code(blank=True)
    manufacturer = _code(blank=True)
    payee = _code(blank=True)
    ship_from = _code(blank=True)
    ship_to = _code()
    incoterm = models.CharField(max_length=8, blank=True)
    lead_time_days = models.IntegerField(null=True)
    minimum_order = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    order_multiple = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    unit = models.CharField(max_length=16, blank=True)
    price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    currency = models.CharField(max_length=3, blank=True)
    share = models.FloatField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["supplier", "item"], name="lane_supplier"),
            models.Index(fields=["item"], name="lane_item"),
        ]

    def __str__(self) -> str:
        return self.code


class Arc(Master):
    """A movement inside the network."""

    item = _code()
    from_site = _code()
    to_site = _code()
    kind = models.CharField(max_length=16, default="move")
    share = models.FloatField(default=1)
    yield_ratio = models.FloatField(default=1)
    offset_days = models.IntegerField(default=0)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    title_holder = _code(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "from_site", "to_site", "kind", "valid_from"], name="arc_key")
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.from_site} to {self.to_site}"
