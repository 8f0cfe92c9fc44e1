"""Stock: how much, when, where and how long it lasts.

Names load the module they live in when first used, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.engine.lazily import load_on_first_use

if TYPE_CHECKING:
    from tierwise.engine.stock.budget import BufferItems, Buffers, budget_buffers, exchange_curve
    from tierwise.engine.stock.cover import Cover, days_of_supply
    from tierwise.engine.stock.disruptions import (
        DisruptedLevel,
        DisruptedLot,
        SupplyRisk,
        YieldLot,
        disrupted_base_stock,
        disrupted_cost,
        disrupted_order_quantity,
        recovery_buffer,
        yield_newsvendor,
        yield_order_quantity,
    )
    from tierwise.engine.stock.distributions import Demand, Discrete, Distribution, inverse_normal_loss, normal_loss
    from tierwise.engine.stock.empirical import (
        Crossing,
        Histories,
        LeadTimes,
        ReorderPoints,
        chosen_reorder_points,
        effective_lead_times,
        empirical_lead_time_demand,
        lead_time_distribution,
    )
    from tierwise.engine.stock.last_time import LastTimeBuy, LastTimeCosts, last_time_buy
    from tierwise.engine.stock.lotsize import (
        DiscountedLot,
        LotSize,
        discounted_order_quantity,
        dynamic_lots,
        economic_order_quantity,
    )
    from tierwise.engine.stock.placement.general import Effort
    from tierwise.engine.stock.placement.network import Placement, ServiceNetwork
    from tierwise.engine.stock.placement.place import guaranteed_service, net_demand_sd
    from tierwise.engine.stock.pooling import Pool, Substitution, SubstitutionCosts, pooled_stock, substitution_stock
    from tierwise.engine.stock.reorder import (
        LevelPolicy,
        ReorderParams,
        ReorderPolicy,
        approximate_reorder_policy,
        level_policy,
        reorder_cost,
        reorder_policy,
    )
    from tierwise.engine.stock.safety import (
        LeadTimeDemand,
        Service,
        cost_of_service,
        lead_time_demand,
        service_of,
        stock_for_cycle_service,
        stock_for_fill_rate,
    )
    from tierwise.engine.stock.serial import SerialPolicy, SerialSystem, serial_cost, serial_heuristic, serial_policy
    from tierwise.engine.stock.single_period import OrderOnce, newsvendor, newsvendor_cost, newsvendor_profit
    from tierwise.engine.stock.vendor import (
        Band,
        BandKept,
        Replenishment,
        ReplenishmentRules,
        band_kept,
        propose_replenishment,
        vendor_band,
    )

load_on_first_use(
    __name__,
    {
        "budget": (
            "BufferItems",
            "Buffers",
            "budget_buffers",
            "exchange_curve",
        ),
        "cover": (
            "Cover",
            "days_of_supply",
        ),
        "disruptions": (
            "DisruptedLevel",
            "DisruptedLot",
            "SupplyRisk",
            "YieldLot",
            "disrupted_base_stock",
            "disrupted_cost",
            "disrupted_order_quantity",
            "recovery_buffer",
            "yield_newsvendor",
            "yield_order_quantity",
        ),
        "distributions": (
            "Demand",
            "Discrete",
            "Distribution",
            "inverse_normal_loss",
            "normal_loss",
        ),
        "empirical": (
            "Crossing",
            "Histories",
            "LeadTimes",
            "ReorderPoints",
            "chosen_reorder_points",
            "effective_lead_times",
            "empirical_lead_time_demand",
            "lead_time_distribution",
        ),
        "last_time": (
            "LastTimeBuy",
            "LastTimeCosts",
            "last_time_buy",
        ),
        "lotsize": (
            "DiscountedLot",
            "LotSize",
            "discounted_order_quantity",
            "dynamic_lots",
            "economic_order_quantity",
        ),
        "placement.general": ("Effort",),
        "placement.network": (
            "Placement",
            "ServiceNetwork",
        ),
        "placement.place": (
            "guaranteed_service",
            "net_demand_sd",
        ),
        "pooling": (
            "Pool",
            "Substitution",
            "SubstitutionCosts",
            "pooled_stock",
            "substitution_stock",
        ),
        "reorder": (
            "LevelPolicy",
            "ReorderParams",
            "ReorderPolicy",
            "approximate_reorder_policy",
            "level_policy",
            "reorder_cost",
            "reorder_policy",
        ),
        "safety": (
            "LeadTimeDemand",
            "Service",
            "cost_of_service",
            "lead_time_demand",
            "service_of",
            "stock_for_cycle_service",
            "stock_for_fill_rate",
        ),
        "serial": (
            "SerialPolicy",
            "SerialSystem",
            "serial_cost",
            "serial_heuristic",
            "serial_policy",
        ),
        "single_period": (
            "OrderOnce",
            "newsvendor",
            "newsvendor_cost",
            "newsvendor_profit",
        ),
        "vendor": (
            "Band",
            "BandKept",
            "Replenishment",
            "ReplenishmentRules",
            "band_kept",
            "propose_replenishment",
            "vendor_band",
        ),
    },
)

__all__ = [
    "Band",
    "BandKept",
    "BufferItems",
    "Buffers",
    "Cover",
    "Crossing",
    "Demand",
    "DiscountedLot",
    "Discrete",
    "DisruptedLevel",
    "DisruptedLot",
    "Distribution",
    "Effort",
    "Histories",
    "LastTimeBuy",
    "LastTimeCosts",
    "LeadTimeDemand",
    "LeadTimes",
    "LevelPolicy",
    "LotSize",
    "OrderOnce",
    "Placement",
    "Pool",
    "ReorderParams",
    "ReorderPoints",
    "ReorderPolicy",
    "Replenishment",
    "ReplenishmentRules",
    "SerialPolicy",
    "SerialSystem",
    "Service",
    "ServiceNetwork",
    "Substitution",
    "SubstitutionCosts",
    "SupplyRisk",
    "YieldLot",
    "approximate_reorder_policy",
    "band_kept",
    "budget_buffers",
    "chosen_reorder_points",
    "cost_of_service",
    "days_of_supply",
    "discounted_order_quantity",
    "disrupted_base_stock",
    "disrupted_cost",
    "disrupted_order_quantity",
    "dynamic_lots",
    "economic_order_quantity",
    "effective_lead_times",
    "empirical_lead_time_demand",
    "exchange_curve",
    "guaranteed_service",
    "inverse_normal_loss",
    "last_time_buy",
    "lead_time_demand",
    "lead_time_distribution",
    "level_policy",
    "net_demand_sd",
    "newsvendor",
    "newsvendor_cost",
    "newsvendor_profit",
    "normal_loss",
    "pooled_stock",
    "propose_replenishment",
    "recovery_buffer",
    "reorder_cost",
    "reorder_policy",
    "serial_cost",
    "serial_heuristic",
    "serial_policy",
    "service_of",
    "stock_for_cycle_service",
    "stock_for_fill_rate",
    "substitution_stock",
    "vendor_band",
    "yield_newsvendor",
    "yield_order_quantity",
]
