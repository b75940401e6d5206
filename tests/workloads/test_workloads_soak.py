"""A long constant load, and how its end compares with its beginning."""

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import ClosedLoop, OpenLoop
from pytest_inferbench.workloads.soak import Soak
from workloads.workload_made import answered, context, failed, record, run


def getting_slower(load):
    """The last third of 9 takes its first token in 12 ms after 10, and its 128 tokens in half the pace."""
    return tuple(record(n, load, ttft_ms=12 if n >= 6 else 10, last_ms=192 if n >= 6 else 100) for n in range(9))


def test_drift_is_the_last_third_against_the_first():
    """20 % more to the first token, twice as long a token."""
    loads, found = run(Soak(streams=1, requests=9), getting_slower)
    assert found == {"ttft_drift": pytest.approx(0.2), "tpot_drift": pytest.approx(1.0)}
    assert [(load.streams, len(load.requests)) for load in loads] == [(1, 9)]


def test_a_drift_that_cannot_be_told_is_absent():
    """Answers of one token have no pace; with fewer than three answers there are no thirds."""
    workload = Soak(streams=1, requests=9, output_tokens=1)
    assert set(run(workload)[1]) == {"ttft_drift"}
    assert run(workload, lambda load: tuple(failed(n, load) for n in range(9)))[1] == {}


def test_failed_requests_have_no_part_in_it():
    """The thirds are of what completed."""
    workload = Soak(streams=1, requests=12)
    found = run(workload, lambda load: (*getting_slower(load), *(failed(n, load) for n in range(9, 12))))[1]
    assert found["ttft_drift"] == pytest.approx(0.2)


@pytest.mark.parametrize(("bound", "planned"), [({"requests": 6}, 6), ({"seconds": 2.0}, 8)])
def test_at_a_rate(bound, planned):
    """One evenly spaced open load, of known size either way."""
    workload = Soak(rate=4.0, **bound)
    ((load,), _) = run(workload)
    assert isinstance(load.shape, OpenLoop)
    assert len(load.requests) == workload.planned_requests == planned
    assert workload.concurrency is None
    assert workload.warm_up(context(), 2).shape == OpenLoop((0, 250_000_000))


def test_streams_for_a_time():
    """At a request a second: 8 first, then loads of at most 30 s, until 100 s are over."""
    workload = Soak(streams=2, seconds=100.0)
    loads, found = run(workload, lambda load: answered(load, last_ms=1000))
    assert [len(load.requests) for load in loads] == [8, 30, 30, 30, 2]
    assert {load.shape for load in loads} == {ClosedLoop(2)}
    assert workload.planned_requests is None
    assert found["ttft_drift"] == pytest.approx(0.0)


def test_a_server_that_is_gone_ends_the_soak():
    """A load without an answer is the last, however much time is left."""
    loads, found = run(Soak(streams=2, seconds=100.0), lambda load: tuple(failed(n, load) for n in range(8)))
    assert (len(loads), found) == (1, {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"requests": 9}, "streams: got nothing and rate: nothing; a soak needs exactly one"),
        ({"streams": 1, "rate": 1.0, "requests": 9}, "streams: got 1 and rate: 1"),
        ({"streams": 1}, "requests: got nothing and seconds: nothing"),
        ({"streams": 4, "requests": 3}, "expected at least one for each of 4 streams"),
    ],
)
def test_options_that_do_not_fit(options, message):
    """Refused when the workload is made."""
    with pytest.raises(ConfigError, match=message):
        Soak(**options)
