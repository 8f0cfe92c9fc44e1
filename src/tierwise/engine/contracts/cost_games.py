"""Who pays what of a cost that parties cause together: Shapley value, core, nucleolus.

A game of n parties is an array of 2ⁿ costs: entry b is the cost of the coalition of the parties whose bits are set in
b, so entry 0 is 0, entry 1 party 0 alone, entry 3 parties 0 and 1, the last all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_PARTIES = 20
"""2^20 coalitions are 8 MB a game; beyond that `shapley_sampled` estimates."""


def game_of(cost: Callable[[npt.NDArray[np.bool_]], npt.ArrayLike], parties: int) -> Floats:
    """The game of a cost function that takes coalitions × parties (Booleans) and gives one cost each.

    >>> game_of(lambda members: 10.0 * members.any(axis=1) + members @ np.array([1.0, 2.0]), 2).tolist()
    [0.0, 11.0, 12.0, 13.0]
    """
    _check_parties(parties)
    members = (np.arange(2**parties)[:, None] >> np.arange(parties)) & 1 == 1
    found = np.array(cost(members), dtype=np.float64)
    if found.shape != (2**parties,):
        raise ValueError(f"cost: gave {found.shape} for {2**parties} coalitions; give one cost per row")
    return found


def shapley(game: npt.ArrayLike) -> Floats:
    """Each party's mean marginal cost over all orders in which the parties could join.

    ``game``: … × 2ⁿ (a batch of games on leading axes); returns … × n, summing to the cost of all. x_i = Σ_{S∌i} |S|!
    (n − |S| − 1)! / n! · (c(S ∪ i) − c(S)). NaN spreads; no games give none. Source: Shapley, "A value for n-person
    games", 1953. Published example (Littlechild and Owen, "A simple expression for the Shapley value in a special
    case", MS 20 (1973) 370-372): runways of 8, 11, 13, 18 are paid 2, 3, 4, 9.

    >>> runways = game_of(lambda members: (members * np.array([8, 11, 13, 18])).max(axis=1), 4)
    >>> shapley(runways).round(6).tolist()
    [2.0, 3.0, 4.0, 9.0]
    """
    costs, n = _checked(game)
    size = _sizes(n)
    weight = np.array([1.0 / (n * _choose(n - 1, k)) for k in range(n)])
    found = np.empty((*costs.shape[:-1], n))
    for party in range(n):
        without = np.flatnonzero((np.arange(2**n) >> party) & 1 == 0)
        steps = costs[..., without | (1 << party)] - costs[..., without]
        found[..., party] = steps @ weight[size[without]]
    return found


def airport_shares(costs: npt.ArrayLike) -> Floats:
    """The Shapley value where a coalition costs what its dearest member needs: … × n needs, in n log n.

    Each step from one need to the next is paid in equal parts by all who need it; source as `shapley`.
    NaN needs give NaN for their row; no parties give no shares.

    >>> airport_shares([8, 11, 13, 18]).tolist()
    [2.0, 3.0, 4.0, 9.0]
    """
    need = np.asarray(costs, dtype=np.float64)
    if np.any(need < 0):
        raise ValueError("costs: one is below 0; give what each would need alone")
    order = np.argsort(need, axis=-1, kind="stable")
    rising = np.take_along_axis(need, order, axis=-1)
    steps = np.diff(rising, axis=-1, prepend=0.0)
    paid = np.cumsum(steps / np.arange(need.shape[-1], 0, -1), axis=-1)
    found = np.empty_like(need)
    np.put_along_axis(found, order, paid, axis=-1)
    return np.where(np.isnan(need).any(axis=-1, keepdims=True), np.nan, found)


@dataclass(frozen=True, slots=True)
class SampledShares:
    """Estimated Shapley shares, their standard errors, and how many orders (pairs of an order and its reverse) they
    rest on."""

    shares: Floats
    errors: Floats
    pairs: int


def shapley_sampled(
    cost: Callable[[npt.NDArray[np.bool_]], npt.ArrayLike], parties: int, pairs: int, seed: int
) -> SampledShares:
    """Shapley shares of many parties from drawn orders, each with its reverse.

    ``cost`` as in `game_of`; ``parties`` × 2 × ``pairs`` coalitions are asked for. Shares sum to the cost of all in any
    case. Source: Castro, Gómez and Tejada, Computers and Operations Research 36 (2009) 1726-1730; reversed orders as
    Mitchell et al., JMLR 23 (2022). With the runways of `shapley`, 4,000 pairs come within 0.1.

    >>> found = shapley_sampled(lambda m: (m * np.array([8, 11, 13, 18])).max(axis=1), 4, 4000, seed=1)
    >>> bool(np.abs(found.shares - [2, 3, 4, 9]).max() < 0.1), round(float(found.shares.sum()), 9)
    (True, 18.0)
    """
    if parties < 1 or pairs < 2:
        raise ValueError("parties: 1 or more; pairs: 2 or more, as errors come from their spread")
    draw = np.random.default_rng(seed)
    total, squares = np.zeros(parties), np.zeros(parties)
    for _ in range(pairs):
        order = draw.permutation(parties)
        mean = (_marginals(cost, order) + _marginals(cost, order[::-1])) / 2
        total += mean
        squares += mean**2
    shares = total / pairs
    variance = np.maximum(squares / pairs - shares**2, 0.0) * pairs / (pairs - 1)
    return SampledShares(shares, np.sqrt(variance / pairs), pairs)


@dataclass(frozen=True, slots=True)
class CoreCheck:
    """Whether nobody would rather leave.

    ``in_core``: the shares sum to the cost of all and no coalition pays more than it would cost alone. ``gap``: sum of
    the shares less the cost of all. ``excess`` what the worst coalition overpays (0 or less within the core, −inf with
    one party), ``blocking``: coalitions that overpay, worst first, each with what it overpays.
    """

    in_core: bool
    gap: float
    excess: float
    blocking: tuple[tuple[tuple[int, ...], float], ...]


def check_core(game: npt.ArrayLike, shares: npt.ArrayLike, most: int = 10, tolerance: float = 1e-9) -> CoreCheck:
    """Whether an allocation lies in the core of a cost game: Σ_S x ≤ c(S) for every S, equality for all.

    ``most`` blocking coalitions are named. ``tolerance`` is relative to the cost of all. Source: Gillies 1959; for
    costs Young (ed.), Cost Allocation, 1985, chapter 1. Equal shares of the runways of `shapley` do not hold:

    >>> runways = game_of(lambda members: (members * np.array([8, 11, 13, 18])).max(axis=1), 4)
    >>> check_core(runways, [2, 3, 4, 9]).in_core, check_core(runways, [4.5] * 4).blocking[0]
    (True, ((0, 1, 2), 0.5))
    """
    costs, n = _checked(game)
    paid = np.asarray(shares, dtype=np.float64)
    if costs.ndim != 1 or paid.shape != (n,):
        raise ValueError(f"shares: {paid.shape} for one game of {n} parties; give one share each")
    over = _sums(paid) - costs
    over_proper = over[1:-1]
    slack = tolerance * max(1.0, abs(float(costs[-1])))
    worst = float(over_proper.max()) if over_proper.size else -np.inf
    at = np.flatnonzero(over_proper > slack) + 1
    at = at[np.argsort(-over[at], kind="stable")][:most]
    blocking = tuple((_members(int(b), n), float(over[b])) for b in at)
    return CoreCheck(abs(float(over[-1])) <= slack and not at.size, float(over[-1]), worst, blocking)


@dataclass(frozen=True, slots=True)
class Nucleolus:
    """Shares, the least core's ``excess`` (0 or less: the core is not empty) and how many programs it took."""

    shares: Floats
    excess: float
    programs: int


