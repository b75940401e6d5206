"""Figures that can be 0 (preemptions, queue time, goodput), compared as any other and never called within a step.

Idea: near 0 a ratio means nothing, far from it a fixed difference does. The logarithm of figure + shift is a difference
in steps near 0 and a ratio far from it, so the one rule for all gates judges it: its screen, its confirmation, its
level. What is less than a step is called nothing. Until its own sessions say otherwise, since sessions of 0 do not
scatter and prove little, a figure is taken to scatter by a quarter of a step near 0, and one that should be low like a
count of quarter steps above it.
Limits: figures in the metric's unit in, Comparison in that unit out; nothing raises for data. In between all is
shifted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_inferbench.stats.comparison import Comparison, Interval, Method, Record
from pytest_inferbench.stats.detectable import POWER
from pytest_inferbench.stats.distributions import normal_critical
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.moderation import assumed_prior
from pytest_inferbench.stats.paired import PLAN, judge_pairs
from pytest_inferbench.stats.sample import Note, orient, unorient
from pytest_inferbench.stats.shifted import down, up
from pytest_inferbench.stats.two_stage import prediction_factor
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import for_figure
from pytest_inferbench.units import Direction, Unit, Zero, format_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_inferbench.stats.history import History
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Pair
    from pytest_inferbench.stats.sequential import Looks

RESOLVE_STEPS = 2.0
"""OK is said where a worsening by so many steps would have been seen, or by `Rule.resolve` of the figure if more."""

_STATED_STEPS = 0.25
_CALLED = frozenset({Verdict.REGRESSED, Verdict.IMPROVED})
_LARGEST_RESOLVE = 1e6


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric's figures are shown and shifted.

    Attributes:
        direction: which way it is better.
        zero: its step and shift.
        unit: its unit.
    """

    direction: Direction
    zero: Zero
    unit: Unit

    @property
    def worse(self) -> float:
        """+1 where more is worse, else -1."""
        return 1.0 if self.direction is Direction.LOWER else -1.0

    def largest_allowed(self, baseline: float, rule: Rule) -> float:
        """The worsening that must have been visible, in the unit."""
        return max(RESOLVE_STEPS * self.zero.step, rule.resolve * abs(baseline))

    def shifted_rule(self, baseline: float, rule: Rule) -> Rule:
        """The rule with that as its `resolve` on the shifted scale."""
        level = up(baseline, self.zero) or self.zero.step
        other = level + self.worse * self.largest_allowed(baseline, rule)
        ratio = other / level if self.worse > 0 else level / max(other, level / _LARGEST_RESOLVE)
        return replace(rule, resolve=ratio - 1)

    def stated_sd(self, baseline: float) -> float:
        """How much sessions are taken to scatter, in the unit."""
        part = _STATED_STEPS * self.zero.step
        return math.sqrt(part * (part + (max(baseline, 0.0) if self.worse > 0 else 0.0)))

    def text(self, figure: float) -> str:
        """A figure with its unit."""
        return format_value(figure, self.unit)


def judge_steps(
    now: Sequence[float | None], history: History, rule: Rule, scale: Scale, rounds: Sequence[float | None] = ()
) -> Comparison:
    """Judge sessions of one day against the history, as `gate.judge` does.

    Args:
        now: the sessions' figures in the metric's unit.
        history: of shifted figures.
        rule: the gate's settings.
        scale: the metric's.
        rounds: the first session's figure in each of its rounds.
    """
    zero, prior, shifted_rule = scale.zero, assumed_prior(rule.kind), rule
    if history.n:
        level = unorient(history.location, history.direction)
        prior = replace(prior, sd=max(prior.sd, scale.stated_sd(level - zero.added) / level))
        shifted_rule = scale.shifted_rule(level - zero.added, rule)
    figures = [up(figure, zero) for figure in now]
    found = judge(figures, history, shifted_rule, prior, [up(figure, zero) for figure in rounds])
    if found.now is None or found.baseline is None:
        return replace(found, rule=rule, now=None if found.now is None else down(found.now, zero))
    factor = prediction_factor(found.n, 1 + rule.confirmations, rule.shared)
    told = _in_unit(found, rule, scale, float(factor))
    far = [abs(figure - (told.baseline or 0.0)) >= zero.step for figure in now if figure is not None]
    passed = found.screened and far[0]
    notes, called = told.notes, told.verdict in _CALLED
    if passed and found.k > 1 and not called:
        each = ", ".join(scale.text(figure) for figure in now if figure is not None)
        notes = (*notes, Note("not_confirmed", f"not confirmed: {each} in turn"))
    return replace(
        told,
        screened=passed,
        confirmed=called if passed and found.k > 1 else None,
        record=found.record if all(far) else Record.JOINS,
        wants_more=found.wants_more and passed,
        notes=notes,
    )


