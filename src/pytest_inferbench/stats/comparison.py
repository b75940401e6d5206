"""What one gate's comparison found: everything a report prints of it.

Limits: frozen, plain Python types, None for what does not exist. Ratios are new / old in the metric's own terms;
whatever is called a worsening (margin, detectable) is relative and positive whichever way the metric is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_inferbench.stats.sample import Note, unorient
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from pytest_inferbench.stats.moderation import Spread
    from pytest_inferbench.stats.order import Order
    from pytest_inferbench.stats.rule import Rule


class Method(StrEnum):
    """What the new figure was compared with."""

    HISTORY = "history"
    PAIRS = "pairs"


class Record(StrEnum):
    """What becomes of a session that is accepted, as far as one of its gates says."""

    JOINS = "joins"  # the level
    WORSE = "worse"  # it waits: further days have to say whether it is of a worse level ...
    BETTER = "better"  # ... or of a better one
    OPENS = "opens"  # a level of its own, which an improvement was measured to be
    RETURNS = "returns"  # to the level before an improvement that did not last


@dataclass(frozen=True, slots=True)
class Interval:
    """A change with its interval, as ratios new / old in the metric's own terms.

    Attributes:
        ratio: the estimate.
        low, high: the interval's ends, low <= ratio <= high.
        level: its confidence; 1 - 2 alpha / m, so that it leaves out 1 exactly where the change is significant.
    """

    ratio: float
    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One gate, judged.

    Attributes:
        method: history or pairs.
        verdict: REGRESSED, IMPROVED, OK, INCONCLUSIVE, NEW or INVALID.
        equivalent: the whole interval lies within the margin.
        direction: which way the metric is better.
        rule: the settings it was judged by (margin, resolve, alpha, m, c, ...).
        alpha_each: the level of this gate; at this look, where pairs are added until decided.
        baseline, now: geometric means of what was compared, in the metric's unit.
        change: estimate and interval.
        n: accepted sessions of the current segment, or pairs.
        days: days that those sessions are of; None for pairs.
        k: sessions judged against them (1 + confirmations made); 1 for pairs.
        spread: the noise it was judged with, and where that comes from.
        p: one-sided p-value of a worsening; on the moderated t, before any correction for m.
        sign_flip_p: the same from all sign flips of the pairs; None with fewer than 6 pairs, or with history.
        screened: stage 1 was passed, in either direction: beyond the margin and significant at `alpha_screen`.
        confirmed: what further sessions said of what had screened; None where none was made.
        together: days in a row that were judged together, today's included; 0 where today was judged alone.
        record: what becomes of today's session if it is accepted.
        sessions: each judged session's ratio new / old, in order; of pairs without what their order did.
        order: what the order within the pairs did, over all gates; None where it is not known, or with history.
        detectable: the worsening that would have been called with 80 % probability.
        detectable_at: the same as the metric's own figure, where a share of a baseline that can be 0 says nothing.
        needed: how many more sessions or pairs would decide an INCONCLUSIVE; None where none would.
        remedy: what would decide an INCONCLUSIVE, in words; "" of what is decided.
        wants_more: a further session, on a fresh server, or another pair should be measured before this stands.
        false_alarm: upper bound of this gate's own false-alarm probability in one run.
        notes: what a reader must know besides.
    """

    method: Method
    verdict: Verdict
    direction: Direction
    rule: Rule
    alpha_each: float
    equivalent: bool = False
    baseline: float | None = None
    now: float | None = None
    change: Interval | None = None
    n: int = 0
    days: int | None = None
    k: int = 0
    spread: Spread | None = None
    p: float | None = None
    sign_flip_p: float | None = None
    screened: bool = False
    confirmed: bool | None = None
    together: int = 0
    record: Record = Record.JOINS
    sessions: tuple[float, ...] = ()
    order: Order | None = None
    detectable: float | None = None
    detectable_at: float | None = None
    needed: int | None = None
    remedy: str = ""
    wants_more: bool = False
    false_alarm: float | None = None
    notes: tuple[Note, ...] = ()

    @property
    def worsening(self) -> float | None:
        """The estimate as a relative worsening: +.05 is 5 % worse, negative is better."""
        if self.change is None:
            return None
        ratio = self.change.ratio
        return (ratio if self.direction is Direction.LOWER else 1 / ratio) - 1


def interval(estimate: float, half_width: float, alpha: float, direction: Direction) -> Interval:
    """An oriented log change +- half a width, in the metric's own terms."""
    ends = sorted(unorient(estimate + side * half_width, direction) for side in (-1, 1))
    return Interval(unorient(estimate, direction), ends[0], ends[1], 1 - 2 * alpha)


def decide(*, worse: bool, better: bool, enough: bool) -> Verdict:
    """The verdict of a comparison; `enough`: its detectable change is within `resolve`."""
    if worse:
        return Verdict.REGRESSED
    if better:
        return Verdict.IMPROVED
    return Verdict.OK if enough else Verdict.INCONCLUSIVE