def nucleolus(game: npt.ArrayLike) -> Nucleolus:
    """The allocation that makes the worst-off coalition as well off as possible, then the next, to the last.

    Always exactly one, and in the core if there is one; up to 12 parties. Solved by linear programs in turn (Maschler,
    Peleg and Shapley, MOR 4 (1979) 303-338): min ε with Σ_S x ≤ c(S) + ε for coalitions not yet settled; those whose
    dual is not 0 are tight in every solution and become equations, until these leave one point. Source of the concept:
    Schmeidler, SIAM J. Appl. Math. 17 (1969) 1163-1170. The Talmud's estate of 200 under claims of 100, 200 and 300
    as costs c(S) = min(estate, claims of S), is shared 50, 75, 75 (Aumann and Maschler, JET 36 (1985)
    195-213).

    >>> estate = game_of(lambda members: np.minimum(members @ np.array([100.0, 200.0, 300.0]), 200.0), 3)
    >>> nucleolus(estate).shares.round(6).tolist()
    [50.0, 75.0, 75.0]
    """
    costs, n = _checked(game)
    if costs.ndim != 1 or n > 12 or np.isnan(costs).any():
        raise ValueError("game: give one game of known costs and at most 12 parties; use shapley for more")
    from tierwise.engine.contracts.core_programs import lexicographic_excess  # noqa: PLC0415  # loads the solver

    if n == 1:
        return Nucleolus(costs[1:].copy(), -np.inf, 0)
    return Nucleolus(*lexicographic_excess(costs, n))


