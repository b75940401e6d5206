"""How today stands to the accepted level: beyond it for good, beyond it perhaps, or at it.

Idea: one day that screens and is repeated, but is not called, may be an early sign of another level. If it joined the
level at once it would hide what comes after; if it never joined, the level's scatter would be that of the luckiest
nights. So it waits: it counts for the scatter at once, and for the level unless further days screen as well. From the
third such day on they are judged together, as one mean over days, at the same alpha / m.
An improvement that a fresh server repeats opens a segment. A lucky day can look like one, so while the new segment is
on trial (fewer than `TRIAL_DAYS` days) a regression must lie beyond the level before it too; what lies beyond the new
one alone says that the improvement may be gone, and on the third day that it is: the level of before is taken up again.
Limits: elementwise on arrays (..., gates), differences (..., gates, k) are oriented logs from the level. Callers keep
what comes of it; nothing here knows files or dates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.two_stage import hurdles, is_called, passes_screen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.two_stage import Flags, Hurdles

TOGETHER_DAYS: Final = 3
"""Days in a row, today's included, that screen in one direction before they are judged together."""

TRIAL_DAYS: Final = 3
"""Days of a segment that an improvement opened, before it is believed on its own."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is accepted, each a figure or an array over gates.

    Attributes:
        n: sessions, on days of their own, that the level is worth.
        sd, df: the moderated spread, waiting sessions counted where they lie.
        sd_apart, df_apart: the same with waiting sessions taken as a level of their own.
        waiting: sum over the waiting days of their distances from the level; + is worse.
        days: how many days wait.
        shift: how much worse the level before the one on trial was; NaN where none is on trial.
        n_earlier: what that level is worth.
        same_day: 1 where today is the last of the waiting days, else 0.
    """

    n: FloatLike
    sd: FloatLike
    df: FloatLike
    sd_apart: FloatLike
    df_apart: FloatLike
    waiting: FloatLike = 0.0
    days: FloatLike = 0
    shift: FloatLike = math.nan
    n_earlier: FloatLike = 1.0
    same_day: FloatLike = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is said of today, each an array over gates.

    Attributes:
        limits: the hurdles of today alone.
        screened: today's first session is worth measuring again, in either direction.
        regressed: worse for good.
        improved: better; whether it opens a segment says `opens`.
        gone: beyond the level on trial, and not beyond the one before it.
        opens: better on a fresh server too, or for days: a level of its own.
        returns: the level on trial did not last: the one before it is taken up again.
        aside: +1 or -1 where today's session has to wait, worse or better; else 0.
        together: days judged together, today's included; 0 where today was judged alone.
    """

    limits: Hurdles
    screened: Flags
    regressed: Flags
    improved: Flags
    gone: Flags
    opens: Flags
    returns: Flags
    aside: NDArray[np.int64]
    together: NDArray[np.int64]


def stand(away: Floats, before: Before, rule: Rule) -> Standing:
    """Judge sessions of today (..., k), the test's own first, by how far they are away from the level."""
    limits = hurdles(before.sd, before.df, before.n, away, rule)
    if before.sd_apart is not before.sd:
        # A day that waits must not hide the next one: what screens is told by the spread without its distance.
        apart = hurdles(before.sd_apart, before.df_apart, before.n, away, rule)
        limits = replace(limits, screen=apart.screen)
    worse, better = _is_repeated(away, limits, rule), _is_repeated(-away, limits, rule)
    days = np.asarray(before.days) + 1
    enough = days - np.asarray(before.same_day) >= TOGETHER_DAYS
    way = np.sign(before.waiting)
    days_worse, days_better = enough & (way > 0) & worse, enough & (way < 0) & better
    if days_worse.any() or days_better.any():
        days_worse &= _beyond(away, before, rule, 1)
        days_better &= _beyond(away, before, rule, -1)
    up, improved = is_called(away, limits) | days_worse, is_called(-away, limits) | days_better
    trial = np.isfinite(np.asarray(before.shift))
    gone = up & trial
    if gone.any():
        gone &= ~_beyond_earlier(away, before, rule, days_worse)
    regressed, returns = up & ~gone, gone & days_worse
    opens = improved & (days_better | (away.shape[-1] > 1))
    aside = np.where(worse & ~regressed & ~returns, 1, 0) - np.where(better & ~opens, 1, 0)
    return Standing(
        limits,
        passes_screen(away, limits) | passes_screen(-away, limits),
        regressed,
        improved,
        gone,
        opens,
        returns,
        aside,
        np.where(days_worse | days_better, days, 0).astype(np.int64),
    )


def _is_repeated(away: Floats, limits: Hurdles, rule: Rule) -> Flags:
    """Whether today screens, and the fresh server says so too, if by less."""
    found = passes_screen(away, limits) & (away.mean(axis=-1) > rule.log_margin)
    return np.asarray(found if away.shape[-1] == 1 else found & (away[..., -1] > limits.last))


def _beyond(away: Floats, before: Before, rule: Rule, way: int) -> Flags:
    """Whether the waiting days and today, as one mean over days, lie beyond the level."""
    days = np.asarray(before.days) + 1
    mean = way * (np.asarray(before.waiting) + away.mean(axis=-1)) / days
    return np.asarray(mean > _hurdle(before, before.n, days, away.shape[-1], rule))


def _beyond_earlier(away: Floats, before: Before, rule: Rule, together: Flags) -> Flags:
    """The same of the level before the one on trial; by today alone, or by all days together where there are enough."""
    shift = np.nan_to_num(np.asarray(before.shift))
    alone = is_called(away - shift[..., None], hurdles(before.sd, before.df, before.n_earlier, away, rule))
    days = np.asarray(before.days) + 1
    mean = (np.asarray(before.waiting) + away.mean(axis=-1)) / days - shift
    return np.asarray(alone | (together & (mean > _hurdle(before, before.n_earlier, days, away.shape[-1], rule))))


def _hurdle(before: Before, n: FloatLike, days: FloatLike, k: int, rule: Rule) -> Floats:
    """What a mean over days must exceed: each waiting day is one session, today has k of them."""
    today = rule.shared + (1 - rule.shared) / k
    factor = np.sqrt((np.asarray(days) - 1 + today) / np.square(days) + 1 / np.asarray(n, dtype=np.float64))
    half_width = t_critical(rule.alpha_each, before.df_apart) * np.asarray(before.sd_apart) * factor
    return np.asarray(half_width + rule.log_margin if rule.strict else np.maximum(half_width, rule.log_margin))