def judge_step_pairs(pairs: Sequence[Pair], rule: Rule, scale: Scale, *, looks: Looks = PLAN) -> Comparison:
    """Judge arm B against arm A, as `paired.judge_pairs` does.

    Args:
        pairs: (A's figure, B's figure) in the metric's unit.
        rule: the gate's settings.
        scale: the metric's.
        looks: the plan.
    """
    shifted = [(up(a, scale.zero), up(b, scale.zero)) for a, b in pairs]
    known = orient([a for a, b in shifted if a is not None and b is not None], scale.direction)
    level = unorient(float(known.mean()), scale.direction) if len(known) else math.nan
    shifted_rule = scale.shifted_rule(level - scale.zero.added, rule) if math.isfinite(level) else rule
    found = judge_pairs(shifted, scale.direction, shifted_rule, looks=looks)
    if found.now is None or found.baseline is None:
        return replace(found, rule=rule)
    told = _in_unit(found, rule, scale, 1 / math.sqrt(found.n))
    far = scale.worse * ((told.now or 0.0) - (told.baseline or 0.0)) >= scale.zero.step
    undecided = told.verdict is Verdict.INCONCLUSIVE or (told.verdict is Verdict.OK and far)
    return replace(told, screened=found.screened and far, wants_more=undecided and found.n < looks.most)


def _in_unit(found: Comparison, rule: Rule, scale: Scale, factor: float) -> Comparison:
    """A comparison of shifted figures told in the metric's unit; `factor`: SD of its estimate in those of a session."""
    zero = scale.zero
    level = found.baseline or zero.added
    baseline, now = down(level, zero), down(found.now or zero.added, zero)
    far = abs(now - baseline) >= zero.step
    seen = _visible_at(found, scale, factor)
    enough = found.detectable is not None and found.detectable <= found.rule.resolve and seen is not None
    verdict = found.verdict
    if verdict not in _CALLED or not far:
        verdict = Verdict.OK if enough else Verdict.INCONCLUSIVE
    notes = tuple(note for note in found.notes if note.code != "not_confirmed")
    shown = baseline >= zero.step and now > 0  # else a ratio says nothing
    if not shown:
        told = f"{scale.text(now)} now, {scale.text(baseline)} before; less than {scale.text(zero.step)} is no change"
        notes = (*notes, Note("steps", told))

    def ratio(shifted_ratio: float) -> float:
        return max(0.0, (level * shifted_ratio - zero.added) / baseline)

    return replace(
        found,
        verdict=verdict,
        rule=rule,
        baseline=baseline,
        now=now,
        change=_change(found.change, ratio) if shown and found.change else None,
        sessions=tuple(ratio(each) for each in found.sessions) if shown else (),
        spread=None,
        detectable=None,
        detectable_at=seen,
        needed=found.needed if verdict is Verdict.INCONCLUSIVE else None,
        remedy=_remedy(found, baseline, seen, rule, scale) if verdict is Verdict.INCONCLUSIVE else "",
        notes=notes,
    )


def _remedy(found: Comparison, baseline: float, seen: float | None, rule: Rule, scale: Scale) -> str:
    """What would decide an INCONCLUSIVE, or why nothing does."""
    if seen is None:
        return f"{scale.text(baseline)} is too near 0 for a fall of {scale.text(scale.zero.step)} to be seen"
    asked = baseline + scale.worse * scale.largest_allowed(baseline, rule)
    unit = "session" if found.method is Method.HISTORY else "pair"
    return for_figure(scale.text(max(asked, 0.0)), found.needed, unit)


def _change(change: Interval, ratio: Callable[[float], float]) -> Interval:
    return Interval(ratio(change.ratio), ratio(change.low), ratio(change.high), change.level)


def _visible_at(found: Comparison, scale: Scale, factor: float) -> float | None:
    """The figure that would have been called with 80 % probability; None where it would lie below 0."""
    if found.detectable is None or found.spread is None or found.baseline is None:
        return None
    level, zero = found.baseline, scale.zero
    far = level * found.detectable if scale.worse > 0 else level * found.detectable / (1 + found.detectable)
    least = zero.step + float(normal_critical(1 - POWER)) * found.spread.sd * factor * level
    seen = down(level, zero) + scale.worse * max(far, least)
    return seen if scale.worse > 0 or seen >= 0 else None
