"""False alarms and power of the history gate in a world, by the package's own functions on arrays.

Limits: nothing of the rule is written here but what of its input a world has. `former` is the rule as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias
from zlib import crc32

import numpy as np
from benchmarks.perf.proof.worlds import Draw, World

from pytest_inferbench.baselines.fingerprint import machine_change
from pytest_inferbench.stats.days import plan
from pytest_inferbench.stats.distributions import digamma, trigamma, trigamma_inverse
from pytest_inferbench.stats.moderation import SITE_VARIANCE, STATED_DF, STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.rounds import resemblance, round_scatter
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.standing import Before, stand
from pytest_inferbench.stats.ties import rounding_variance
from pytest_inferbench.stats.two_stage import hurdles, is_called, passes_screen

CHANGES = (0.05, 0.10, 0.20)
HOST = {"stepping": "7"}
RECENT = 8  # sessions whose rounds are asked how they resemble each other, as `judge.history` has it

Judge: TypeAlias = Callable[[Draw, Rule], Callable[[float], np.ndarray]]
"""A draw -> a function from a worsening, as an oriented log, to what is called (runs, gates)."""


@dataclass(frozen=True)
class Rates:
    """What a rule does in a world.

    Attributes:
        alarms: share of runs with any false alarm.
        error: its standard error.
        found: share of gates called at each of `CHANGES`.
    """

    alarms: float
    error: float
    found: tuple[float, ...]


def rates(world: World, gates: int, n: int, runs: int, judge: Judge) -> Rates:
    """Measure a rule; the draw depends on the world, the gates and n alone."""
    rng = np.random.default_rng(crc32(repr((world.name, gates, n)).encode()))
    drawn = world.draw(rng, runs, gates, n)
    rule = replace(world.rule, gates=gates, confirmations=world.confirmations)
    at = judge(drawn, rule)
    alarms = float(at(0.0).any(axis=-1).mean())
    found = tuple(float(at(math.log1p(change)).mean()) for change in CHANGES)
    return Rates(alarms, math.sqrt(alarms * (1 - alarms) / runs), found)


def shipped(drawn: Draw, rule: Rule) -> Callable[[float], np.ndarray]:
    """The rule of today."""
    n = drawn.history.shape[-1]
    made = plan((0,) * n, drawn.days, (True,) * n, rule.shared, rule.shared_doubt)
    variance = made.variance(drawn.history) if made.df else np.zeros(drawn.history.shape[:-1])
    if drawn.rounded and made.df:
        figures = np.round(np.exp(drawn.history))
        tied = (np.diff(np.sort(figures, axis=-1), axis=-1) == 0).any(axis=-1)
        variance = np.where(tied, np.maximum(variance, rounding_variance(figures)), variance)
    alike, rest = _others(drawn)
    scale, prior_df = fit_priors(variance, np.asarray(made.df), alike, STATED_SD[rule.kind], rest)
    variance, df = posterior(variance, made.df, np.maximum(scale, _heard(drawn, resemble=True)), prior_df)
    away = drawn.now - made.level(drawn.history)[..., None]
    before = Before(made.n, np.sqrt(variance), df, np.sqrt(variance), df)
    known = not machine_change([HOST] * n, drawn.machine or HOST)
    return lambda change: stand(away + change, before, rule).regressed & known


def former(drawn: Draw, rule: Rule) -> Callable[[float], np.ndarray]:
    """The rule as it was: every session a day, pooled by kind, the prior as firm with nothing behind it, no steps."""
    n = drawn.history.shape[-1]
    made = plan((0,) * n, tuple(range(n)), (True,) * n, rule.shared, 0.0)
    variance = made.variance(drawn.history) if made.df else np.zeros(drawn.history.shape[:-1])
    scale, prior_df = _former_priors(variance, made.df, sum(_others(drawn)), STATED_SD[rule.kind])
    variance, df = posterior(variance, made.df, np.maximum(scale, _heard(drawn, resemble=False)), prior_df)
    away = drawn.now - drawn.history.mean(axis=-1)[..., None]
    limits = hurdles(np.sqrt(variance), df, n, away, rule)
    return lambda change: is_called(away + change, limits) & passes_screen(away + change, limits)


def _heard(drawn: Draw, *, resemble: bool) -> np.ndarray | float:
    """What the rounds of the history and of today's first session say, for each gate."""
    if drawn.rounds is None:
        return 0.0
    known = drawn.rounds[..., : drawn.history.shape[-1] + 1, :]
    count = known.shape[-1]
    one = np.exp(np.eye(count)[0])  # rounds of a known variance, 1 / count, to have the factor from
    found = np.zeros(known.shape[:2])
    for run in range(len(known)):
        # All gates of a site tell how much its rounds resemble each other.
        recent = np.exp(known[run, :, -RECENT:]).reshape(-1, count).tolist() if resemble else []
        found[run] = round_scatter(one.tolist(), resemblance(recent)).variance * count
    return np.asarray(found * known.var(axis=-1, ddof=1).mean(axis=-1))


def _others(drawn: Draw) -> tuple[np.ndarray, np.ndarray]:
    """Whom each gate learns from: gates of its metric in other cases, and those of other metrics."""
    gate = np.arange(drawn.history.shape[1])
    size = drawn.gates_a_case
    apart, same = gate[:, None] // size != gate[None, :] // size, gate[:, None] % size == gate[None, :] % size
    return (apart & same).astype(float), (apart & ~same).astype(float)


def _former_priors(variance: np.ndarray, df: float, others: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """As `fit_priors`, but doubted by no more than the sampling variance of the pooled scale: none without a pool."""
    scale, prior_df = fit_priors(variance, np.asarray(df), others, sd)
    weight = (others.sum(axis=0) / (trigamma(df / 2) + trigamma(STATED_DF / 2))) if df else 0.0 * others.sum(axis=0)
    total = weight + 1 / SITE_VARIANCE
    former_df = 2 * trigamma_inverse(trigamma(prior_df / 2) - 1 / total + weight / total**2)
    moved = digamma(former_df / 2) - np.log(former_df / 2) - digamma(prior_df / 2) + np.log(prior_df / 2)
    return scale * np.exp(moved), former_df
