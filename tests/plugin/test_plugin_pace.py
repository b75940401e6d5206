"""The pace of a case, as the progress line tells it."""

from __future__ import annotations

import pytest

from pytest_inferbench.plugin.pace import pace
from pytest_inferbench.records import RequestRecord, RoundRecord, Usage

S = 1_000_000_000


def round_of(start: float, seconds: float, tokens: int | None, chunks: int = 10) -> RoundRecord:
    begin, end = int(start * S), int((start + seconds) * S)
    arrivals = tuple(range(begin, end, (end - begin) // chunks))[:chunks]
    usage = None if tokens is None else Usage(8, tokens)
    return RoundRecord(0, (RequestRecord(0, 0, 0, "", None, begin, arrivals, None, end, usage=usage),), ())


@pytest.mark.parametrize(
    ("seen", "rounds", "said"),
    [
        ([], 3, ""),
        ([RoundRecord(0, (), ())], 3, ""),
        ([round_of(0, 2, 500)], 3, "250 tok/s · 4 s left"),
        ([round_of(0, 2, 500), round_of(4, 2, 2000)], 4, "1,000 tok/s · 6 s left"),
        ([round_of(0, 2, None)], 3, "5 tok/s · 4 s left"),
        ([round_of(0, 200, 500)], 3, "2 tok/s · 7 min left"),
        ([round_of(0, 2, 500)], 1, "250 tok/s"),
    ],
    ids=["nothing", "unsent", "first", "pauses_count", "chunks", "minutes", "last"],
)
def test_pace_is_the_last_rounds_speed_and_the_time_left(seen, rounds, said) -> None:
    """Tokens a second of the last round, and the rounds to come at the length of those before, pauses included."""
    assert pace(seen, rounds) == said
