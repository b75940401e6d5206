"""Which rate of events a comparison of counts would have called.

Idea: a rate is seen where the chances to miss it (at the screen, in all sessions together, in the last one) come to
at most 20 % together.
Limits: as in `count_test`, of one gate; the hurdles are the rule's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_inferbench.stats.count_test import LEAST_EVENTS, PastCounts, day_factor, least_change, worse
from pytest_inferbench.stats.detectable import POWER
from pytest_inferbench.stats.distributions import negative_binomial_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_inferbench.stats.rule import Rule

_HALVINGS = 40
_NO_SCATTER = 1e-6


def least_called(trials: int, k: int, past: PastCounts, alpha: float, rule: Rule, step: float) -> int:
    """The fewest events of k sessions that are beyond chance and the step; `trials` + 1 where none is enough."""
    far = float(past.rate + least_change(past, rule, step)) * trials

    def enough(events: int) -> bool:
        return events >= far and bool(worse(events, trials, k, past, alpha, rule))

    return _first(LEAST_EVENTS - 1, trials + 1, enough)


def detectable_rate(trials: int, past: PastCounts, rule: Rule, step: float) -> float | None:
    """The rate that would have been called with 80 % probability; None where not even 1 is.

    Args:
        trials: of one session.
        past: the accepted sessions.
        rule: the gate's settings.
        step: the smallest difference that matters.
    """
    k, one = 1 + rule.confirmations, float(past.factor)
    far = float(past.rate + least_change(past, rule, step))
    stages = [
        Stage(least_called(trials, 1, past, rule.alpha_screen, rule, step), trials, one),
        Stage(
            least_called(k * trials, k, past, rule.alpha_each, rule, step),
            k * trials,
            float(day_factor(one, k, rule.shared)),
        ),
        Stage(_first(-1, trials + 1, lambda events: events >= far * trials), trials, one),
    ]
    return rate_seen(stages if k > 1 else stages[:2], float(past.rate))


class Stage(NamedTuple):
    """What must be passed: at least so many events among the trials, which have this overdispersion."""

    least: int
    trials: int
    factor: float


def rate_seen(stages: Sequence[Stage], before: float) -> float | None:
    """The rate above `before` that passes all stages with 80 % probability; None where not even 1 does."""
    if any(stage.least > stage.trials for stage in stages):
        return None

    def miss_rate(rate: float) -> float:
        return sum(1 - _visible_at(stage, rate) for stage in stages)

    low, high = before, 1.0
    if miss_rate(high) > 1 - POWER:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if miss_rate(middle) <= 1 - POWER else (middle, high)
    return high


def counts_needed(trials: int, n: int, past: PastCounts, rule: Rule, step: float, resolve: float) -> int | None:
    """How many more accepted sessions like those bring that rate down to `resolve`; None: not within the window."""

    def enough(total: int) -> bool:
        grown = replace(past, events=float(past.events) * total / n, trials=float(past.trials) * total / n)
        seen = detectable_rate(trials, grown, rule, step)
        return seen is not None and seen <= resolve

    found = _first(n, rule.window + 1, enough)
    return found - n if found <= rule.window else None


def _visible_at(stage: Stage, rate: float) -> float:
    mean = rate * stage.trials
    return float(negative_binomial_tail(stage.least, mean, mean / max(stage.factor - 1, _NO_SCATTER)))


def _first(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The smallest number above `low` that is enough; `high` where none below it is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
