"""The accepted sessions of one metric: where it stands and how it scatters.

Idea: the location comes from the current segment, the scatter from within all segments in the window, so an accepted
upgrade moves the one and does not forget the other.
Law: a session without a usable figure is left out and counted; nothing is filled in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.diagnostics import history_notes
from pytest_inferbench.stats.moderation import OwnSpread
from pytest_inferbench.stats.rounds import RoundScatter, pooled, round_scatter
from pytest_inferbench.stats.sample import Note, oriented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Past
    from pytest_inferbench.units import Direction


@dataclass(frozen=True, slots=True)
class History:
    """The accepted sessions of one metric, summarised.

    Attributes:
        direction: which way the metric is better.
        n: sessions of the current segment.
        location: mean of their oriented logs; NaN where n is 0.
        variance: pooled within-segment variance of all sessions; 0 without degrees of freedom.
        df: its degrees of freedom.
        notes: what was left out, and what the order of the sessions says.
        sessions: those that count, oldest first.
    """

    direction: Direction
    n: int
    location: float
    variance: float
    df: int
    notes: tuple[Note, ...] = ()
    sessions: tuple[Past, ...] = ()

    @property
    def rounds(self) -> RoundScatter:
        """What the scatter of those sessions' rounds alone makes of a session's figure."""
        return pooled([round_scatter(session.rounds) for session in self.sessions])

    def own_spread(self, case: str, rule: Rule) -> OwnSpread:
        """This gate's part in the pool that `moderation.priors` reads."""
        return OwnSpread(case, rule.kind, self.variance, self.df)


def summarise(logs: Floats, segments: Sequence[int]) -> tuple[Floats, Floats, int]:
    """Location of the last session's segment, pooled within-segment variance, and its degrees of freedom.

    `logs` has shape (..., sessions), oldest first, `segments` one number a session; results have shape (...).
    """
    label = np.asarray(segments)
    total = np.zeros(logs.shape[:-1])
    df = 0
    for segment in np.unique(label):
        part = logs[..., label == segment]
        total = total + ((part - part.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
        df += part.shape[-1] - 1
    return logs[..., label == label[-1]].mean(axis=-1), total / max(df, 1), df


def read_history(past: Sequence[Past], direction: Direction, window: int) -> History:
    """Summarise accepted sessions, oldest first; only the last `window` with a usable figure count."""
    logs = oriented([session.value for session in past], direction)
    known = np.isfinite(logs)
    kept = [(log, session) for log, session, use in zip(logs, past, known, strict=True) if use][-window:]
    dropped = len(past) - int(known.sum())
    notes: list[Note] = []
    if dropped:
        notes.append(Note("unusable_history", f"{dropped} of {len(past)} accepted sessions have no usable figure"))
    # A segment opened by a session without a figure has nothing to compare with yet.
    if not kept or kept[-1][1].segment != past[-1].segment:
        return History(direction, 0, math.nan, 0.0, 0, tuple(notes))
    values = np.asarray([log for log, _ in kept])
    sessions = tuple(session for _, session in kept)
    segments = [session.segment for session in sessions]
    location, variance, df = summarise(values, segments)
    current = values[np.asarray(segments) == segments[-1]]
    notes += history_notes(current)
    return History(direction, len(current), float(location), float(variance), df, tuple(notes), sessions)
