"""Verified savings shared between buyer and supplier, period by period, in exact decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from tierwise.engine.contracts.money import CENTS, Exact, Rounding, exact, not_negative, share, split_money
from tierwise.engine.division.rules import RULES


@dataclass(frozen=True, slots=True)
class GainTerms:
    """How savings are shared.

    ``supplier_shares``: the supplier's part, one per period, fading as agreed; after the last the buyer keeps all.
    ``one_off``: money each party put in, given back first out of savings, in proportion to what is still open.
    ``floor``: savings of a period up to it are the buyer's alone; ``period_cap``, ``total_cap``: most that the
    supplier's share may come to (one-off costs not counted); above a cap the buyer keeps the rest. ``carry_losses``: a
    period that cost more than its baseline is made up by later savings before any are shared.
    """

    supplier_shares: tuple[Decimal, ...]
    one_off: Mapping[str, Decimal] = field(default_factory=dict)
    floor: Decimal = Decimal(0)
    period_cap: Decimal | None = None
    total_cap: Decimal | None = None
    carry_losses: bool = True
    rounding: Rounding = CENTS

    def __post_init__(self) -> None:
        for each in self.supplier_shares:
            share(each, "supplier_shares")
        if unknown := set(self.one_off) - {"buyer", "supplier"}:
            raise ValueError(f"one_off: {', '.join(sorted(unknown))} is no party; use buyer and supplier")
        for name in ("floor", "period_cap", "total_cap"):
            if getattr(self, name) is not None:
                not_negative(getattr(self, name), name)
        for cost in self.one_off.values():
            if self.rounding.apply(not_negative(cost, "one_off")) != cost:
                raise ValueError(f"one_off: {cost} is finer than {self.rounding.places} places; round it first")


@dataclass(frozen=True, slots=True)
class GainLine:
    """One period. ``saving`` = ``loss_made_up`` + ``recovered`` (both parties) + ``supplier`` + ``buyer``, below 0 all
    of it in ``buyer`` and, carried, in ``loss_carried`` (what later savings must still make up)."""

    label: str
    saving: Decimal
    loss_made_up: Decimal
    recovered_buyer: Decimal
    recovered_supplier: Decimal
    supplier: Decimal
    buyer: Decimal
    loss_carried: Decimal
    limited_by: str


@dataclass(frozen=True, slots=True)
class GainStatement:
    """Lines by period, and what of the one-off costs is still open."""

    lines: tuple[GainLine, ...]
    open_buyer: Decimal
    open_supplier: Decimal

    @property
    def supplier_due(self) -> Decimal:
        """All the supplier is to get: its recovered one-off cost and its shares."""
        return sum((line.recovered_supplier + line.supplier for line in self.lines), Decimal(0))


def share_gains(savings: Sequence[tuple[str, Exact]], terms: GainTerms) -> GainStatement:
    """Who gets what of each period's verified saving.

    ``savings``: (label, money) in order, the first being the first of ``supplier_shares``. Per period: losses carried
    so far are made up, one-off costs recovered, and what then exceeds the floor is shared, rounded once; the buyer has
    the rest, so that the parts sum to the saving exactly. No savings: no lines.

    Clause types: recovery first, floor, cap, decay (gain share as in usual outsourcing and public contracts). Our own
    numbers: 100 put in by the supplier, then halves of what is left of 160.

    >>> terms = GainTerms((Decimal("0.5"), Decimal("0.25")), one_off={"supplier": Decimal(100)})
    >>> found = share_gains([("Q1", 160), ("Q2", 80)], terms)
    >>> [(str(line.recovered_supplier), str(line.supplier), str(line.buyer)) for line in found.lines]
    [('100.00', '30.00', '30.00'), ('0.00', '20.00', '60.00')]
    """
    still = {party: exact(terms.one_off.get(party, 0), "one_off") for party in ("buyer", "supplier")}
    carried, paid = Decimal(0), Decimal(0)
    lines: list[GainLine] = []
    for at, (label, given) in enumerate(savings):
        saving = terms.rounding.apply(exact(given, "savings"))
        gain = max(saving, Decimal(0))
        made_up = min(gain, carried)
        carried -= made_up
        back = _recover(gain - made_up, still, terms.rounding)
        left = gain - made_up - sum(back.values(), Decimal(0))
        still = {party: still[party] - back[party] for party in still}
        part = terms.supplier_shares[at] if at < len(terms.supplier_shares) else Decimal(0)
        supplier, limit = _limited(max(left - terms.floor, Decimal(0)), part, paid, terms)
        paid += supplier
        if saving < 0 and terms.carry_losses:
            carried -= saving
        kept = left - supplier if saving >= 0 else saving
        lines.append(GainLine(label, saving, made_up, back["buyer"], back["supplier"], supplier, kept, carried, limit))
    return GainStatement(tuple(lines), still["buyer"], still["supplier"])


def credit_projects(
    claims: Mapping[str, Exact], verified: Exact, rule: str = "proportional", rounding: Rounding = CENTS
) -> dict[str, Decimal]:
    """What each of several projects is credited when together they claim more than was verified on what they share.

    No saving is counted twice: credits sum to the verified amount, and to the claims where these are less; nobody gets
    more than it claims. ``rule``: any name in `tierwise.engine.division.RULES`. Where it is known what each set of
    projects would have saved, use `shapley` on that game instead.

    >>> {name: str(each) for name, each in credit_projects({"packaging": 60, "route": 60}, 90).items()}
    {'packaging': '45.00', 'route': '45.00'}
    """
    if rule not in RULES:
        raise ValueError(f"rule: {rule!r} is unknown; use {', '.join(RULES)}")
    asked = [rounding.apply(not_negative(each, "claims")) for each in claims.values()]
    total = min(sum(asked, Decimal(0)), rounding.apply(not_negative(verified, "verified")))
    if not total:
        return dict.fromkeys(claims, rounding.apply(total))
    if rule == "proportional":
        return dict(zip(claims, split_money(total, asked, rounding), strict=True))
    awards = RULES[rule]([float(each) for each in asked], float(total)).tolist()
    weights = [Fraction(each).limit_denominator(10**9) for each in awards]
    return dict(zip(claims, split_money(total, weights, rounding), strict=True))


def _recover(gain: Decimal, still: Mapping[str, Decimal], rounding: Rounding) -> dict[str, Decimal]:
    total = sum(still.values(), Decimal(0))
    if not total or not gain:
        return dict.fromkeys(still, rounding.apply(Decimal(0)))
    return dict(zip(still, split_money(min(gain, total), list(still.values()), rounding), strict=True))


def _limited(base: Decimal, part: Decimal, paid: Decimal, terms: GainTerms) -> tuple[Decimal, str]:
    """The supplier's share under the caps, and the name of the one that held it."""
    wanted = terms.rounding.apply(Fraction(base) * Fraction(part))
    limit = ""
    for name, room in (("period_cap", terms.period_cap), ("total_cap", terms.total_cap)):
        left = None if room is None else (room - paid if name == "total_cap" else room)
        if left is not None and wanted > left:
            wanted, limit = max(left, Decimal(0)), name
    return wanted, limit
