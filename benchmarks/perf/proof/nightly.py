"""Night after night: sessions are judged, recorded as an update records them, and judged against by the next ones.

Limits: judged by the package's own functions on arrays (runs, gates, ...); only windows and segments are kept here,
since every run has its own. A test holds them against `baselines` and `judge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from pytest_inferbench.stats.moderation import STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.standing import TRIAL_DAYS, Before, Standing, stand


@dataclass
class Store:
    """What is accepted in each run: arrays (runs, gates, nights), a session a night; the gates of a case go together.

    Attributes:
        case: the case of each gate.
        window: how many sessions count.
    """

    runs: int
    case: np.ndarray
    nights: int
    window: int = 20

    def __post_init__(self) -> None:
        shape = (self.runs, len(self.case), self.nights)
        self.figures = np.zeros(shape)
        self.kept = np.zeros(shape, bool)
        self.segment = np.zeros(shape, int)
        self.aside = np.zeros(shape, int)
        self.current = np.zeros(shape[:2], int)
        self.opened = np.zeros(shape[:2], bool)
        self.night = 0
        self._others = (self.case[:, None] != self.case[None, :]).astype(float)

    def start(self, figures: np.ndarray) -> None:
        """The first session: there is nothing to judge it by."""
        self.figures[..., 0], self.kept[..., 0], self.night = figures, True, 1

    def any_of_case(self, flags: np.ndarray) -> np.ndarray:
        """Whether any gate of its case has the flag, for each gate."""
        found = np.zeros_like(flags)
        for case in np.unique(self.case):
            found[:, self.case == case] = flags[:, self.case == case].any(axis=1, keepdims=True)
        return found

    def waiting(self) -> np.ndarray:
        """The sessions at the end of each gate's current segment that wait in one direction."""
        used, run = np.zeros_like(self.kept), np.ones(self.current.shape, bool)
        way = np.zeros(self.current.shape, int)
        for night in reversed(range(self.night)):
            here = self.kept[..., night]
            aside = self.aside[..., night]
            same = (self.segment[..., night] == self.current) & (aside != 0) & ((way == 0) | (aside == way))
            used[..., night] = here & run & same
            way = np.where(used[..., night], aside, way)
            run &= ~here | same
        return used

    def before(self) -> tuple[Before, np.ndarray]:
        """What is accepted now, and the level of each gate."""
        rank = self.kept[..., ::-1].cumsum(axis=-1)[..., ::-1]
        used = self.kept & (rank <= self.window)
        waiting = self.waiting() & used
        here = used & (self.segment == self.current[..., None])
        level = here & ~waiting
        full = level.sum(axis=-1)
        lucky = (self.opened & (full >= TRIAL_DAYS))[..., None] & (level.cumsum(axis=-1) == 1)
        level &= ~lucky
        n = level.sum(axis=-1)
        location = _mean(self.figures, level)
        variance, df = self._scatter(used, self.segment)
        apart, apart_df = self._scatter(used, np.where(waiting, -1, self.segment))
        sd, total = self._moderated(variance, df)
        sd_apart, total_apart = self._moderated(apart, apart_df)
        lower = np.where(used & (self.segment < self.current[..., None]), self.segment, -1)
        earlier = used & (self.segment == lower.max(axis=-1)[..., None]) & (lower >= 0)
        trial = self.opened & (full < TRIAL_DAYS) & earlier.any(axis=-1)
        return Before(
            np.maximum(n, 1),
            sd,
            total,
            sd_apart,
            total_apart,
            np.where(waiting, self.figures - location[..., None], 0.0).sum(axis=-1),
            waiting.sum(axis=-1),
            np.where(trial, _mean(self.figures, earlier) - location, math.nan),
            np.maximum(earlier.sum(axis=-1), 1),
        ), location

    def record(self, figures: np.ndarray, found: Standing) -> None:
        """Record the first session of a night, as an update does."""
        regressed = self.any_of_case(found.regressed)
        waits = self.waiting()
        out = waits & (found.regressed[..., None]) & (self.aside > 0)
        for night in range(self.night):
            self.kept[..., night] &= ~self.any_of_case(out[..., night])
        opens = self.any_of_case(found.opens) & ~regressed
        returns = self.any_of_case(found.returns) & ~regressed & ~opens
        lower = np.where(self.kept & (self.segment < self.current[..., None]), self.segment, -1).max(axis=-1)
        new = np.where(returns, lower, self.current + opens)
        taken = waits & found.opens[..., None] & (self.aside < 0)
        for night in range(self.night):
            own = self.any_of_case(taken[..., night])
            back = returns & (self.segment[..., night] == self.current)
            self.segment[..., night] = np.where(own | back, new, self.segment[..., night])
        self.current = new
        self.opened = np.where(opens, True, np.where(returns, False, self.opened))
        self.figures[..., self.night] = figures
        self.kept[..., self.night] = ~regressed
        self.segment[..., self.night] = self.current
        self.aside[..., self.night] = np.where(opens | returns, 0, found.aside)
        self.night += 1

    def _scatter(self, used: np.ndarray, segment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total, df = np.zeros(self.current.shape), np.zeros(self.current.shape)
        for each in np.unique(segment[used]) if used.any() else ():
            part = used & (segment == each)
            away = np.where(part, self.figures - _mean(self.figures, part)[..., None], 0.0)
            total += (away**2).sum(axis=-1)
            df += np.maximum(part.sum(axis=-1) - 1, 0)
        return total / np.maximum(df, 1), df

    def _moderated(self, variance: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale, prior_df = fit_priors(variance, df, self._others, STATED_SD[Kind.TYPICAL])
        variance, total = posterior(variance, df, scale, prior_df)
        return np.sqrt(variance), total


def judge_night(store: Store, sessions: np.ndarray, rule: Rule) -> Standing:
    """Judge a night's sessions (runs, gates, k) as a run does: what does not screen is measured once."""
    before, level = store.before()
    away = sessions - level[..., None]
    first = stand(away[..., :1], before, rule)
    if sessions.shape[-1] == 1:
        return first
    again, both = store.any_of_case(first.screened), stand(away, before, rule)
    flags = ("regressed", "improved", "gone", "opens", "returns")
    told = {name: again & getattr(both, name) for name in flags}  # what did not screen is nothing of all that
    return replace(first, **told, aside=np.where(again, both.aside, 0))


def _mean(figures: np.ndarray, part: np.ndarray) -> np.ndarray:
    return np.where(part, figures, 0.0).sum(axis=-1) / np.maximum(part.sum(axis=-1), 1)
