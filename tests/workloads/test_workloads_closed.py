"""Closed-loop workloads: single, batch, concurrency, long_context, cold_start."""

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import ClosedLoop
from pytest_inferbench.workloads.batch import Batch
from pytest_inferbench.workloads.cold_start import ColdStart
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.long_context import LongContext
from pytest_inferbench.workloads.single import Single
from workloads.workload_made import context, count, run, texts

CLOSED = [
    (Single(requests=5), [(1, 5)]),
    (Concurrency(streams=4, requests=9), [(4, 9)]),
    (Batch(batch_size=3, batches=2), [(3, 3), (3, 3)]),
    (LongContext(prompt_tokens=500, requests=2), [(1, 2)]),
    (ColdStart(), [(1, 1)]),
]


@pytest.mark.parametrize(("workload", "shapes"), CLOSED, ids=lambda value: getattr(value, "kind", None))
def test_steps(workload, shapes):
    """Streams and requests of each load; all count, and they are as many as planned."""
    loads, found = run(workload)
    assert [(load.streams, len(load.requests)) for load in loads] == shapes
    assert all(load.counted for load in loads)
    assert sum(len(load.requests) for load in loads) == workload.planned_requests
    assert workload.concurrency == shapes[0][0]
    assert workload.planned_cached_share == 0.0
    assert found is None


@pytest.mark.parametrize(("workload", "shapes"), CLOSED, ids=lambda value: getattr(value, "kind", None))
def test_prompts_are_exact_and_never_repeat(workload, shapes):
    """Every prompt of a round has the length of the options, and no prompt is asked twice, warm-up included."""
    loads, _ = run(workload, seed=7)
    warm_up = workload.warm_up(context(seed=8), 6)
    assert isinstance(warm_up.shape, ClosedLoop)
    assert len(warm_up.requests) >= 6
    said = [text for load in (*loads, warm_up) for text in texts(load)]
    assert {count(text) for text in said} == {workload.prompt_tokens}
    assert len(set(said)) == len(said)
    assert {request.output_tokens for load in loads for request in load.requests} == {workload.output_tokens}


def test_warm_up_fills_every_stream():
    """Asked for fewer requests than streams, a warm-up still has one for each."""
    assert len(Concurrency(streams=8, requests=8).warm_up(context(), 2).requests) == 8
    assert len(Batch(batch_size=8).warm_up(context(), 2).requests) == 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Concurrency(streams=4, requests=3), "requests: got 3, expected at least one for each of 4 streams"),
        (lambda: Concurrency(streams=0, requests=3), "expected a number of at least 1"),
        (lambda: Single(requests="8"), "expected an integer"),
        (lambda: Batch(batch_size=2, batch=3), "unknown key 'batch'; did you mean 'batches'"),
    ],
)
def test_wrong_options_are_refused(make, message):
    """Each option is checked when the workload is made, in the test's own line."""
    with pytest.raises(ConfigError, match=message):
        make()


def test_only_a_cold_start_wants_fresh_servers():
    """The others run on the cell's server."""
    assert ColdStart.fresh_server
    assert not Single.fresh_server
