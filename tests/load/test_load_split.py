"""How many workers carry a load, and what each of them gets."""

from __future__ import annotations

import pytest

from pytest_inferbench.load.job import EncodedRequest, Limits, Target
from pytest_inferbench.load.split import share, workers_for


def load(count: int, output_tokens: int = 100, per_s: float | None = None) -> tuple[EncodedRequest, ...]:
    """So many requests; an open loop's come `per_s` a second."""
    return tuple(
        EncodedRequest(i, b"", 10, output_tokens, "", False, None if per_s is None else int(i / per_s * 1e9))
        for i in range(count)
    )


@pytest.mark.parametrize(
    ("streams", "cores", "workers"),
    [(1, 2, 1), (500, 64, 1), (501, 64, 2), (1000, 64, 2), (5000, 64, 10), (5000, 4, 3), (5000, 1, 1)],
)
def test_a_closed_loop_has_a_worker_for_every_500_streams(streams: int, cores: int, workers: int) -> None:
    """Streams are planned at 50 chunks/s, and one core is left to others."""
    assert workers_for(load(5000), streams, cores) == workers


@pytest.mark.parametrize(("per_s", "tokens", "workers"), [(20, 100, 1), (499, 50, 1), (501, 50, 2), (500, 200, 5)])
def test_an_open_loop_is_planned_at_its_rate_times_its_tokens(per_s: float, tokens: int, workers: int) -> None:
    """What counts is the chunks that the plan asks for in a second."""
    assert workers_for(load(2000, tokens, per_s), None, 64) == workers


def test_requests_without_a_planned_length_are_carried_by_one_worker() -> None:
    """A plan that says nothing asks for nothing."""
    requests = tuple(EncodedRequest(i, b"", None, None, "", False, i) for i in range(10))
    assert workers_for(requests, None, 64) == 1


@pytest.mark.parametrize("streams", [7, None])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_workers_have_every_request_once_and_all_streams(streams: int | None, count: int) -> None:
    """Nothing is lost or sent twice by splitting."""
    requests = load(20)
    parts = [share(requests, n, count, Target("h", 1), "openai-chat", streams, Limits()) for n in range(count)]
    assert sorted(request.index for part in parts for request in part.requests) == list(range(20))
    assert sum(part.streams or 0 for part in parts) == (streams or 0)