def _marginals(cost: Callable[[npt.NDArray[np.bool_]], npt.ArrayLike], order: Ints) -> Floats:
    n = order.size
    members = np.zeros((n + 1, n), dtype=np.bool_)
    for at, party in enumerate(order):
        members[at + 1 :, party] = True
    found = np.empty(n)
    found[order] = np.diff(np.asarray(cost(members), dtype=np.float64))
    return found


def _checked(game: npt.ArrayLike) -> tuple[Floats, int]:
    costs = np.asarray(game, dtype=np.float64)
    n = int(costs.shape[-1]).bit_length() - 1 if costs.ndim else 0
    if costs.ndim == 0 or costs.shape[-1] != 2**n or n < 1:
        raise ValueError(f"game: {costs.shape} is no array of 2^n costs; build it with game_of")
    _check_parties(n)
    if np.any(np.abs(costs[..., 0]) > 0):
        raise ValueError("game: entry 0, the cost of nobody, must be 0; take common fixed cost into the coalitions")
    return costs, n


def _check_parties(parties: int) -> None:
    if not 1 <= parties <= MOST_PARTIES:
        raise ValueError(f"parties: {parties} is out of 1 to {MOST_PARTIES}; group them, or use shapley_sampled")


def _sizes(n: int) -> Ints:
    found = np.zeros(2**n, dtype=np.int64)
    for party in range(n):
        found[1 << party : 2 << party] = found[: 1 << party] + 1
    return found


def _sums(paid: Floats) -> Floats:
    """What each coalition pays together."""
    found = np.zeros(2**paid.size)
    for party, each in enumerate(paid):
        found[1 << party : 2 << party] = found[: 1 << party] + each
    return found


def _members(coalition: int, n: int) -> tuple[int, ...]:
    return tuple(party for party in range(n) if coalition >> party & 1)


def _choose(n: int, k: int) -> int:
    found = 1
    for each in range(k):
        found = found * (n - each) // (each + 1)
    return found


def coalition_index(members: Sequence[int]) -> int:
    """Where a coalition stands in a game.

    >>> coalition_index([0, 2])
    5
    """
    if len(set(members)) != len(members) or any(each < 0 for each in members):
        raise ValueError(f"members: {list(members)} repeat or lie below 0")
    return sum(1 << each for each in members)
