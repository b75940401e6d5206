"""What is accepted of a case on one hardware: derived from its lines, and stored nowhere.

Idea: segments tell sessions of one level from those of another; the newest one is what a new session is compared
with. Sessions are put in order by their segment and date, since a merge leaves the lines of two branches in any.
Law: pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pytest_inferbench.baselines.lines import FIRST, LeftOut, Line, Noise, Segment, Session
from pytest_inferbench.stats.days import days_of
from pytest_inferbench.stats.history import History, read_history
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.units import Direction

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
    _memo: dict[tuple[str, Direction, int] | None, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # what was asked for: a case is judged by its own histories, and other cases learn from them

    def history(self, metric: str, direction: Direction, window: int) -> History:
        """The sessions of `metric.statistic` for a comparison that looks at the last `window` of them."""
        asked = (metric, direction, window)
        if asked not in self._memo:
            past = [
                Past(each.value(metric), number, each.rounds.get(metric, ()), day, _way(each, metric), since)
                for each, number, day, since in self._places
            ]
            self._memo[asked] = read_history(past, direction, window)
        found: History = self._memo[asked]
        return found

    @property
    def _places(self) -> list[tuple[Session, int, int, str]]:
        """Each session with its segment's number, its day's, and since when its level is there if it improved."""
        if None not in self._memo:
            days = days_of([each.moment for each in self.sessions])
            order = _order(self.segments)
            since = {order[each.id]: each.date.partition("T")[0] for each in self.segments if each.how == "improved"}
            # A level that returned has taken the improvement up again.
            since |= {order[each.id]: "" for each in self.segments if each.how == "returned"}
            numbers = self.numbers
            self._memo[None] = [
                (each, number, day, since.get(number, ""))
                for each, number, day in zip(self.sessions, numbers, days, strict=True)
            ]
        places: list[tuple[Session, int, int, str]] = self._memo[None]
        return places

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
            way = _way(each, metric)
            if not way or (found and way != _way(found[0], metric)):
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
        segment, values = self.segment, dict[str, list[float]]()
        for gate in gates:
            counted = segment[: len(segment) - len(self.waiting(gate))]
            values[gate] = [value for each in counted if (value := each.value(gate)) is not None]
        return {gate: statistics.median(found) for gate, found in values.items() if found}


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


def _way(session: Session, metric: str) -> int:
    """+1 where a session waits as a worse one in a metric, -1 as a better one, else 0."""
    return {"worse": 1, "better": -1}.get((session.aside or {}).get(metric, ""), 0)
