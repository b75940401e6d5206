"""Sessions as they are compared: by medians of rounds, and tails over all requests where enough sessions have those.

Idea: the percentile over all requests scatters less (a p95 of 5 rounds of 100 requests: variance / 1.3) and lies 2 to
4 % higher. Lines of before have only the rounds. The two are never mixed in a level: a segment's sessions are compared
by their medians, and today's with them, until enough of them have the other figure; then those alone count. So no
change of the figure looks like one of the server, and no gate is blind meanwhile.
Limits: pure; every statistic that is no tail is the median of its rounds, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_inferbench.stats.rule import Kind, kind_of
from pytest_inferbench.stats.sample import Note, Past

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.lines import Session

ENOUGH: Final = 8
"""Sessions of a segment with the figure over all requests that let go of the older ones: a good gate has so many."""


class Place(NamedTuple):
    """A session among the others of its case.

    Attributes:
        session: its line.
        number: its segment's, from 1.
        day: its day's, from 0.
        since: the date from which on its level is there, where an improvement opened it; else "".
    """

    session: Session
    number: int
    day: int
    since: str


def way_of(session: Session, metric: str) -> int:
    """+1 where a session waits as a worse one in a metric, -1 as a better one, else 0."""
    return {"worse": 1, "better": -1}.get((session.aside or {}).get(metric, ""), 0)


def past_of(metric: str, places: Sequence[Place]) -> tuple[list[Past], tuple[Note, ...]]:
    """The sessions as they are compared, and what must be known of the newest segment's.

    Args:
        metric: `metric.statistic`.
        places: the sessions of all segments, the oldest first.
    """
    by_segment: dict[int, list[Session]] = {}
    for place in places:
        by_segment.setdefault(place.number, []).append(place.session)
    pooled = {number: are_pooled(metric, own) for number, own in by_segment.items()}
    past = [
        Past(
            session.value(metric, pooled=pooled[number]),
            number,
            session.rounds.get(metric, ()),
            pooled[number],
            day,
            way_of(session, metric),
            since,
        )
        for session, number, day, since in places
        if not pooled[number] or _pooled_figure(session, metric)
    ]
    if not places or kind_of(metric) is not Kind.TAIL:
        return past, ()
    newest = by_segment[places[-1].number]
    left_out = sum(not _pooled_figure(session, metric) for session in newest)
    if not pooled[places[-1].number]:
        told = f"compared are the medians of rounds until {ENOUGH} sessions have {metric} over all requests"
        return past, (Note("median_tails", told),)
    if left_out:
        told = f"{left_out} of {len(newest)} accepted sessions have no {metric} over all requests and are left out"
        return past, (Note("older_tails", told),)
    return past, ()


def are_pooled(metric: str, segment: Sequence[Session]) -> bool:
    """Whether the sessions of a segment are compared by their figures over all requests."""
    if kind_of(metric) is not Kind.TAIL:
        return False
    known = sum(_pooled_figure(session, metric) for session in segment)
    return known == len(segment) or known >= ENOUGH


def _pooled_figure(session: Session, metric: str) -> bool:
    return metric in (session.pooled or {})
