"""The accepted sessions of one metric: where it stands and how it scatters.

Idea: the location comes from the current segment, the scatter from within all segments in the window, so an accepted
upgrade moves the one and does not forget the other. Days count, not sessions (`days`). Sessions at its end that look
like another level wait: they count for the scatter and not yet for the location (`standing`).
Limits: a session without a usable figure is left out and counted; nothing is filled in.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.days import plan
from pytest_inferbench.stats.moderation import OwnSpread
from pytest_inferbench.stats.rounds import RoundScatter, scatter_of
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, ASSUMED_SHARED
from pytest_inferbench.stats.sample import Note, orient, usable
from pytest_inferbench.stats.standing import TRIAL_DAYS
from pytest_inferbench.stats.ties import rounding_variance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.days import Plan
    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Past
    from pytest_inferbench.units import Direction


@dataclass(frozen=True, slots=True)
class Waiting:
    """The sessions that wait for what further days say.

    Attributes:
        days: how many days they are of.
        distance: sum over those days of their mean's oriented distance from the location.
        variance, df: the spread that takes them as a level of their own.
    """

    days: int
    distance: float
    variance: float
    df: float


@dataclass(frozen=True, slots=True)
class Earlier:
    """The level before one that an improvement opened and that is still on trial.

    Attributes:
        since: the day of the improvement, for people.
        shift: its location less the current one.
        worth: what it is worth, in sessions on days of their own.
    """

    since: str
    shift: float
    worth: float


@dataclass(frozen=True, slots=True)
class History:
    """The accepted sessions of one metric, summarised.

    Attributes:
        direction: which way the metric is better.
        n: sessions of the current segment, without those that wait.
        location: mean of the oriented logs of those that make the level; NaN where n is 0.
        variance: pooled within-segment variance of all sessions; 0 without degrees of freedom.
        df: its degrees of freedom.
        worth: what the location is worth, in sessions on days of their own.
        days: the days that its sessions are of.
        notes: what was left out, and what a reader must know of the rest.
        sessions: those that count, oldest first.
        waiting: those at their end that do not make the level yet.
        earlier: the level before, where an improvement is on trial.
    """

    direction: Direction
    n: int
    location: float
    variance: float
    df: float
    worth: float = 0.0
    days: int = 0
    notes: tuple[Note, ...] = ()
    sessions: tuple[Past, ...] = ()
    waiting: Waiting | None = None
    earlier: Earlier | None = None

    def rounds(self, resemblance: float = 0.0, today: Sequence[float | None] = ()) -> RoundScatter:
        """What the scatter of those sessions' rounds, and of today's, alone makes of a session's figure.

        Args:
            resemblance: correlation of successive rounds.
            today: the figure in each round of today's session.
        """
        rounds, whole = [each.rounds for each in self.sessions], [each.pooled for each in self.sessions]
        return scatter_of([*rounds, today], resemblance, whole=[*whole, self.of_all_requests])

    @property
    def current(self) -> Floats:
        """The oriented logs of the current segment's sessions, oldest first."""
        values = [session.value for session in self.sessions if session.segment == self.sessions[-1].segment]
        return orient(values, self.direction)

    @property
    def of_all_requests(self) -> bool:
        """Whether its figures are over all requests of a session, and not medians of rounds."""
        return not self.sessions or self.sessions[-1].pooled

    def own_spread(self, case: str, rule: Rule, metric: str = "") -> OwnSpread:
        """This gate's part in the pool that `moderation.priors` reads."""
        return OwnSpread(case, rule.kind, self.variance, self.df, metric)

    def under(self, rule: Rule) -> History:
        """The same by the rule's c, which matters where a day has several sessions."""
        if len(set(_days(self.sessions))) == len(self.sessions):
            return self
        found = read_history(self.sessions, self.direction, len(self.sessions), rule.shared, rule.shared_doubt)
        return replace(found, notes=self.notes)


