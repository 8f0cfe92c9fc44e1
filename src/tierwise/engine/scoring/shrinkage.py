"""Small samples leant on their peers: beta-binomial shrinkage of shares within a segment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from tierwise.engine import checks
from tierwise.engine.scoring.measures import SHARES

_PEERS = ("segment", "period_start", "measure")
_ADDED: dict[str, pl.DataType] = {
    **dict.fromkeys(("shrunk", "shrunk_low", "shrunk_high", "prior_mean", "prior_n"), pl.Float64()),
    "peers": pl.Int64(),
    "shrinkage": pl.String(),
}


@dataclass(frozen=True, slots=True)
class ShrinkParams:
    """When and how far shares lean on the peers.

    Below ``least_suppliers`` peers there is no shrinkage. ``most_prior_n`` caps the prior's weight in trials: peers
    that differ no more than chance would otherwise be made one. The default says that no prior outweighs 200 real
    lines.
    """

    least_suppliers: int = 5
    most_prior_n: float = 200.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.least_suppliers < 2:
            raise ValueError(f"least_suppliers is {self.least_suppliers}; a spread between peers needs 2 or more")
        if not 0 < self.most_prior_n < float("inf"):
            raise ValueError(f"most_prior_n is {self.most_prior_n}; give a positive number of trials")
        checks.confidence(self.confidence)


_DEFAULTS = ShrinkParams()


def shrink(measured: pl.DataFrame, params: ShrinkParams = _DEFAULTS) -> pl.DataFrame:
    """What share should be expected of a supplier, given its own lines and those of its peers in the segment?

    ``measured`` from :func:`measures`; other measures than shares pass without. Adds ``shrunk`` (posterior mean),
    ``shrunk_low``, ``shrunk_high`` (equal-tailed credible interval), ``prior_mean``, ``prior_n``, ``peers`` and
    ``shrinkage``, which says what was done: "beta_binomial", "too_few_suppliers" (value and interval as measured) or
    "not_a_share" (nulls).

    Trials are effective n. The prior Beta(μM, (1−μ)M) is fitted per segment, period and measure by weighted moments
    (Kleinman, JASA 68, 1973): with w_i = n_i/Σn, p = Σ w_i p_i and S = Σ w_i (p_i − p)²,
    ρ = (S/(p(1−p)) − Σ w_i(1−w_i)/n_i) / Σ w_i(1−w_i)(1 − 1/n_i) and M = 1/ρ − 1; μ is kept off 0 and 1 by half a
    trial. Posterior mean: (n p_i + μM) / (n + M). Example: the batter with 18 hits in 45 (.400) among the 18 of Efron
    and Morris (1975, mean .265) is expected at .290, as there.

    >>> hits = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
    >>> rows = {"supplier": range(18), "value": [k / 45 for k in hits], "effective_n": [45.0] * 18}
    >>> batters = pl.DataFrame(rows | {"segment": ["A"] * 18, "period_start": [1970] * 18, "measure": ["on_time"] * 18})
    >>> batters = batters.with_columns(low=0.0, high=1.0)
    >>> round(shrink(batters)["shrunk"][0], 3)
    0.29
    """
    if measured.is_empty():
        return measured.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in _ADDED.items())
    is_share = pl.col("measure").is_in(SHARES) & (pl.col("effective_n") > 0)
    priors = _priors(measured.filter(is_share), params)
    frame = measured.join(priors, on=_PEERS, how="left", nulls_equal=True, maintain_order="left")
    enough = (pl.col("peers") >= params.least_suppliers).fill_null(value=False) & is_share
    frame = frame.with_columns(
        shrinkage=pl.when(~is_share)
        .then(pl.lit("not_a_share"))
        .when(enough)
        .then(pl.lit("beta_binomial"))
        .otherwise(pl.lit("too_few_suppliers")),
        peers=pl.when(is_share).then(pl.col("peers")),
        prior_mean=pl.when(enough).then(pl.col("prior_mean")),
        prior_n=pl.when(enough).then(pl.col("prior_n")),
    )
    trials, weight = pl.col("effective_n"), pl.col("prior_n")
    frame = frame.with_columns(
        _a=pl.col("value") * trials + pl.col("prior_mean") * weight,
        _b=(1 - pl.col("value")) * trials + (1 - pl.col("prior_mean")) * weight,
    )
    a, b = frame["_a"].fill_null(1.0).to_numpy(), frame["_b"].fill_null(1.0).to_numpy()
    tail = (1 - params.confidence) / 2
    frame = frame.with_columns(
        shrunk=pl.col("_a") / (pl.col("_a") + pl.col("_b")),
        shrunk_low=pl.Series(special.betaincinv(a, b, tail)),
        shrunk_high=pl.Series(special.betaincinv(a, b, 1 - tail)),
    )
    as_measured = pl.col("shrinkage") == "too_few_suppliers"
    return frame.with_columns(
        pl.when(pl.col("_a").is_not_null()).then(pl.col(name)).when(as_measured).then(pl.col(own)).alias(name)
        for name, own in (("shrunk", "value"), ("shrunk_low", "low"), ("shrunk_high", "high"))
    ).select(*measured.columns, *_ADDED)


def _priors(shares: pl.DataFrame, params: ShrinkParams) -> pl.DataFrame:
    n, p = pl.col("effective_n"), pl.col("value")
    total = n.sum().over(_PEERS)
    mean = (n * p).sum().over(_PEERS) / total
    w = n / total
    fitted = (
        shares.with_columns(_w=w, _mean=mean)
        .group_by(_PEERS)
        .agg(
            peers=pl.col("supplier").n_unique().cast(pl.Int64),
            _total=n.sum(),
            _p=pl.col("_mean").first(),
            _s=(pl.col("_w") * (p - pl.col("_mean")) ** 2).sum(),
            _chance=(pl.col("_w") * (1 - pl.col("_w")) / n).sum(),
            _scale=(pl.col("_w") * (1 - pl.col("_w")) * (1 - 1 / n)).sum(),
        )
    )
    share, total_n = fitted["_p"].to_numpy(), fitted["_total"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = fitted["_s"].to_numpy() / (share * (1 - share))
        rho = (spread - fitted["_chance"].to_numpy()) / fitted["_scale"].to_numpy()
        strength = 1 / np.clip(rho, None, 1.0) - 1
    # No spread beyond chance (rho of 0 or less, or all alike) means the strongest prior allowed.
    strength = np.where(np.isfinite(rho) & (rho > 0), np.clip(strength, 1e-3, params.most_prior_n), params.most_prior_n)
    centre = (share * total_n + 0.5) / (total_n + 1)
    return fitted.select(*_PEERS, "peers").with_columns(
        prior_mean=pl.Series(centre, dtype=pl.Float64), prior_n=pl.Series(strength, dtype=pl.Float64)
    )
