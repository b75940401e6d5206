"""The pace of a case, as the progress line tells it."""

from __future__ import annotations

import pytest

from pytest_inferbench.bench.pace import Under, pace
from pytest_inferbench.records import RequestRecord, RoundRecord, Usage, WorkerReading

S = 1_000_000_000


def round_of(start: float, seconds: float, tokens: int | None, chunks: int = 10, reads: int = 0) -> RoundRecord:
    begin, end = int(start * S), int((start + seconds) * S)
    arrivals = tuple(range(begin, end, (end - begin) // chunks))[:chunks]
    usage = None if tokens is None else Usage(8, tokens)
    request = RequestRecord(0, 0, 0, "", None, begin, arrivals, None, end, usage=usage)
    worker = WorkerReading(0, seconds, 0.0, (), (), 0, reads, 0, kernel_stamps=True)
    return RoundRecord(0, (request,), (worker,))


BEGUN = Under(0, 0, 40, 0)


@pytest.mark.parametrize(
    ("seen", "rounds", "said"),
    [
        ([], 3, ""),
        ([RoundRecord(0, (), ())], 3, ""),
        ([round_of(0, 2, 500)], 3, "4 s left · 250 tok/s · "),
        ([round_of(0, 2, 500), round_of(4, 2, 2000)], 4, "6 s left · 1,000 tok/s · "),
        ([round_of(0, 2, None)], 3, "4 s left · 5 tok/s · "),
        ([round_of(0, 200, 500)], 3, "7 min left · 2 tok/s · "),
        ([round_of(0, 2, 500)], 1, "250 tok/s · "),
    ],
    ids=["nothing", "unsent", "first", "pauses_count", "chunks", "minutes", "last"],
)
def test_a_round_begins_at_the_last_ones_speed(seen, rounds, said) -> None:
    """Tokens a second of the last round, and the rounds to come at the length of those before, pauses included."""
    assert pace(seen, rounds, BEGUN) == f"{said}0/40 requests"


@pytest.mark.parametrize(
    ("seen", "under", "said"),
    [
        ([], Under(4, 10, 40, 800), "44 s left · ~200 tok/s · 10/40 requests"),
        ([], Under(0.5, 0, 40, 9), "0/40 requests"),
        ([], Under(4, 10, None, 800), "~200 tok/s · 10 requests"),
        ([], Under(4, 50, 40, 800), "8 s left · ~200 tok/s · 50/40 requests"),
        ([round_of(0, 10, 500, reads=100)], Under(4, 10, 40, 80), "16 s left · ~100 tok/s · 10/40 requests"),
        ([round_of(0, 10, 500)] * 2, Under(12, 39, 40, 80), "~7 tok/s · 39/40 requests"),
    ],
    ids=["first", "begun", "unplanned", "more_than_planned", "tokens_a_read", "longer_than_usual"],
)
def test_a_round_under_way_has_a_live_pace(seen, under, said) -> None:
    """Reads for tokens, at the last round's tokens a read; time left by the share of requests done, then by rounds."""
    assert pace(seen, 3, under) == said
