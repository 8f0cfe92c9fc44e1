"""Promotions and other events: what they add, what they take from the weeks after, and forecasts that know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierwise.engine.forecasting.candidates import Candidate
from tierwise.engine.forecasting.panel import Floats, Ints, Panel, over_parts, whole


@dataclass(frozen=True, slots=True)
class Events:
    """How much each event was or will be on: ``columns`` periods × events, 0 for off; series i owns the rows from
    ``offsets[i]``, first its history, then at least the horizon to be forecast."""

    columns: Floats
    offsets: Ints
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        columns = np.ascontiguousarray(self.columns, dtype=np.float64)
        if columns.ndim != 2 or columns.shape[1] != len(self.names) or not np.isfinite(columns).all():
            raise ValueError(f"columns: must be periods × {len(self.names)} events, known numbers throughout")
        offsets = np.ascontiguousarray(self.offsets, dtype=np.int64)
        if not offsets.size or offsets[0] != 0 or offsets[-1] != len(columns) or (np.diff(offsets) < 0).any():
            raise ValueError("offsets: must rise from 0 to the number of rows, one entry more than there are series")
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "offsets", offsets)

    def beside(self, other: Events) -> Events:
        """Both kinds of events at once, over the same periods."""
        if not np.array_equal(self.offsets, other.offsets):
            raise ValueError("other: covers other periods; build both over the same ones")
        return Events(np.hstack([self.columns, other.columns]), self.offsets, (*self.names, *other.names))

    def ahead(self, lengths: Ints, horizon: int) -> Floats:
        """Series × horizon × events: what follows on the first ``lengths`` periods."""
        at = self.offsets[:-1, None] + lengths[:, None] + np.arange(horizon)[None, :]
        if (at >= self.offsets[1:, None]).any():
            raise ValueError(f"events: end before the horizon of {horizon}; say which events come, 0 where none do")
        return np.asarray(self.columns[at])


def promotion_events(active: Panel, dip: int = 2, name: str = "promotion") -> Events:
    """Columns for a promotion and the ``dip`` periods after it, in which people use up what they bought ahead.

    ``active`` how strong the promotion is in each period (0 none, 1 plain), history and horizon in one; the k-th column
    after is as strong as the promotion that ended k periods before, unless another is on.

    >>> promotion_events(Panel.of([[0, 1, 1, 0, 0, 0]]), dip=2).columns.T.tolist()
    [[0.0, 1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]
    """
    whole("dip", dip, 0)
    on = active.values
    if not np.isfinite(on).all():
        raise ValueError("active: holds unknown periods; give 0 where there is no promotion")
    place = np.arange(on.size) - np.repeat(active.offsets[:-1], active.lengths)
    columns = [on]
    free, before = on == 0, on
    for _ in range(dip):
        shifted = np.concatenate([[0.0], before[:-1]]) if on.size else before
        before = np.where(free & (place > 0), shifted, 0.0)
        columns.append(before)
    names = (name, *(f"{name} +{k}" for k in range(1, dip + 1)))
    return Events(np.stack(columns, axis=1), active.offsets, names)


@dataclass(frozen=True, slots=True)
class EventParams:
    """``window`` periods to either side for the baseline; ``spread`` how far effects of single series are thought to
    lie from the common one (standard deviation of the log). ``threads`` 0 takes all cores."""

    window: int = 6
    spread: float = 0.3
    threads: int = 1

    def __post_init__(self) -> None:
        whole("window", self.window, 1)
        whole("threads", self.threads, 0)
        if not self.spread > 0:
            raise ValueError(f"spread: is {self.spread}; give a standard deviation above 0, such as 0.3")


@dataclass(frozen=True, slots=True)
class EventEffects:
    """``factor`` series × events: times what demand is while the event is on (1.4: 40 % more; below 1: a dip), with
    the ``error`` of its log; ``common`` the same over all series and ``common_error``; ``active`` known periods it
    rests on; ``dispersion`` variance over mean; ``baseline`` demand without events beside the panel's values."""

    names: tuple[str, ...]
    factor: Floats
    error: Floats
    common: Floats
    common_error: Floats
    active: Ints
    dispersion: Floats
    baseline: Floats

    def without(self, panel: Panel, events: Events) -> Panel:
        """The history as it would have been without the events."""
        return panel.with_values(panel.values / self._past(panel, events))

    def upon(self, forecast: Floats, panel: Panel, events: Events) -> Floats:
        """A forecast of what comes without events, with those ahead put on it."""
        ahead = events.ahead(panel.lengths, forecast.shape[1])
        return np.asarray(forecast * np.exp(np.einsum("sht,st->sh", ahead, np.log(self.factor))))

    def _past(self, panel: Panel, events: Events) -> Floats:
        owner = np.repeat(np.arange(len(panel)), panel.lengths)
        rows = np.arange(panel.values.size) - panel.offsets[owner] + events.offsets[owner]
        return np.asarray(np.exp(np.sum(events.columns[rows] * np.log(self.factor)[owner], axis=1)))


def event_effects(panel: Panel, events: Events, params: EventParams = EventParams()) -> EventEffects:
    """By how much do promotions, holidays or price steps lift demand, and how deep is the dip after?

    Demand = baseline × Π factor^column, factors by quasi-Poisson scores, which take zeros and overlapping events; the
    baseline is a moving ratio of demand to what events made of it, found in turn with the factors. Factors common to
    all series come first; each series' own are drawn toward them as a normal prior with ``spread`` does: one that had
    few promotions keeps the common ones. Series without known demand keep them too. ValueError for demand below zero.

    Source: Cooper, Baron, Levy, Swisher and Gogos, Marketing Science 18 (1999) 301-316 (log-linear effects); McCullagh
    and Nelder, Generalized Linear Models (1989), ch. 6 and 9; van Heerde, Leeflang and Wittink, J. Marketing Research
    37 (2000) 383-395 (dips). Twice the demand during two weeks, three quarters in the two after:

    >>> on = np.zeros(60)
    >>> on[[20, 21, 40, 41]] = 1
    >>> sold = 100 * (1 + on)
    >>> sold[[22, 23, 42, 43]] = 75
    >>> found = event_effects(Panel.of([sold]), promotion_events(Panel.of([on])))
    >>> found.factor.round(2).tolist()
    [[2.0, 0.75, 0.75]]
    """
    from tierwise.engine.forecasting import events_kernels  # noqa: PLC0415 - numba loads on first use

    _fitting(panel, events)
    if (panel.values < 0).any():
        raise ValueError("values: hold demand below 0; net returns against earlier demand before")
    size, series = len(events.names), len(panel)
    common, common_error = np.zeros(size), np.full(size, np.nan)
    spread = np.full(size, float(params.spread))
    data = (panel.values, panel.offsets, events.columns, events.offsets)
    for _ in range(50):
        score, information = np.zeros(size), np.zeros((size, size))
        events_kernels.pooled_scores((*data, (0, series)), common, params.window, (score, information))
        # A weak pull to "no effect" settles events that never happened.
        step = np.linalg.solve(information + 1e-3 * np.eye(size), score - 1e-3 * common)
        common += np.clip(step, -1.0, 1.0)
        common_error = np.sqrt(np.diag(np.linalg.inv(information + 1e-3 * np.eye(size))))
        if np.abs(step).max(initial=0.0) < 1e-7:
            break
    effects, errors = np.zeros((series, size)), np.full((series, size), np.nan)
    active, dispersion = np.zeros((series, size), dtype=np.int64), np.full(series, np.nan)
    base = np.full(panel.values.size, np.nan)

    def work(low: int, high: int) -> None:
        out = (effects, errors, active, dispersion, base)
        events_kernels.own_effects((*data, (low, high)), (common, spread), params.window, out)

    over_parts(work, panel.offsets, params.threads)
    return EventEffects(
        events.names, np.exp(effects), errors, np.exp(common), common_error, active, dispersion, base
    )  # fmt: skip


def _fitting(panel: Panel, events: Events) -> None:
    if events.offsets.size != panel.offsets.size or (np.diff(events.offsets) < panel.lengths).any():
        raise ValueError("events: must cover each series' whole history; give a row per period, 0 where nothing was on")


@dataclass(frozen=True, slots=True)
class WithEvents:
    """A candidate that forecasts the history freed of events and puts those ahead upon it; effects are learned anew at
    every origin of a tournament, from what was known then. ``events`` cover the same series as the panels given, from
    their first period; ``rows`` says which of them when a panel holds only some."""

    candidate: Candidate
    events: Events
    params: EventParams = EventParams()

    @property
    def name(self) -> str:
        return f"{self.candidate.name} with events"

    def forecast(self, panel: Panel, horizon: int) -> Floats:
        effects = event_effects(panel, self.events, self.params)
        made = self.candidate.forecast(effects.without(panel, self.events), horizon)
        return effects.upon(made, panel, self.events)

    def of_series(self, rows: Sequence[int] | npt.ArrayLike) -> WithEvents:
        """The same for some of the series."""
        wanted = np.asarray(rows, dtype=np.int64)
        lengths = np.diff(self.events.offsets)[wanted]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], lengths)
        at += np.repeat(self.events.offsets[wanted], lengths)
        return WithEvents(self.candidate, Events(self.events.columns[at], offsets, self.events.names), self.params)
