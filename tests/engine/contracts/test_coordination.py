from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.engine.contracts import (
    BuyBack,
    CallOption,
    Market,
    OptionTerms,
    QuantityFlex,
    RevenueShare,
    SalesRebate,
    SupplyContract,
    TwoPart,
    Wholesale,
    best_quantity,
    compare_contracts,
    coordinating_buy_back,
    coordinating_option,
    coordinating_revenue_share,
    integrated,
    outcomes,
    profits,
    reserve_options,
)

SWIMSUITS = Market(
    np.array([8e3, 10e3, 12e3, 14e3, 16e3, 18e3]), np.array([0.11, 0.11, 0.28, 0.22, 0.18, 0.10]),
    retail=125, make=35, salvage=20, fixed=100_000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("contract", "quantity", "buyer", "supplier"),
    [
        (Wholesale(80), 12_000, 470_700, 440_000),
        (BuyBack(80, 55), 14_000, 513_800, 471_900),
        (RevenueShare(60, 0.15), 14_000, 504_325, 481_375),
    ],
)
def test_tc13_swimsuits(contract: SupplyContract, quantity: float, buyer: float, supplier: float) -> None:
    """TC-13 (Simchi-Levi): what the retailer orders and what each side earns, to the last unit."""
    assert best_quantity(SWIMSUITS, contract) == quantity
    found = profits(SWIMSUITS, contract, quantity)
    assert found.buyer.item() == pytest.approx(buyer, abs=1e-4)
    assert found.supplier.item() == pytest.approx(supplier, abs=1e-4)


def test_tc13_one_company() -> None:
    """TC-13: integrated, 16,000 units and 1,014,500."""
    quantity, profit = integrated(SWIMSUITS)
    assert quantity == 16_000
    assert profit == pytest.approx(1_014_500, abs=1e-4)


def by_hand(market: Market, contract: SupplyContract, quantity: float, demand: float) -> tuple[float, float]:
    """What each side has at the end of one season, money by money."""
    sold, left = min(quantity, demand), max(quantity - demand, 0.0)
    buyer, supplier, kept, returned = market.retail * sold, -market.make * quantity - market.fixed, left, 0.0
    buyer -= market.goodwill * max(demand - quantity, 0.0)
    paid = 0.0
    match contract:
        case Wholesale(price):
            paid = price * quantity
        case BuyBack(price, back):
            paid, returned, kept = price * quantity - back * left, left, 0.0
        case RevenueShare(price, share):
            paid = price * quantity + share * market.retail * sold
        case QuantityFlex(price, down):
            returned = min(left, down * quantity)
            kept, paid = left - returned, price * (quantity - returned)
        case SalesRebate(price, rebate, threshold):
            paid = price * quantity - rebate * max(sold - threshold, 0.0)
        case CallOption(reserve, exercise):
            paid, returned, kept = reserve * quantity + exercise * sold, left, 0.0
        case TwoPart(price, fee):
            paid = price * quantity + fee
    supplier += paid + market.returned_worth * returned
    return buyer - paid + market.salvage * kept, supplier


contracts = st.one_of(
    st.builds(Wholesale, st.floats(0, 150)),
    st.floats(0, 150).flatmap(lambda w: st.builds(BuyBack, st.just(w), st.floats(0, w))),
    st.builds(RevenueShare, st.floats(0, 150), st.floats(0, 1)),
    st.builds(QuantityFlex, st.floats(0, 150), st.floats(0, 1)),
    st.builds(SalesRebate, st.floats(0, 150), st.floats(0, 40), st.floats(0, 200)),
    st.builds(CallOption, st.floats(0, 60), st.floats(0, 120)),
    st.builds(TwoPart, st.floats(0, 150), st.floats(0, 1e4)),
)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    demand = np.array(draw(st.lists(st.floats(0, 300), min_size=1, max_size=6)))
    salvage, back = draw(st.floats(0, 20)), draw(st.none() | st.floats(0, 20))
    make = draw(st.floats(21, 60))
    return Market(
        demand,
        None,
        make + draw(st.floats(1, 90)),
        make,
        salvage,
        back,
        draw(st.floats(0, 500)),
        draw(st.floats(0, 20)),
    )


@settings(max_examples=25)
@given(markets(), contracts, st.floats(0, 400))
def test_every_form_by_its_own_book_keeping(market: Market, contract: SupplyContract, quantity: float) -> None:
    seasons = [by_hand(market, contract, quantity, demand) for demand in market.demand]
    buyer, supplier = outcomes(market, contract, quantity)
    assert buyer.tolist() == pytest.approx([each[0] for each in seasons], abs=1e-6)
    assert supplier.tolist() == pytest.approx([each[1] for each in seasons], abs=1e-6)
    mean = profits(market, contract, [quantity, quantity])
    assert mean.buyer.tolist() == pytest.approx([np.mean([each[0] for each in seasons])] * 2, abs=1e-6)
    assert mean.supplier.tolist() == pytest.approx([np.mean([each[1] for each in seasons])] * 2, abs=1e-6)


@settings(max_examples=25)
@given(markets(), contracts)
def test_no_quantity_beats_the_best(market: Market, contract: SupplyContract) -> None:
    beyond = max(1.0, float(contract.bends(market.demand).max())) * np.array([2.0, 3.0])
    if np.diff(profits(market, contract, beyond).buyer).item() > 1e-6 * beyond[0]:
        with pytest.raises(ValueError, match="contract: a unit beyond any demand still earns"):
            best_quantity(market, contract)
        return
    best = best_quantity(market, contract)
    top = profits(market, contract, best).buyer.item()
    reach = max(1.0, float(contract.bends(market.demand).max()))
    tried = profits(market, contract, np.linspace(0, min(reach, 1e6), 400)).buyer
    assert tried.max() <= top + 1e-6 * max(1.0, abs(top))


