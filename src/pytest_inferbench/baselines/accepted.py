"""What is accepted of a case on one hardware: derived from its lines, and stored nowhere.

Idea: segments tell sessions of one level from those of another; the newest one is what a new session is compared
with. Sessions are put in order by their segment and date, since a merge leaves the lines of two branches in any.
Limits: pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pytest_inferbench.baselines.lines import FIRST, LeftOut, Line, Noise, Segment, Session
from pytest_inferbench.baselines.tails import Place, are_pooled, past_of, way_of
from pytest_inferbench.stats.counts import Count
from pytest_inferbench.stats.days import days_of
from pytest_inferbench.stats.history import History, read_history
from pytest_inferbench.stats.shifted import shift
from pytest_inferbench.units import Direction, Zero

REFERENCE_SESSIONS: Final = 3
"""How many sessions of a level a relative budget is reckoned from."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One case on one hardware.

    Attributes:
        sessions: of the first segment first; within one, the oldest first.
        segments: those that a line opened, the oldest first.
        noise: what its latest A/A run measured; None without one.
    """

    sessions: tuple[Session, ...] = ()
    segments: tuple[Segment, ...] = ()
    noise: Noise | None = None
    _memo: dict[tuple[str, Direction, int, Zero | None] | None, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # what was asked for: a case is judged by its own histories, and other cases learn from them

    def history(self, metric: str, direction: Direction, window: int, zero: Zero | None = None) -> History:
        """The sessions of `metric.statistic` for a comparison that looks at the last `window` of them.

        Figures that can be 0 are shifted in it as `zero` says (`stats.shifted`).
        """
        asked = (metric, direction, window, zero)
        if asked not in self._memo:
            past, notes = past_of(metric, self._places)
            if zero is not None and zero.counted:
                past = [replace(each, value=_rate(session)) for each, session in zip(past, self.sessions, strict=True)]
            history = read_history(past if zero is None else [shift(each, zero) for each in past], direction, window)
            self._memo[asked] = replace(history, notes=(*history.notes, *notes))
        found: History = self._memo[asked]
        return found

    @property
    def _places(self) -> list[Place]:
        """Each session with what is known of its place among the others."""
        if None not in self._memo:
            days, numbers = days_of([each.moment for each in self.sessions]), self.numbers
            order = _order(self.segments)
            since = {order[each.id]: each.date.partition("T")[0] for each in self.segments if each.how == "improved"}
            # A level that returned has taken the improvement up again.
            since |= {order[each.id]: "" for each in self.segments if each.how == "returned"}
            self._memo[None] = [
                Place(each, number, day, since.get(number, ""))
                for each, number, day in zip(self.sessions, numbers, days, strict=True)
            ]
        places: list[Place] = self._memo[None]
        return places

    def counts(self) -> list[Count | None]:
        """How many requests failed of how many in each session; None where its line does not say."""
        return [
            None if session.failed is None or session.issued is None else Count(session.failed, session.issued, number)
            for session, number in zip(self.sessions, self.numbers, strict=True)
        ]

    @property
    def arguments(self) -> dict[str, dict[str, str]]:
        """Server arguments by their hash; of those that some line has."""
        return {each.server_args_hash: each.server_args for each in self.sessions if each.server_args is not None}

    def has_day_of(self, moment: datetime) -> bool:
        """Whether a session then would be of the same day as the last one."""
        moments = sorted(each.moment for each in self.sessions)
        days = days_of([*moments, moment])
        return bool(moments) and days[-1] == days[-2]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of the case's segments each of the sessions belongs to, from 1."""
        order = _order(self.segments)
        return tuple(order[each.segment] for each in self.sessions)

    @property
    def segment(self) -> tuple[Session, ...]:
        """The sessions of the newest segment that has some."""
        numbers = self.numbers
        return tuple(each for each, number in zip(self.sessions, numbers, strict=True) if number == numbers[-1])

    def waiting(self, metric: str) -> tuple[Session, ...]:
        """The sessions at the end of it that wait, in one direction, for what further days say of a metric."""
        found: list[Session] = []
        for each in reversed(self.segment[1:]):
            way = way_of(each, metric)
            if not way or (found and way != way_of(found[0], metric)):
                break
            found.insert(0, each)
        return tuple(found)

    @property
    def level(self) -> tuple[Session, ...]:
        """The sessions since a person last set the level anew, whatever segments were opened for other reasons."""
        order = _order(self.segments)
        start = max((order[each.id] for each in self.segments if each.how == "reseat"), default=order[FIRST])
        return tuple(each for each in self.sessions if order[each.segment] >= start)

    def with_lines(self, lines: Iterable[Line]) -> Accepted:
        """The same after these lines were added."""
        own = (*self.sessions, *self.segments, *((self.noise,) if self.noise else ()))
        return _case([*own, *lines])

    def before(self, moment: datetime) -> Accepted:
        """What was accepted until then."""
        sessions = tuple(each for each in self.sessions if each.moment < moment)
        return Accepted(sessions, tuple(each for each in self.segments if each.moment < moment))

    def of_segments_before(self, moment: datetime) -> Accepted:
        """The same without the segments that were opened later, and their sessions."""
        segments = tuple(each for each in self.segments if each.moment < moment)
        order = _order(segments)
        return Accepted(tuple(each for each in self.sessions if each.segment in order), segments, self.noise)

    def figures(self, gates: Iterable[str]) -> dict[str, float]:
        """The median of each gate over the newest segment, without what waits; only of those that a session has."""
        values = {gate: self._values(gate) for gate in gates}
        return {gate: statistics.median(found) for gate, found in values.items() if found}

    def _values(self, gate: str) -> list[float]:
        segment = self.segment
        pooled = are_pooled(gate, segment)
        counted = segment[: len(segment) - len(self.waiting(gate))]
        return [value for each in counted if (value := each.value(gate, pooled=pooled)) is not None]


