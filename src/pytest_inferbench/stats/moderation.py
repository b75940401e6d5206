"""The moderated spread: what one gate's few sessions say of its noise, steadied by the other cases.

Idea: a gate's log-variance scatters around a prior (scaled inverse chi-squared: scale s0^2, d0 degrees of freedom)
that the other cases on the same hardware reveal: Smyth 2004 (limma), with three additions for tens of gates where
limma has thousands. Each gate counts by its precision; both estimates are shrunk towards the stated prior by the
weight of the evidence; and what remains unknown of the scale, its posterior variance, widens the prior (lowers d0).
Limits: one formula over arrays (..., gates); the proof draws and the shipped verdict call it alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import digamma, trigamma, trigamma_inverse
from pytest_inferbench.stats.rule import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.rounds import RoundScatter

STATED_SD = {Kind.TYPICAL: 0.03, Kind.TAIL: 0.05}
"""What a session's relative SD is taken to be at a site of known noise ..."""

STATED_DF = 3.0
"""... where one gate's lies around it with so many degrees of freedom; how noisy the site is, is not known (below)."""

LEAST_ALIKE = 4
"""Gates of its own metric in other cases from which on it can be told whether the other metrics are as noisy."""

# Below this a spread is the timer's or the rounding's, and its logarithm would drag the pool down.
FLOOR_SD = 0.001
# How sure the stated prior is of itself. Scale: a site's typical SD lies within a factor of 2 (one SD of log s).
SITE_VARIANCE = (2 * math.log(2)) ** 2
# Width: the variance of log-variances between gates is trigamma(3/2) = .93 give or take .5.
_width = cache(lambda: float(trigamma(STATED_DF / 2)))
_WIDTH_VARIANCE = 0.25
_width_limits = cache(lambda: (float(trigamma(15.0)), float(trigamma(0.5))))  # d0 from 30 to 1
# One other gate has no scatter: what rounding leaves of its degrees of freedom is not evidence.
_NO_FREEDOM = 1e-9


