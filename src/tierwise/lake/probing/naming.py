"""How like a column's name is to a field's: the field's own words and what systems call it."""

from __future__ import annotations

import difflib
import re

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "order": ("order number", "order id", "po number", "purchase order", "purchase order id", "sales order",
              "invoice no", "invoice", "ebeln", "vbeln", "document", "bestellnummer", "auftrag", "po so #", "po"),
    "line": ("line number", "position", "pos", "ebelp", "posnr", "order detail id", "line item", "line id"),
    "item": ("article", "material", "matnr", "part", "part number", "product", "product id", "product key",
             "product code", "sku", "stock code", "artikel", "item number"),
    "supplier": ("vendor", "vendor id", "lieferant", "lifnr", "creditor", "business entity id", "supplier number"),
    "customer": ("customer id", "customer key", "kunde", "kunnr", "client", "sold to", "debtor", "country"),
    "site": ("plant", "werk", "werks", "warehouse", "location", "ship to", "location id"),
    "name": ("description", "bezeichnung", "maktx", "item description", "text", "title"),
    "ordered_on": ("order date", "date", "invoice date", "bedat", "erdat", "bestelldatum", "document date",
                   "po sent to vendor date"),
    "requested_on": ("due date", "delivery date", "requested date", "scheduled delivery date", "need by date", "eindt",
                     "required date", "wunschtermin"),
    "promised_on": ("promised date", "promise date", "confirmed first date", "zusagetermin"),
    "confirmed_on": ("confirmed date", "confirmation date", "bestätigt am"),
    "shipped_on": ("ship date", "shipped date", "goods issue date", "versanddatum"),
    "arrived_on": ("arrival date", "received date", "delivered to client date", "wareneingang",
                   "delivery recorded date"),
    "posted_on": ("posting date", "budat", "booking date", "modified date"),
    "quantity": ("qty", "order qty", "menge", "amount ordered", "units", "line item quantity", "order quantity",
                 "received qty", "stocked qty"),
    "unit": ("uom", "unit of measure", "meins", "einheit", "unit measure code", "me"),
    "price": ("unit price", "netpr", "preis", "price per unit"),
    "amount": ("line total", "value", "line item value", "net value", "netwr", "betrag", "total"),
    "revenue": ("net value", "sales amount", "line total", "net", "umsatz", "sales"),
    "currency": ("waers", "währung", "currency code", "curr"),
    "country": ("country code", "land", "land1"),
    "receipt": ("receipt number", "delivery number", "goods receipt", "mblnr"),
    "reason": ("reason code", "defect", "scrap reason"),
    "category": ("product category", "product group", "warengruppe", "material group"),
    "family": ("subcategory", "product subcategory", "product family"),
    "customer_group": ("group", "customer segment", "kundengruppe", "channel"),
    "parent": ("product assembly id", "assembly", "baugruppe", "parent item"),
    "component": ("component id", "komponente", "child item"),
    "quantity_per": ("per assembly qty", "qty per", "menge je"),
    "lead_time_days": ("lead time", "average lead time", "plifz", "lieferzeit"),
    "minimum_order": ("min order qty", "moq", "mindestmenge"),
    "counted_on": ("count date", "stock date", "date"),
    "valid_from": ("start date", "from date", "gültig ab", "begin date"),
    "valid_to": ("end date", "to date", "gültig bis"),
    "state": ("status",),
    "launched_on": ("sell start date",),
    "ends_on": ("sell end date",),
    "incoterm": ("incoterms", "inco1", "vendor inco term"),
}  # fmt: skip
_WORD = re.compile(r"[A-ZÄÖÜ]?[a-zäöüß]+|[A-ZÄÖÜ]+(?![a-zäöüß])|\d+|#")


def words(name: str) -> str:
    """``PurchaseOrderID``, ``purchase_order_id`` and ``Purchase order id`` are one."""
    return " ".join(_WORD.findall(name)).lower()


def likeness(name: str, field: str, table: str) -> float:
    """0 to 1. A name of a table's own key counts under the table's name too: ``item_code`` for ``item``."""
    given = words(name)
    best = 0.0
    for rank, other in enumerate((field.removesuffix("_on"), field, f"{table} {field}", *OTHER_NAMES.get(field, ()))):
        known = words(other.replace("_", " "))
        if given == known:
            best = max(best, 1.0 if rank < 3 else 0.95)
            continue
        ratio = difflib.SequenceMatcher(None, given, known).ratio()
        shared = set(given.split()) & set(known.split())
        within = 0.8 if shared and (set(known.split()) <= set(given.split())) else 0.0
        best = max(best, 0.85 * ratio, within)
    return best