def _rate(session: Session) -> float | None:
    return None if session.failed is None or not session.issued else session.failed / session.issued


@dataclass(frozen=True, slots=True)
class Reference:
    """What a relative budget is a share of.

    Attributes:
        value: the mean of those sessions, in the metric's unit.
        sessions: the first that have the metric, of the first segment of the level that has some; the oldest first.
    """

    value: float
    sessions: tuple[Session, ...]


def reference(level: Sequence[Session], metric: str) -> Reference | None:
    """The accepted figure that relative budgets of a metric start from; None where no session has it (or it is 0).

    Args:
        level: sessions since the level was set, the oldest first, all comparable with what is judged.
        metric: `metric.statistic`, or `metric` for a single figure.
    """
    # Without those that looked like another level: whether they count later must move no budget.
    known = [(value, each) for each in level if not each.aside and (value := each.value(metric))]
    # Of one segment: a regression that was accepted opens another, and moves nothing where there is one before it.
    own = [(value, each) for value, each in known if each.segment == known[0][1].segment][:REFERENCE_SESSIONS]
    if not own:
        return None
    return Reference(statistics.fmean(value for value, _ in own), tuple(each for _, each in own))


def accepted_cases(lines: Iterable[Line]) -> dict[str, Accepted]:
    """The cases of a file by their keys, in the order in which it first has them.

    Args:
        lines: all of them; each session's segment is opened by one, or is the first.
    """
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.key, []).append(line)
    return {key: _case(own) for key, own in found.items()}


def _case(lines: Sequence[Line]) -> Accepted:
    lines = sorted(lines, key=lambda line: line.moment)
    segments = tuple(line for line in lines if isinstance(line, Segment))
    out = {run for line in lines if isinstance(line, LeftOut) for run in line.sessions}
    taken = {run: segment.id for segment in segments for run in segment.takes or ()}
    order = _order(segments)
    sessions = [
        line.model_copy(update={"segment": taken[line.id]}) if line.id in taken else line
        for line in lines
        if isinstance(line, Session) and line.id not in out
    ]
    noise = [line for line in lines if isinstance(line, Noise)]
    sessions.sort(key=lambda line: order[line.segment])
    return Accepted(tuple(sessions), segments, noise[-1] if noise else None)


def _order(segments: Sequence[Segment]) -> Mapping[str, int]:
    """The number of each segment; one that returned, and the improvement that did not last, are the one before."""
    order = {FIRST: 1}
    current, before = FIRST, FIRST
    for number, segment in enumerate(segments, start=2):
        if segment.how == "returned":
            order[segment.id] = order[current] = order[before]
        else:
            order[segment.id] = number
            before = current
        current = segment.id
    return order
