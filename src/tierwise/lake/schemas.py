"""Every table that facts and masters arrive in, declared once.

A table lives either in the lake (posted facts, bulk intervals) or in the directory (masters, PostgreSQL).
Import, documentation, templates for spreadsheets and the demo company are all driven by these declarations.

Every row also carries what the platform adds and no extract supplies:
``source`` (which system it came from, part of every fact key), ``known_from`` and ``known_to`` (when we knew it;
null ``known_to`` means still current) and, where the table is partitioned, ``month`` ("YYYY-MM" of ``dated_by``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl


class Kind(StrEnum):
    """What a value is; the Polars type follows from it."""

    CODE = "code"
    TEXT = "text"
    INTEGER = "integer"
    RATIO = "ratio"
    QUANTITY = "quantity"
    MONEY = "money"
    PRICE = "price"
    DATE = "date"
    FLAG = "flag"
    UNIT = "unit"
    CURRENCY = "currency"
    COUNTRY = "country"
    CHOICE = "choice"


POLARS_TYPES: dict[Kind, pl.DataType] = {
    Kind.CODE: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.INTEGER: pl.Int64(),
    Kind.RATIO: pl.Float64(),
    Kind.QUANTITY: pl.Decimal(18, 4),
    Kind.MONEY: pl.Decimal(18, 4),
    Kind.PRICE: pl.Decimal(18, 6),
    Kind.DATE: pl.Date(),
    Kind.FLAG: pl.Boolean(),
    Kind.UNIT: pl.String(),
    Kind.CURRENCY: pl.String(),
    Kind.COUNTRY: pl.String(),
    Kind.CHOICE: pl.String(),
}


LONGEST: dict[Kind, int] = {Kind.CODE: 240, Kind.TEXT: 300, Kind.UNIT: 16}
"""Most characters of a value, as the directory and published tables hold them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its meaning, whether it must be there, what it refers to and which values it may take."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    refers_to: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    least: float | None = None

    @property
    def dtype(self) -> pl.DataType:
        return POLARS_TYPES[self.kind]