def read_history(
    past: Sequence[Past],
    direction: Direction,
    window: int,
    shared: float = ASSUMED_SHARED,
    doubt: float = ASSUMED_DOUBT,
) -> History:
    """Summarise accepted sessions, oldest first; only the last `window` with a usable figure count.

    Args:
        past: the sessions; of one segment after the other.
        direction: which way the metric is better.
        window: how many count.
        shared: c.
        doubt: the variance of log(1 - c).
    """
    logs = orient([session.value for session in past], direction)
    known = np.isfinite(logs)
    kept = [(log, session) for log, session, use in zip(logs, past, known, strict=True) if use][-window:]
    dropped = len(past) - int(known.sum())
    notes: tuple[Note, ...] = ()
    if dropped:
        notes = (Note("unusable_history", f"{dropped} of {len(past)} accepted sessions have no usable figure"),)
    # A segment opened by a session without a figure has nothing to compare with yet.
    if not kept or kept[-1][1].segment != past[-1].segment:
        return History(direction, 0, math.nan, 0.0, 0, notes=notes)
    logs = np.asarray([log for log, _ in kept])
    found = _Sums(logs, tuple(session for _, session in kept), shared, doubt).history(direction)
    return replace(found, notes=(*notes, *found.notes))


class _Sums:
    """What the sessions come to; all have a figure, and the last one's segment is the current one."""

    def __init__(self, logs: Floats, sessions: tuple[Past, ...], shared: float, doubt: float) -> None:
        self._logs, self._sessions, self._c = logs, sessions, (shared, doubt)
        self._segments = tuple(session.segment for session in sessions)
        self._days = _days(sessions)
        self._floor = _rounding(sessions)
        self._here = [at for at, segment in enumerate(self._segments) if segment == self._segments[-1]]

    def history(self, direction: Direction) -> History:
        """All of it."""
        here, since, waiting = self._here, self._sessions[-1].improved, _waiting(self._sessions, self._here)
        level = [at for at in here if at not in waiting]
        believed = len({self._days[at] for at in level}) >= TRIAL_DAYS
        if since and believed:
            level = level[1:]  # the session that opened it was chosen for its luck
        made = self._plan(self._segments, level)
        location, days = float(made.level(self._logs)), len({self._days[at] for at in here})
        notes: tuple[Note, ...] = ()
        if days == 1 < len(here):
            message = f"its {len(here)} accepted sessions are of one day and count as {made.n:.1f}"
            notes = (Note("one_day", f"{message}; accept some of other days"),)
        return History(
            direction,
            len(here) - len(waiting),
            location,
            self._variance(made),
            made.df,
            made.n,
            days,
            notes,
            self._sessions,
            self._set_apart(waiting, location) if waiting else None,
            self._earlier(since, location) if since and not believed else None,
        )

    def _plan(self, segments: tuple[int, ...], level: Sequence[int]) -> Plan:
        chosen = set(level)
        return plan(segments, self._days, tuple(at in chosen for at in range(len(segments))), *self._c)

    def _variance(self, made: Plan) -> float:
        return max(float(made.variance(self._logs)), self._floor) if made.df else 0.0

    def _set_apart(self, waiting: Sequence[int], location: float) -> Waiting:
        """The sessions that wait, and the spread without their distance."""
        apart = tuple(-1 if at in waiting else segment for at, segment in enumerate(self._segments))
        made = self._plan(apart, waiting)
        of_day: dict[int, list[float]] = {}
        for at in waiting:
            of_day.setdefault(self._days[at], []).append(float(self._logs[at]) - location)
        distance = sum(statistics.fmean(found) for found in of_day.values())
        return Waiting(len(of_day), distance, self._variance(made), made.df)

    def _earlier(self, since: str, location: float) -> Earlier | None:
        """The level before the current segment; None where none is known any more."""
        before = [segment for segment in self._segments if segment != self._segments[-1]]
        if not before:
            return None
        made = self._plan(self._segments, [at for at, each in enumerate(self._segments) if each == before[-1]])
        return Earlier(since, float(made.level(self._logs)) - location, made.n)


def _days(sessions: Sequence[Past]) -> tuple[int, ...]:
    """The day of each session; one that is of no known day is alone on its own."""
    return tuple(-1 - at if session.day is None else session.day for at, session in enumerate(sessions))


def _waiting(sessions: Sequence[Past], here: Sequence[int]) -> list[int]:
    """Places of the sessions at the end of the current segment that wait in one direction; never all of it."""
    found: list[int] = []
    for at in reversed(here[1:]):
        way = sessions[at].aside
        if not way or (found and way != sessions[found[0]].aside):
            break
        found.append(at)
    return found


def _rounding(sessions: Sequence[Past]) -> float:
    """The variance that rounding leaves where figures are equal; 0 where none are."""
    figures = [session.value for session in sessions if session.value is not None]
    if len(set(figures)) == len(figures):
        return 0.0
    rounds = [figure for session in sessions for figure in session.rounds if usable(figure) and figure is not None]
    return float(rounding_variance(np.asarray([*figures, *rounds])))