@settings(max_examples=25)
@given(markets(), st.floats(0.0, 0.8), st.floats(0, 1))
def test_coordinating_terms_reach_the_integrated_profit(market: Market, share: float, part: float) -> None:
    market = Market(
        market.demand, None, market.retail, market.make, market.salvage, None, market.fixed, market.goodwill
    )
    quantity, best = integrated(market)
    price = market.make + part * (market.retail - market.make)
    forms: list[SupplyContract] = [coordinating_option(market, part * market.retail)]
    back = market.retail + market.goodwill - (market.retail + market.goodwill - price) / market.critical_ratio
    if 0 <= back <= price:
        forms.append(coordinating_buy_back(market, price))
    if (1 - share) * market.retail + market.goodwill > market.salvage * 1.01:
        forms.append(coordinating_revenue_share(market, share))
    for form in forms:
        assert profits(market, form, quantity).chain.item() == pytest.approx(best, rel=1e-9, abs=1e-6)
        at_best = profits(market, form, best_quantity(market, form)).buyer.item()
        assert profits(market, form, quantity).buyer.item() == pytest.approx(at_best, rel=1e-9, abs=1e-6)


def test_table_measures_against_one_company() -> None:
    table = compare_contracts(
        SWIMSUITS, {"now": Wholesale(80), "back": BuyBack(80, 55), "whole": coordinating_buy_back(SWIMSUITS, 80)}
    )
    assert table["contract"].to_list() == ["whole", "back", "now"]
    assert table["efficiency"].to_list() == pytest.approx([1, 985_700 / 1_014_500, 910_700 / 1_014_500])
    assert table["both_gain"].to_list() == [True, True, False]
    worst = table.filter(contract="now").row(0, named=True)
    assert worst["buyer_tail"] == pytest.approx(120_000)  # 8,000 sold at 125, 4,000 salvaged at 20, 12,000 bought at 80
    assert worst["supplier_sd"] == 0
    with pytest.raises(ValueError, match="contracts: none given"):
        compare_contracts(SWIMSUITS, {})


def test_markets_and_contracts_check_themselves() -> None:
    demand = np.array([1.0, 2.0])
    for wrong in ({"salvage": 40.0}, {"retail": 30.0}, {"probability": np.array([0.5, 0.6])}, {"demand": np.array([])}):
        with pytest.raises(ValueError, match=r"salvage|probability|demand"):
            Market(**({"demand": demand, "probability": None, "retail": 50.0, "make": 35.0} | wrong))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"back: 90 lies above"):
        BuyBack(80, 90)
    with pytest.raises(ValueError, match="price: nan"):
        Wholesale(float("nan"))
    with pytest.raises(ValueError, match="quantity: one is unknown"):
        profits(SWIMSUITS, Wholesale(80), np.nan)
    with pytest.raises(ValueError, match="price: 10 must lie between"):
        coordinating_buy_back(SWIMSUITS, 10)
    assert profits(SWIMSUITS, Wholesale(80), []).chain.shape == (0,)


# --- options on a spot market


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.floats(0, 40)), min_size=1, max_size=8),
    st.floats(0, 15), st.floats(0, 20), st.integers(0, 5),
)  # fmt: skip
def test_reserved_quantity_is_the_best_of_all(
    scenarios: list[tuple[int, float]], fee: float, call: float, firm: int
) -> None:
    demand, spot = (np.array(each, dtype=float) for each in zip(*scenarios, strict=True))

    def value(quantity: float) -> float:
        called = np.minimum(np.maximum(demand - firm, 0), quantity)
        return float((np.maximum(spot - call, 0) * called).mean() - fee * quantity)

    plan = reserve_options(demand, spot, OptionTerms(fee, call, firm=firm))
    tried = [value(each) for each in range(21)]
    assert plan.value.item() == pytest.approx(max(tried), abs=1e-9)
    assert value(plan.quantity.item()) == pytest.approx(plan.value.item(), abs=1e-9)


def test_options_over_many_items_and_what_is_unknown() -> None:
    draw = np.random.default_rng(5)
    demand, spot = draw.gamma(4, 25, (40, 300)), draw.lognormal(2.5, 0.4, (40, 300))
    plan = reserve_options(demand, spot, OptionTerms(1.5, 10.0, limit=120))
    for item in (0, 17, 39):
        one = reserve_options(demand[item], spot[item], OptionTerms(1.5, 10.0, limit=120))
        assert (plan.quantity[item], plan.value[item]) == (one.quantity.item(), pytest.approx(one.value.item()))
    assert (plan.quantity <= 120).all()
    assert (plan.value >= -1e-9).all()
    broken = np.where(np.arange(40)[:, None] == 3, np.nan, demand)
    found = reserve_options(broken, spot, OptionTerms(1.5, 10.0))
    assert np.isnan(found.value[3])
    assert not np.isnan(np.delete(found.value, 3)).any()
    assert reserve_options(np.empty((0, 5)), np.ones(5), OptionTerms(1, 1)).value.shape == (0,)
    with pytest.raises(ValueError, match="at least one scenario"):
        reserve_options(np.empty((1, 0)), np.empty(0), OptionTerms(1, 1))
    with pytest.raises(ValueError, match="reserve"):
        OptionTerms(-1, 1)