class Home(StrEnum):
    LAKE = "lake"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: where it lives, what makes a row unique, and the date that places a row in time."""

    name: str
    home: Home
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)
    dated_by: str = ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return {column.name: column.dtype for column in self.columns}

    @property
    def partitioned(self) -> bool:
        return bool(self.dated_by)


def _c(name: str, kind: Kind, meaning: str, *, need: bool = False, ref: str = "", choices: str = "",
       default: str | None = None, least: float | None = None) -> Column:  # fmt: skip
    return Column(name, kind, meaning, need, ref, tuple(choices.split()), default, least)


K = Kind

# fmt: off
MASTERS: tuple[Table, ...] = (
    Table("supplier", Home.DIRECTORY, "A company that we buy from.", ("supplier",), (
        _c("supplier", K.CODE, "code of the supplier in the source", need=True),
        _c("name", K.TEXT, "registered or trading name", need=True),
        _c("parent", K.CODE, "code of the owning company, for contracts and common-owner checks"),
        _c("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        _c("currency", K.CURRENCY, "ISO 4217, the currency it invoices in"),
        _c("duns", K.CODE, "D-U-N-S number, nine digits"),
        _c("lei", K.CODE, "legal entity identifier, ISO 17442"),
        _c("kind", K.CHOICE, "what sort of company it is", choices="manufacturer distributor contract_manufacturer service",
           default="manufacturer"),
        _c("active", K.FLAG, "whether it may still receive orders", default="true"),
    )),
    Table("customer", Home.DIRECTORY, "A company or person that buys from us.", ("customer",), (
        _c("customer", K.CODE, "code of the customer in the source", need=True),
        _c("name", K.TEXT, "name; left empty where it would be a private person's"),
        _c("customer_group", K.CODE, "the group that segments are made on", need=True),
        _c("holding", K.CODE, "code of the ultimate owner; one holding counts once in disclosure rules"),
        _c("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        _c("region", K.CODE, "sales region", default="ALL"),
        _c("channel", K.CODE, "sales channel", default="direct"),
        _c("service_requirement", K.RATIO, "share of lines that must arrive in full and on time (0 to 1)", least=0),
    )),
    Table("site", Home.DIRECTORY, "A place where goods are made, held or handed over.", ("site",), (
        _c("site", K.CODE, "code of the site in the source", need=True),
        _c("name", K.TEXT, "name", need=True),
        _c("supplier", K.CODE, "the supplier it belongs to; empty for our own", ref="supplier"),
        _c("kind", K.CHOICE, "role in the network",
           choices="plant warehouse supplier contract_manufacturer third_party customer", default="plant"),
        _c("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        _c("city", K.TEXT, "city"),
        _c("latitude", K.RATIO, "degrees north, WGS 84", least=-90),
        _c("longitude", K.RATIO, "degrees east, WGS 84", least=-180),
        _c("timezone", K.TEXT, "IANA time zone", default="UTC"),
        _c("calendar", K.CODE, "code of the working calendar"),
        _c("gln", K.CODE, "GS1 global location number, thirteen digits"),
    )),
    Table("closure", Home.DIRECTORY, "A day on which a calendar's sites do not work.", ("calendar", "closed_on"), (
        _c("calendar", K.CODE, "code of the calendar", need=True),
        _c("closed_on", K.DATE, "the day", need=True),
        _c("name", K.TEXT, "holiday or shutdown"),
    )),
    Table("item", Home.DIRECTORY, "Anything that is sold, made or bought.", ("item",), (
        _c("item", K.CODE, "item number in the source", need=True),
        _c("name", K.TEXT, "description", need=True),
        _c("unit", K.UNIT, "base unit (UN/ECE recommendation 20 or the source's own)", default="EA"),
        _c("business_unit", K.CODE, "business unit that owns it"),
        _c("category", K.CODE, "product category"),
        _c("family", K.CODE, "product family within the category"),
        _c("gtin", K.CODE, "GS1 global trade item number"),
        _c("make_or_buy", K.CHOICE, "how it is obtained", choices="make buy", default="buy"),
        _c("sold", K.FLAG, "whether it is sold to customers", default="false"),
        _c("launched_on", K.DATE, "first day of sale"),
        _c("ends_on", K.DATE, "announced last day of sale"),
    )),
    Table("item_unit", Home.DIRECTORY, "How many base units one other unit of an item holds.",
          ("item", "unit", "valid_from"), (
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("unit", K.UNIT, "the other unit", need=True),
        _c("per_unit", K.QUANTITY, "base units in one of it", need=True, least=0),
        _c("valid_from", K.DATE, "from when", default="1900-01-01"),
    )),
    Table("lane", Home.DIRECTORY, "An arc that crosses to another company: who sells, makes, ships and is paid.",
          ("lane",), (
        _c("lane", K.CODE, "code of the lane", need=True),
        _c("item", K.CODE, "item bought", need=True, ref="item"),
        _c("supplier", K.CODE, "vendor that takes the order", need=True, ref="supplier"),
        _c("contract_parent", K.CODE, "company that signs", ref="supplier"),
        _c("manufacturer", K.CODE, "company that makes it", ref="supplier"),
        _c("payee", K.CODE, "company that is paid", ref="supplier"),
        _c("ship_from", K.CODE, "site it leaves", ref="site"),
        _c("ship_to", K.CODE, "our site that receives it", need=True, ref="site"),
        _c("incoterm", K.CODE, "Incoterms 2020 rule; decides the hand-over point"),
        _c("lead_time_days", K.INTEGER, "agreed days from order to receipt", least=0),
        _c("minimum_order", K.QUANTITY, "least order quantity", least=0),
        _c("order_multiple", K.QUANTITY, "lots it is ordered in", least=0),
        _c("unit", K.UNIT, "unit of ordering"),
        _c("price", K.PRICE, "price per unit", least=0),
        _c("currency", K.CURRENCY, "ISO 4217"),
        _c("share", K.RATIO, "planned share of the item's purchases (0 to 1)", least=0),
        _c("valid_from", K.DATE, "first day", default="1900-01-01"),
        _c("valid_to", K.DATE, "last day; empty while open"),
    )),
    Table("arc", Home.DIRECTORY, "A movement inside the network: transfer, intercompany, subcontracting or direct shipment.",
          ("item", "from_site", "to_site", "kind", "valid_from"), (
        _c("item", K.CODE, "item moved", need=True, ref="item"),
        _c("from_site", K.CODE, "where it leaves", need=True, ref="site"),
        _c("to_site", K.CODE, "where it arrives", need=True, ref="site"),
        _c("kind", K.CHOICE, "what moves it", choices="make move subcontract direct_ship", default="move"),
        _c("share", K.RATIO, "share of the receiving node's need met this way (0 to 1)", default="1", least=0),
        _c("yield_ratio", K.RATIO, "good units out per unit in (0 to 1)", default="1", least=0),
        _c("offset_days", K.INTEGER, "days from leaving to arriving", default="0", least=0),
        _c("valid_from", K.DATE, "first day", default="1900-01-01"),
        _c("valid_to", K.DATE, "last day; empty while open"),
        _c("title_holder", K.CODE, "who owns the goods on the way"),
    )),
)

FACTS: tuple[Table, ...] = (
    Table("demand", Home.LAKE, "One line that a customer ordered or returned.", ("order", "line", "occurrence"), (
        _c("order", K.CODE, "customer order or invoice number", need=True),
        _c("line", K.CODE, "line on it", need=True),
        _c("occurrence", K.INTEGER, "counts rows that the source does not tell apart", default="1", least=1),
        _c("kind", K.CHOICE, "order, or return that nets against its cell", choices="order return", default="order"),
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("customer", K.CODE, "customer", need=True, ref="customer"),
        _c("site", K.CODE, "our site that serves it", ref="site"),
        _c("region", K.CODE, "region served; the customer's when empty"),
        _c("channel", K.CODE, "channel; the customer's when empty"),
        _c("ordered_on", K.DATE, "day of the order", need=True),
        _c("requested_on", K.DATE, "day the customer asked for"),
        _c("shipped_on", K.DATE, "day it left"),
        _c("quantity", K.QUANTITY, "ordered quantity, always positive; kind carries the sign", need=True, least=0),
        _c("unit", K.UNIT, "unit; the item's base unit when empty"),
        _c("revenue", K.MONEY, "net value of the line, positive", least=0),
        _c("currency", K.CURRENCY, "ISO 4217"),
    ), dated_by="ordered_on"),
    Table("activity", Home.LAKE, "How often something that costs time was done for a customer, for time-driven costing.",
          ("customer", "item", "activity", "on"), (
        _c("customer", K.CODE, "customer it was done for", need=True, ref="customer"),
        _c("item", K.CODE, "item, or * where it concerns the customer as a whole", default="*"),
        _c("activity", K.CODE, "activity named in the scheme's cost pools", need=True),
        _c("on", K.DATE, "day", need=True),
        _c("count", K.QUANTITY, "how often", need=True, least=0),
    ), dated_by="on"),
    Table("order_forecast", Home.LAKE, "What we expect to order from a supplier, one vintage after the other.",
          ("vintage_on", "supplier", "item", "site", "bucket_start"), (
        _c("vintage_on", K.DATE, "day the forecast was made", need=True),
        _c("supplier", K.CODE, "supplier", need=True, ref="supplier"),
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("site", K.CODE, "our receiving site", need=True, ref="site"),
        _c("bucket_start", K.DATE, "first day of the bucket", need=True),
        _c("bucket_days", K.INTEGER, "length of the bucket", default="7", least=1),
        _c("quantity", K.QUANTITY, "quantity", need=True, least=0),
        _c("unit", K.UNIT, "unit; the item's base unit when empty"),
        _c("binds", K.CHOICE, "what the quantity commits us to",
           choices="information forecast commitment fabrication_authorisation material_authorisation", default="forecast"),
    ), dated_by="vintage_on"),
    Table("purchase_line", Home.LAKE, "One line of a purchase order, once per revision.", ("order", "line", "revision"), (
        _c("order", K.CODE, "purchase order number", need=True),
        _c("line", K.CODE, "line on it", need=True),
        _c("revision", K.INTEGER, "0 for the order as placed, then each change", default="0", least=0),
        _c("revised_on", K.DATE, "day of this revision; the order date for revision 0"),
        _c("changed_by", K.CHOICE, "who caused the revision", choices="buyer supplier agreed", default="buyer"),
        _c("supplier", K.CODE, "vendor that took the order", need=True, ref="supplier"),
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("site", K.CODE, "our receiving site", need=True, ref="site"),
        _c("ship_from", K.CODE, "supplier's site", ref="site"),
        _c("ordered_on", K.DATE, "day of the order", need=True),
        _c("quantity", K.QUANTITY, "ordered quantity", need=True, least=0),
        _c("unit", K.UNIT, "unit; the item's base unit when empty"),
        _c("price", K.PRICE, "price per unit", least=0),
        _c("amount", K.MONEY, "value of the line", least=0),
        _c("currency", K.CURRENCY, "ISO 4217"),
        _c("incoterm", K.CODE, "Incoterms 2020 rule"),
        _c("requested_on", K.DATE, "day we need it at the receiving site"),
        _c("promised_on", K.DATE, "day the supplier first promised"),
        _c("confirmed_on", K.DATE, "day the supplier confirms in this revision"),
        _c("confirmed_quantity", K.QUANTITY, "quantity the supplier confirms", least=0),
        _c("state", K.CHOICE, "state of the line", choices="open closed cancelled", default="open"),
        _c("cancelled_by", K.CHOICE, "who cancelled", choices="buyer supplier"),
        _c("segment", K.CODE, "segment pegged to the line by the source, if it knows one"),
    ), dated_by="ordered_on"),
    Table("receipt", Home.LAKE, "One delivery, whole or part, of a purchase line.", ("order", "line", "receipt"), (
        _c("order", K.CODE, "purchase order number", need=True),
        _c("line", K.CODE, "line on it", need=True),
        _c("receipt", K.CODE, "receipt or delivery number", default="1"),
        _c("handed_over_on", K.DATE, "day the risk passed at the Incoterm point"),
        _c("arrived_on", K.DATE, "day it arrived at our site"),
        _c("posted_on", K.DATE, "day it was booked"),
        _c("quantity", K.QUANTITY, "quantity received", need=True, least=0),
        _c("unit", K.UNIT, "unit; the line's when empty"),
    ), dated_by="posted_on"),
    Table("reject", Home.LAKE, "Units of a receipt refused for quality.", ("order", "line", "receipt", "reason"), (
        _c("order", K.CODE, "purchase order number", need=True),
        _c("line", K.CODE, "line on it", need=True),
        _c("receipt", K.CODE, "receipt or delivery number", default="1"),
        _c("reason", K.CODE, "reason code", default="unspecified"),
        _c("rejected_on", K.DATE, "day of the decision", need=True),
        _c("quantity", K.QUANTITY, "quantity refused", need=True, least=0),
        _c("unit", K.UNIT, "unit; the line's when empty"),
    ), dated_by="rejected_on"),
    Table("stock", Home.LAKE, "What lay where on a day.", ("item", "site", "place", "kind", "counted_on"), (
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("site", K.CODE, "site", need=True, ref="site"),
        _c("place", K.CODE, "storage place within the site", default="*"),
        _c("kind", K.CHOICE, "whether it may be used", choices="unrestricted blocked consignment in_transit",
           default="unrestricted"),
        _c("counted_on", K.DATE, "day", need=True),
        _c("quantity", K.QUANTITY, "quantity", need=True),
        _c("unit", K.UNIT, "unit; the item's base unit when empty"),
    ), dated_by="counted_on"),
    Table("cost", Home.LAKE, "What one base unit of an item costs or lists for, by date.", ("item", "kind", "valid_from"), (
        _c("item", K.CODE, "item", need=True, ref="item"),
        _c("kind", K.CHOICE, "standard cost or list price", choices="standard list", default="standard"),
        _c("valid_from", K.DATE, "first day", need=True),
        _c("valid_to", K.DATE, "last day; empty while open"),
        _c("amount", K.PRICE, "per base unit", need=True, least=0),
        _c("currency", K.CURRENCY, "ISO 4217"),
    )),
    Table("exchange_rate", Home.LAKE, "What one unit of a currency is worth in another, by date and type of rate.",
          ("from_currency", "to_currency", "kind", "valid_from"), (
        _c("from_currency", K.CURRENCY, "ISO 4217", need=True),
        _c("to_currency", K.CURRENCY, "ISO 4217", need=True),
        _c("kind", K.CHOICE, "what the rate is for", choices="average spot budget", default="average"),
        _c("valid_from", K.DATE, "first day; it holds until the next one", need=True),
        _c("rate", K.PRICE, "units of the second currency for one of the first", need=True, least=0),
    )),
    Table("bill_of_material", Home.LAKE, "How much of a component one unit of a parent takes, by date.",
          ("parent", "component", "site", "version", "valid_from"), (
        _c("parent", K.CODE, "item made", need=True, ref="item"),
        _c("component", K.CODE, "item used", need=True, ref="item"),
        _c("site", K.CODE, "plant, or * for every plant", default="*"),
        _c("version", K.CODE, "production version", default="1"),
        _c("version_share", K.RATIO, "share of production run on this version (0 to 1)", default="1", least=0),
        _c("quantity_per", K.QUANTITY, "component base units per parent base unit", need=True, least=0),
        _c("option_rate", K.RATIO, "share of parents that take this component (options, substitutes)", default="1", least=0),
        _c("yield_ratio", K.RATIO, "good parents per parent started (0 to 1)", default="1", least=0),
        _c("phantom", K.FLAG, "the component is never stocked, its own components are used directly", default="false"),
        _c("offset_days", K.INTEGER, "days the component is needed before the parent is ready", default="0", least=0),
        _c("valid_from", K.DATE, "first day", default="1900-01-01"),
        _c("valid_to", K.DATE, "last day; empty while open"),
    )),
)

PROJECTED: tuple[Table, ...] = (
    Table("assignment", Home.LAKE, "Which segment a demand cell belongs to, from when to when, and why.",
          ("item", "customer_group", "region", "channel", "valid_from"), (
        _c("item", K.CODE, "item", need=True),
        _c("customer_group", K.CODE, "customer group", need=True),
        _c("region", K.CODE, "region", need=True),
        _c("channel", K.CODE, "channel", need=True),
        _c("segment", K.CODE, "segment", need=True),
        _c("valid_from", K.DATE, "first day", need=True),
        _c("valid_to", K.DATE, "day before the next assignment; empty while open"),
        _c("scheme_version", K.INTEGER, "version of the scheme that decided", need=True),
        _c("rule", K.TEXT, "rule, pin or hysteresis that decided", need=True),
        _c("numbers", K.TEXT, "the numbers it decided on, as JSON", need=True),
    )),
    Table("cell", Home.LAKE, "The latest evaluation of every demand cell: what it is worth and what the rules say of it.",
          ("item", "customer_group", "region", "channel"), (
        _c("item", K.CODE, "item", need=True),
        _c("customer_group", K.CODE, "customer group", need=True),
        _c("region", K.CODE, "region", need=True),
        _c("channel", K.CODE, "channel", need=True),
        _c("decided", K.CODE, "segment after hysteresis, before pins", need=True),
        _c("proposed", K.CODE, "segment the rules alone would give", need=True),
        _c("rule", K.TEXT, "rule that proposed it", need=True),
        _c("reason", K.CODE, "new, stays, held, moved or pinned", need=True),
        _c("boundary", K.FLAG, "lies near a cut", need=True),
        _c("streak", K.INTEGER, "evaluations in a row that proposed the same other segment", need=True),
        _c("streak_segment", K.CODE, "that other segment"),
        _c("labels", K.TEXT, "label per threshold, as JSON", need=True),
        _c("revenue", K.RATIO, "net revenue in the window, scheme currency"),
        _c("profit", K.RATIO, "net margin after cost to serve, scheme currency"),
        _c("units", K.RATIO, "base units less returns"),
        _c("lines", K.INTEGER, "order lines"),
        _c("lines_per_month", K.RATIO, "order lines a month"),
        _c("cv", K.RATIO, "variation of deseasonalised demand"),
        _c("demand_class", K.CODE, "smooth, erratic, intermittent or lumpy"),
        _c("cost_basis", K.CODE, "known, estimated or unknown"),
        _c("numbers", K.TEXT, "everything the decision was made on, as JSON", need=True),
    )),
    Table("mix", Home.LAKE, "Share of each segment in the demand for an item at a site, for a window of days.",
          ("item", "site", "segment", "valid_from"), (
        _c("item", K.CODE, "item", need=True),
        _c("site", K.CODE, "site, or * where demand names none", need=True),
        _c("segment", K.CODE, "segment", need=True),
        _c("valid_from", K.DATE, "first day it is used for", need=True),
        _c("valid_to", K.DATE, "last day it is used for; empty while open"),
        _c("share", K.RATIO, "share (0 to 1)", need=True),
        _c("units", K.RATIO, "base units of demand behind the share", need=True),
        _c("basis", K.CHOICE, "window of facts before the period, or the first mix carried back",
           choices="window first_mix", need=True),
    )),
)

# fmt: on
TABLES: dict[str, Table] = {table.name: table for table in (*MASTERS, *FACTS, *PROJECTED)}
