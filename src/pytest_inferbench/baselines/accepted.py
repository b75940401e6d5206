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
from typing import Final

from pytest_inferbench.baselines.lines import FIRST, Line, Noise, Segment, Session
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
    _histories: dict[tuple[str, Direction, int], History] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # those that were asked for: a case is judged by its own, and other cases learn from it

    def history(self, metric: str, direction: Direction, window: int) -> History:
        """The sessions of `metric.statistic` for a comparison that looks at the last `window` of them."""
        asked = (metric, direction, window)
        if asked not in self._histories:
            past = [
                Past(session.value(metric), number, session.rounds.get(metric, ()))
                for session, number in zip(self.sessions, self.numbers, strict=True)
            ]
            self._histories[asked] = read_history(past, direction, window)
        return self._histories[asked]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of the case's segments each of the sessions belongs to, from 1."""
        order = _order(self.segments)
        return tuple(order[each.segment] for each in self.sessions)

    @property
    def segment(self) -> tuple[Session, ...]:
        """The sessions of the newest segment that has some."""
        return tuple(each for each in self.sessions if each.segment == self.sessions[-1].segment)

    @property
    def level(self) -> tuple[Session, ...]:
        """The sessions since a person last set the level anew, whatever segments were opened for other reasons."""
        order = _order(self.segments)
        start = max((order[each.id] for each in self.segments if each.how == "reseat"), default=order[FIRST])
        return tuple(each for each in self.sessions if order[each.segment] >= start)

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
        """The median of each gate over the newest segment; without those that none of its sessions has."""
        segment = self.segment
        values = {gate: [value for each in segment if (value := each.value(gate)) is not None] for gate in gates}
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
    known = [(value, each) for each in level if (value := each.value(metric))]
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
    order = _order(segments)
    sessions = sorted((line for line in lines if isinstance(line, Session)), key=lambda line: order[line.segment])
    noise = [line for line in lines if isinstance(line, Noise)]
    return Accepted(tuple(sessions), segments, noise[-1] if noise else None)


def _order(segments: Sequence[Segment]) -> Mapping[str, int]:
    return {FIRST: 1, **{segment.id: number for number, segment in enumerate(segments, start=2)}}