@dataclass(frozen=True, slots=True)
class OwnSpread:
    """What a gate's own accepted sessions say of its noise.

    Attributes:
        case: the case it belongs to; gates of one case do not inform each other.
        kind: kinds are pooled apart.
        variance: pooled within-segment variance of the oriented logarithms; 0 without degrees of freedom.
        df: its degrees of freedom.
        metric: `metric.statistic`; a time per token is steadier than a time to the first one.
    """

    case: str
    kind: Kind
    variance: float
    df: float
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Prior:
    """Where a gate's spread is drawn to.

    Attributes:
        sd: scale of the prior as a relative SD.
        df: its degrees of freedom: how many sessions of its own it is worth.
        pooled: gates of other cases behind it; 0: it is the stated prior.
        rounds: whether `sd` is what the scatter of rounds alone comes to, because that is more.
    """

    sd: float
    df: float
    pooled: int
    rounds: bool = False

    @property
    def source(self) -> str:
        """Where the prior comes from, for the report."""
        if self.rounds:
            return f"SD {100 * self.sd:.1f} %, {self.df:.1f} df: what the scatter of the rounds alone comes to"
        if not self.pooled:
            return f"stated: SD {100 * self.sd:.1f} %, {self.df:.1f} df (no other case has a history here)"
        gates = "1 gate" if self.pooled == 1 else f"{self.pooled} gates"
        return f"SD {100 * self.sd:.1f} %, {self.df:.1f} df from {gates} of other cases on this hardware"

    def raised(self, rounds: RoundScatter) -> Prior:
        """The prior that knows the rounds: a session's figure is no steadier than the median of such rounds."""
        if rounds.variance <= self.sd**2:
            return self
        return replace(self, sd=math.sqrt(rounds.variance), rounds=True)


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread a gate is judged with.

    Attributes:
        sd: moderated relative SD of one session (of one pair's log-ratio in the paired engine).
        df: its degrees of freedom.
        own_sd: what its own sessions say; None where they say nothing yet.
        own_df: their degrees of freedom.
        prior: what it was moderated with; None where it was not.
    """

    sd: float
    df: float
    own_sd: float | None
    own_df: float
    prior: Prior | None


@cache
def assumed_prior(kind: Kind) -> Prior:
    """The prior where nothing else is known: neither a gate's own noise nor its site's."""
    scale, df = fit_priors(np.zeros(1), np.zeros(1), np.zeros((1, 1)), STATED_SD[kind])
    return Prior(math.sqrt(float(scale[0])), float(df[0]), 0)


def posterior(
    variance: FloatLike, df: FloatLike, prior_variance: FloatLike, prior_df: FloatLike
) -> tuple[Floats, Floats]:
    """Posterior (variance, degrees of freedom) of a gate; any broadcastable shapes (Smyth 2004, section 3)."""
    total = np.asarray(df, dtype=np.float64) + prior_df
    return (np.asarray(variance) * df + np.asarray(prior_variance) * prior_df) / total, total


def fit_priors(
    variance: Floats, df: Floats, alike: Floats, stated_sd: FloatLike, rest: Floats | None = None
) -> tuple[Floats, Floats]:
    """Prior (variance, degrees of freedom) of each gate that is asked for, from the others.

    Args:
        variance: own variances, shape (..., gates).
        df: their degrees of freedom, 0 where there are none; broadcasts with `variance`.
        alike: 1.0 where row gate informs column gate, else 0.0; shape (gates, those asked for, which are the first).
        stated_sd: scale of the stated prior, per gate or one for all.
        rest: the same of gates that may be noisier or quieter as such, being of other metrics.

    Log-variances e = log s^2 - digamma(d/2) + log(d/2) are unbiased for the gate's own with variance
    trigamma(d/2) + width; width by moments (DerSimonian and Laird 1986), scale by the weighted mean. The `rest` counts
    as its distance from those alike allows: an effect of the metric, its variance by moments too.
    """
    d = np.broadcast_to(np.asarray(df, dtype=np.float64), variance.shape)
    known = d > 0
    half = np.where(known, d, 1.0) / 2
    noise = trigamma(half)
    centre = 2 * np.log(stated_sd) - digamma(STATED_DF / 2) + math.log(STATED_DF / 2)
    floored = np.log(np.maximum(variance, FLOOR_SD**2))
    e = np.where(known, floored - digamma(half) + np.log(half) - centre, 0.0)
    w = np.where(known, 1 / (noise + _width()), 0.0)
    trust = _trust(w, e, alike, rest) if rest is not None else np.zeros(1)

    def over(figures: Floats) -> Floats:
        own = figures @ alike
        return np.asarray(own if rest is None else own + trust * (figures @ rest))

    weight = over(w)
    some = np.where(weight > 0, weight, 1.0)
    mean = over(w * e) / some
    scatter = over(w * e * e) - mean * over(w * e)
    freedom = weight - over(w * w) / some
    countable = freedom > _NO_FREEDOM
    safe = np.where(countable, freedom, 1.0)
    width = (scatter - over(w * noise) + over(w * w * noise) / some) / safe
    width_variance = 2 * np.maximum(over(known.astype(np.float64)) - 1, 1.0) / safe**2
    evidence = np.where(countable, 1 / width_variance, 0.0)
    width = (_width() / _WIDTH_VARIANCE + width * evidence) / (1 / _WIDTH_VARIANCE + evidence)
    width = np.clip(width, *_width_limits())

    total = weight + 1 / SITE_VARIANCE
    prior_df = 2 * trigamma_inverse(width + 1 / total)
    own_centre = np.broadcast_to(centre, variance.shape)[..., : alike.shape[-1]]
    scale = np.exp(own_centre + weight * mean / total + digamma(prior_df / 2) - np.log(prior_df / 2))
    return scale, prior_df


def _trust(w: Floats, e: Floats, alike: Floats, rest: Floats) -> Floats:
    """How much a gate of another metric counts beside one of the same: 1 where the metrics do not differ."""
    near, far = w @ alike, w @ rest
    both = (near > 0) & (far > 0)
    near, far = np.where(both, near, 1.0), np.where(both, far, 1.0)
    apart = ((w * e) @ alike / near - (w * e) @ rest / far) ** 2
    effect = np.maximum(apart - 1 / near - 1 / far, 0.0)
    enough = (w > 0).astype(np.float64) @ alike >= LEAST_ALIKE
    return np.asarray(np.where(both & enough, 1 / (1 + far * effect), 1.0))


def priors(gates: Sequence[OwnSpread], pool: Sequence[OwnSpread] = ()) -> tuple[Prior, ...]:
    """The prior of each gate on one piece of hardware, from those like it in other cases, in order.

    Of those of its kind, the gates of its own metric count most where the metrics differ in noise.

    Args:
        gates: those that are asked for.
        pool: further ones on the same hardware, to learn from; their cases are others than those of `gates`.
    """
    if not gates:
        return ()
    known, asked = (*gates, *pool), len(gates)
    case = np.unique([gate.case for gate in known], return_inverse=True)[1]
    kind = np.unique([gate.kind.value for gate in known], return_inverse=True)[1]
    metric = np.unique([gate.metric for gate in known], return_inverse=True)[1]
    df = np.asarray([gate.df for gate in known])
    of_kind = (case[:, None] != case[None, :asked]) & (kind[:, None] == kind[None, :asked])
    of_metric = of_kind & (metric[:, None] == metric[None, :asked])
    alike, rest = of_metric.astype(np.float64), (of_kind & ~of_metric).astype(np.float64)
    variance = np.asarray([gate.variance for gate in known])
    sd = np.asarray([STATED_SD[gate.kind] for gate in known])
    scale, prior_df = fit_priors(variance, df, alike, sd, rest)
    pooled = (df > 0).astype(np.float64) @ (alike + rest)
    return tuple(
        Prior(math.sqrt(s2), d0, int(count))
        for s2, d0, count in zip(scale.tolist(), prior_df.tolist(), pooled.tolist(), strict=True)
    )


def moderate(own: OwnSpread, prior: Prior) -> Spread:
    """The spread to judge a gate with."""
    variance, df = posterior(own.variance, own.df, prior.sd**2, prior.df)
    own_sd = math.sqrt(own.variance) if own.df else None
    return Spread(math.sqrt(float(variance)), float(df), own_sd, own.df, prior)
