"""What rules and thresholds may name, with the formula of each in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a demand cell: its name on pages, its formula in words, and its unit ("money": scheme currency)."""

    label: str
    formula: str
    unit: str = ""


METRICS: dict[str, Metric] = {
    "net_revenue": Metric("Net revenue", "revenue of the order lines in the window, less returns", "money"),
    "net_margin": Metric(
        "Net margin",
        "revenue less returns, less cost of goods (units × standard cost on the day), less cost to serve",
        "money",
    ),
    "gross_margin": Metric(
        "Gross margin", "revenue less returns, less cost of goods (units × standard cost on the day)", "money"
    ),
    "cost_to_serve": Metric(
        "Cost to serve",
        "activities counted for the cell × minutes each takes × the pool's cost per practical minute; unused "
        "capacity of a pool is charged to nobody",
        "money",
    ),
    "volume": Metric("Volume", "base units ordered in the window, less returned", "units"),
    "lines_per_month": Metric("Lines a month", "order lines in the window, by the months of it", "lines/month"),
    "order_lines": Metric("Order lines", "order lines in the window", "lines"),
    "cv": Metric(
        "Variation", "standard deviation ÷ mean of demand per bucket, after its season has been taken out"
    ),
    "adi": Metric("Interval of demand", "buckets in the history ÷ buckets with demand", "buckets"),
    "cv2_sample": Metric(
        "Variation of sizes", "squared coefficient of variation of the demand sizes, buckets without demand left out"
    ),
    "service_requirement": Metric(
        "Service requirement", "the highest share of lines in full and on time that a customer of the group asks for",
        "ratio",
    ),
    "months_since_launch": Metric("Months since launch", "days since the item's launch ÷ 30.44", "months"),
    "months_to_end": Metric("Months to the end", "days to the item's announced end ÷ 30.44", "months"),
}  # fmt: skip

ATTRIBUTES: dict[str, str] = {
    "demand_class": "smooth, erratic, intermittent or lumpy",
    "item": "item",
    "customer_group": "customer group",
    "region": "region",
    "channel": "channel",
    "category": "item category",
    "family": "item family",
    "business_unit": "business unit",
}
