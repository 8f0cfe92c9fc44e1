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


C, K = Column, Kind

# fmt: off
MASTERS: tuple[Table, ...] = (
    Table("supplier", Home.DIRECTORY, "A company that we buy from.", ("supplier",), (
        C("supplier", K.CODE, "code of the supplier in the source", required=True),
        C("name", K.TEXT, "registered or trading name", required=True),
        C("parent", K.CODE, "code of the owning company, for contracts and common-owner checks"),
        C("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        C("currency", K.CURRENCY, "ISO 4217, the currency it invoices in"),
        C("duns", K.CODE, "D-U-N-S number, nine digits"),
        C("lei", K.CODE, "legal entity identifier, ISO 17442"),
        C("kind", K.CHOICE, "what sort of company it is", choices=("manufacturer", "distributor", "contract_manufacturer", "service"),
           default="manufacturer"),
        C("active", K.FLAG, "whether it may still receive orders", default="true"),
    )),
    Table("customer", Home.DIRECTORY, "A company or person that buys from us.", ("customer",), (
        C("customer", K.CODE, "code of the customer in the source", required=True),
        C("name", K.TEXT, "name; left empty where it would be a private person's"),
        C("customer_group", K.CODE, "the group that segments are made on", required=True),
        C("holding", K.CODE, "code of the ultimate owner; one holding counts once in disclosure rules"),
        C("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        C("region", K.CODE, "sales region", default="ALL"),
        C("channel", K.CODE, "sales channel", default="direct"),
        C("service_requirement", K.RATIO, "share of lines that must arrive in full and on time (0 to 1)", least=0),
    )),
    Table("site", Home.DIRECTORY, "A place where goods are made, held or handed over.", ("site",), (
        C("site", K.CODE, "code of the site in the source", required=True),
        C("name", K.TEXT, "name", required=True),
        C("supplier", K.CODE, "the supplier it belongs to; empty for our own", refers_to="supplier"),
        C("kind", K.CHOICE, "role in the network",
           choices=("plant", "warehouse", "supplier", "contract_manufacturer", "third_party", "customer"), default="plant"),
        C("country", K.COUNTRY, "ISO 3166-1 alpha-2"),
        C("city", K.TEXT, "city"),
        C("latitude", K.RATIO, "degrees north, WGS 84", least=-90),
        C("longitude", K.RATIO, "degrees east, WGS 84", least=-180),
        C("timezone", K.TEXT, "IANA time zone", default="UTC"),
        C("calendar", K.CODE, "code of the working calendar"),
        C("gln", K.CODE, "GS1 global location number, thirteen digits"),
    )),
    Table("closure", Home.DIRECTORY, "A day on which a calendar's sites do not work.", ("calendar", "closed_on"), (
        C("calendar", K.CODE, "code of the calendar", required=True),
        C("closed_on", K.DATE, "the day", required=True),
        C("name", K.TEXT, "holiday or shutdown"),
    )),
    Table("item", Home.DIRECTORY, "Anything that is sold, made or bought.", ("item",), (
        C("item", K.CODE, "item number in the source", required=True),
        C("name", K.TEXT, "description", required=True),
        C("unit", K.UNIT, "base unit (UN/ECE recommendation 20 or the source's own)", default="EA"),
        C("business_unit", K.CODE, "business unit that owns it"),
        C("category", K.CODE, "product category"),
        C("family", K.CODE, "product family within the category"),
        C("gtin", K.CODE, "GS1 global trade item number"),
        C("make_or_buy", K.CHOICE, "how it is obtained", choices=("make", "buy"), default="buy"),
        C("sold", K.FLAG, "whether it is sold to customers", default="false"),
        C("launched_on", K.DATE, "first day of sale"),
        C("ends_on", K.DATE, "announced last day of sale"),
    )),
    Table("item_unit", Home.DIRECTORY, "How many base units one other unit of an item holds.",
          ("item", "unit", "valid_from"), (
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("unit", K.UNIT, "the other unit", required=True),
        C("per_unit", K.QUANTITY, "base units in one of it", required=True, least=0),
        C("valid_from", K.DATE, "from when", default="1900-01-01"),
    )),
    Table("lane", Home.DIRECTORY, "An arc that crosses to another company: who sells, makes, ships and is paid.",
          ("lane",), (
        C("lane", K.CODE, "code of the lane", required=True),
        C("item", K.CODE, "item bought", required=True, refers_to="item"),
        C("supplier", K.CODE, "vendor that takes the order", required=True, refers_to="supplier"),
        C("contract_parent", K.CODE, "company that signs", refers_to="supplier"),
        C("manufacturer", K.CODE, "company that makes it", refers_to="supplier"),
        C("payee", K.CODE, "company that is paid", refers_to="supplier"),
        C("ship_from", K.CODE, "site it leaves", refers_to="site"),
        C("ship_to", K.CODE, "our site that receives it", required=True, refers_to="site"),
        C("incoterm", K.CODE, "Incoterms 2020 rule; decides the hand-over point"),
        C("lead_time_days", K.INTEGER, "agreed days from order to receipt", least=0),
        C("minimum_order", K.QUANTITY, "least order quantity", least=0),
        C("order_multiple", K.QUANTITY, "lots it is ordered in", least=0),
        C("unit", K.UNIT, "unit of ordering"),
        C("price", K.PRICE, "price per unit", least=0),
        C("currency", K.CURRENCY, "ISO 4217"),
        C("share", K.RATIO, "planned share of the item's purchases (0 to 1)", least=0),
        C("valid_from", K.DATE, "first day", default="1900-01-01"),
        C("valid_to", K.DATE, "last day; empty while open"),
    )),
    Table("arc", Home.DIRECTORY, "A movement inside the network: transfer, intercompany, subcontracting or direct shipment.",
          ("item", "from_site", "to_site", "kind", "valid_from"), (
        C("item", K.CODE, "item moved", required=True, refers_to="item"),
        C("from_site", K.CODE, "where it leaves", required=True, refers_to="site"),
        C("to_site", K.CODE, "where it arrives", required=True, refers_to="site"),
        C("kind", K.CHOICE, "what moves it", choices=("make", "move", "subcontract", "direct_ship"), default="move"),
        C("share", K.RATIO, "share of the receiving node's need met this way (0 to 1)", default="1", least=0),
        C("yield_ratio", K.RATIO, "good units out per unit in (0 to 1)", default="1", least=0),
        C("offset_days", K.INTEGER, "days from leaving to arriving", default="0", least=0),
        C("valid_from", K.DATE, "first day", default="1900-01-01"),
        C("valid_to", K.DATE, "last day; empty while open"),
        C("title_holder", K.CODE, "who owns the goods on the way"),
    )),
)

FACTS: tuple[Table, ...] = (
    Table("demand", Home.LAKE, "One line that a customer ordered or returned.", ("order", "line", "occurrence"), (
        C("order", K.CODE, "customer order or invoice number", required=True),
        C("line", K.CODE, "line on it", required=True),
        C("occurrence", K.INTEGER, "counts rows that the source does not tell apart", default="1", least=1),
        C("kind", K.CHOICE, "order, or return that nets against its cell", choices=("order", "return"), default="order"),
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("customer", K.CODE, "customer", required=True, refers_to="customer"),
        C("site", K.CODE, "our site that serves it", refers_to="site"),
        C("region", K.CODE, "region served; the customer's when empty"),
        C("channel", K.CODE, "channel; the customer's when empty"),
        C("ordered_on", K.DATE, "day of the order", required=True),
        C("requested_on", K.DATE, "day the customer asked for"),
        C("shipped_on", K.DATE, "day it left"),
        C("quantity", K.QUANTITY, "ordered quantity, always positive; kind carries the sign", required=True, least=0),
        C("unit", K.UNIT, "unit; the item's base unit when empty"),
        C("revenue", K.MONEY, "net value of the line, positive", least=0),
        C("currency", K.CURRENCY, "ISO 4217"),
    ), dated_by="ordered_on"),
    Table("activity", Home.LAKE, "How often something that costs time was done for a customer, for time-driven costing.",
          ("customer", "item", "activity", "on"), (
        C("customer", K.CODE, "customer it was done for", required=True, refers_to="customer"),
        C("item", K.CODE, "item, or * where it concerns the customer as a whole", default="*"),
        C("activity", K.CODE, "activity named in the scheme's cost pools", required=True),
        C("on", K.DATE, "day", required=True),
        C("count", K.QUANTITY, "how often", required=True, least=0),
    ), dated_by="on"),
    Table("order_forecast", Home.LAKE, "What we expect to order from a supplier, one vintage after the other.",
          ("vintage_on", "supplier", "item", "site", "bucket_start"), (
        C("vintage_on", K.DATE, "day the forecast was made", required=True),
        C("supplier", K.CODE, "supplier", required=True, refers_to="supplier"),
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("site", K.CODE, "our receiving site", required=True, refers_to="site"),
        C("bucket_start", K.DATE, "first day of the bucket", required=True),
        C("bucket_days", K.INTEGER, "length of the bucket", default="7", least=1),
        C("quantity", K.QUANTITY, "quantity", required=True, least=0),
        C("unit", K.UNIT, "unit; the item's base unit when empty"),
        C("binds", K.CHOICE, "what the quantity commits us to",
           choices=("information", "forecast", "commitment", "fabrication_authorisation", "material_authorisation"), default="forecast"),
    ), dated_by="vintage_on"),
    Table("purchase_line", Home.LAKE, "One line of a purchase order, once per revision.", ("order", "line", "revision"), (
        C("order", K.CODE, "purchase order number", required=True),
        C("line", K.CODE, "line on it", required=True),
        C("revision", K.INTEGER, "0 for the order as placed, then each change", default="0", least=0),
        C("revised_on", K.DATE, "day of this revision; the order date for revision 0"),
        C("changed_by", K.CHOICE, "who caused the revision", choices=("buyer", "supplier", "agreed"), default="buyer"),
        C("supplier", K.CODE, "vendor that took the order", required=True, refers_to="supplier"),
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("site", K.CODE, "our receiving site", required=True, refers_to="site"),
        C("ship_from", K.CODE, "supplier's site", refers_to="site"),
        C("ordered_on", K.DATE, "day of the order", required=True),
        C("quantity", K.QUANTITY, "ordered quantity", required=True, least=0),
        C("unit", K.UNIT, "unit; the item's base unit when empty"),
        C("price", K.PRICE, "price per unit", least=0),
        C("amount", K.MONEY, "value of the line", least=0),
        C("currency", K.CURRENCY, "ISO 4217"),
        C("incoterm", K.CODE, "Incoterms 2020 rule"),
        C("requested_on", K.DATE, "day we need it at the receiving site"),
        C("promised_on", K.DATE, "day the supplier first promised"),
        C("confirmed_on", K.DATE, "day the supplier confirms in this revision"),
        C("confirmed_quantity", K.QUANTITY, "quantity the supplier confirms", least=0),
        C("state", K.CHOICE, "state of the line", choices=("open", "closed", "cancelled"), default="open"),
        C("cancelled_by", K.CHOICE, "who cancelled", choices=("buyer", "supplier")),
        C("segment", K.CODE, "segment pegged to the line by the source, if it knows one"),
    ), dated_by="ordered_on"),
    Table("receipt", Home.LAKE, "One delivery, whole or part, of a purchase line.", ("order", "line", "receipt"), (
        C("order", K.CODE, "purchase order number", required=True),
        C("line", K.CODE, "line on it", required=True),
        C("receipt", K.CODE, "receipt or delivery number", default="1"),
        C("handed_over_on", K.DATE, "day the risk passed at the Incoterm point"),
        C("arrived_on", K.DATE, "day it arrived at our site"),
        C("posted_on", K.DATE, "day it was booked"),
        C("quantity", K.QUANTITY, "quantity received", required=True, least=0),
        C("unit", K.UNIT, "unit; the line's when empty"),
    ), dated_by="posted_on"),
    Table("reject", Home.LAKE, "Units of a receipt refused for quality.", ("order", "line", "receipt", "reason"), (
        C("order", K.CODE, "purchase order number", required=True),
        C("line", K.CODE, "line on it", required=True),
        C("receipt", K.CODE, "receipt or delivery number", default="1"),
        C("reason", K.CODE, "reason code", default="unspecified"),
        C("rejected_on", K.DATE, "day of the decision", required=True),
        C("quantity", K.QUANTITY, "quantity refused", required=True, least=0),
        C("unit", K.UNIT, "unit; the line's when empty"),
    ), dated_by="rejected_on"),
    Table("stock", Home.LAKE, "What lay where on a day.", ("item", "site", "place", "kind", "counted_on"), (
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("site", K.CODE, "site", required=True, refers_to="site"),
        C("place", K.CODE, "storage place within the site", default="*"),
        C("kind", K.CHOICE, "whether it may be used", choices=("unrestricted", "blocked", "consignment", "in_transit"),
           default="unrestricted"),
        C("counted_on", K.DATE, "day", required=True),
        C("quantity", K.QUANTITY, "quantity", required=True),
        C("unit", K.UNIT, "unit; the item's base unit when empty"),
    ), dated_by="counted_on"),
    Table("cost", Home.LAKE, "What one base unit of an item costs or lists for, by date.", ("item", "kind", "valid_from"), (
        C("item", K.CODE, "item", required=True, refers_to="item"),
        C("kind", K.CHOICE, "standard cost or list price", choices=("standard", "list"), default="standard"),
        C("valid_from", K.DATE, "first day", required=True),
        C("valid_to", K.DATE, "last day; empty while open"),
        C("amount", K.PRICE, "per base unit", required=True, least=0),
        C("currency", K.CURRENCY, "ISO 4217"),
    )),
    Table("exchange_rate", Home.LAKE, "What one unit of a currency is worth in another, by date and type of rate.",
          ("from_currency", "to_currency", "kind", "valid_from"), (
        C("from_currency", K.CURRENCY, "ISO 4217", required=True),
        C("to_currency", K.CURRENCY, "ISO 4217", required=True),
        C("kind", K.CHOICE, "what the rate is for", choices=("average", "spot", "budget"), default="average"),
        C("valid_from", K.DATE, "first day; it holds until the next one", required=True),
        C("rate", K.PRICE, "units of the second currency for one of the first", required=True, least=0),
    )),
    Table("bill_of_material", Home.LAKE, "How much of a component one unit of a parent takes, by date.",
          ("parent", "component", "site", "version", "valid_from"), (
        C("parent", K.CODE, "item made", required=True, refers_to="item"),
        C("component", K.CODE, "item used", required=True, refers_to="item"),
        C("site", K.CODE, "plant, or * for every plant", default="*"),
        C("version", K.CODE, "production version", default="1"),
        C("version_share", K.RATIO, "share of production run on this version (0 to 1)", default="1", least=0),
        C("quantity_per", K.QUANTITY, "component base units per parent base unit", required=True, least=0),
        C("option_rate", K.RATIO, "share of parents that take this component (options, substitutes)", default="1", least=0),
        C("yield_ratio", K.RATIO, "good parents per parent started (0 to 1)", default="1", least=0),
        C("phantom", K.FLAG, "the component is never stocked, its own components are used directly", default="false"),
        C("offset_days", K.INTEGER, "days the component is needed before the parent is ready", default="0", least=0),
        C("valid_from", K.DATE, "first day", default="1900-01-01"),
        C("valid_to", K.DATE, "last day; empty while open"),
    )),
)

PROJECTED: tuple[Table, ...] = (
    Table("assignment", Home.LAKE, "Which segment a demand cell belongs to, from when to when, and why.",
          ("item", "customer_group", "region", "channel", "valid_from"), (
        C("item", K.CODE, "item", required=True),
        C("customer_group", K.CODE, "customer group", required=True),
        C("region", K.CODE, "region", required=True),
        C("channel", K.CODE, "channel", required=True),
        C("segment", K.CODE, "segment", required=True),
        C("valid_from", K.DATE, "first day", required=True),
        C("valid_to", K.DATE, "day before the next assignment; empty while open"),
        C("scheme_version", K.INTEGER, "version of the scheme that decided", required=True),
        C("rule", K.TEXT, "rule, pin or hysteresis that decided", required=True),
        C("numbers", K.TEXT, "the numbers it decided on, as JSON", required=True),
    )),
    Table("cell", Home.LAKE, "The latest evaluation of every demand cell: what it is worth and what the rules say of it.",
          ("item", "customer_group", "region", "channel"), (
        C("item", K.CODE, "item", required=True),
        C("customer_group", K.CODE, "customer group", required=True),
        C("region", K.CODE, "region", required=True),
        C("channel", K.CODE, "channel", required=True),
        C("decided", K.CODE, "segment after hysteresis, before pins", required=True),
        C("proposed", K.CODE, "segment the rules alone would give", required=True),
        C("rule", K.TEXT, "rule that proposed it", required=True),
        C("reason", K.CODE, "new, stays, held, moved or pinned", required=True),
        C("boundary", K.FLAG, "lies near a cut", required=True),
        C("streak", K.INTEGER, "evaluations in a row that proposed the same other segment", required=True),
        C("streak_segment", K.CODE, "that other segment"),
        C("labels", K.TEXT, "label per threshold, as JSON", required=True),
        C("revenue", K.RATIO, "net revenue in the window, scheme currency"),
        C("profit", K.RATIO, "net margin after cost to serve, scheme currency"),
        C("units", K.RATIO, "base units less returns"),
        C("lines", K.INTEGER, "order lines"),
        C("lines_per_month", K.RATIO, "order lines a month"),
        C("cv", K.RATIO, "variation of deseasonalised demand"),
        C("demand_class", K.CODE, "smooth, erratic, intermittent or lumpy"),
        C("cost_basis", K.CODE, "known, estimated or unknown"),
        C("numbers", K.TEXT, "everything the decision was made on, as JSON", required=True),
    )),
    Table("mix", Home.LAKE, "Share of each segment in the demand for an item at a site, for a window of days.",
          ("item", "site", "segment", "valid_from"), (
        C("item", K.CODE, "item", required=True),
        C("site", K.CODE, "site, or * where demand names none", required=True),
        C("segment", K.CODE, "segment", required=True),
        C("valid_from", K.DATE, "first day it is used for", required=True),
        C("valid_to", K.DATE, "last day it is used for; empty while open"),
        C("share", K.RATIO, "share (0 to 1)", required=True),
        C("units", K.RATIO, "base units of demand behind the share", required=True),
        C("basis", K.CHOICE, "window of facts before the period, or the first mix carried back",
           choices=("window", "first_mix"), required=True),
    ), dated_by="valid_from"),
)

# fmt: on
TABLES: dict[str, Table] = {table.name: table for table in (*MASTERS, *FACTS, *PROJECTED)}
