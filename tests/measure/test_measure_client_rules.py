"""Findings about the load generator itself, each at its limit and just below it."""

import pytest

from measure.observed import codes, evidence, request, round_of, worker
from pytest_inferbench.measure import client_rules
from pytest_inferbench.measure.evidence import ValidityPolicy

# One request of ttft 100 ms, a chunk gap of 20 ms and e2e 120 ms: 5 % of them are 5, 1 and 6 ms.
SLOW = request(out=(100, 120))
# Ttft 2 ms, gap 1 ms, e2e 3 ms: 5 % are below the floor of 0.25 ms.
FAST = request(out=(2, 3))


def case(record, *workers, concurrency=1, policy=None):
    return evidence(round_of(record, workers=workers, concurrency=concurrency), policy=policy)


@pytest.mark.parametrize(
    ("record", "stamps", "concurrency", "limit"),
    [
        (SLOW, False, 1, 1.0),  # a late read is a late arrival: 5 % of the chunk gap
        (SLOW, False, None, 1.0),
        (FAST, False, 1, 0.25),
        (SLOW, True, 1, 6.0),  # only the next send is late: 5 % of e2e
        (FAST, True, 1, 0.25),
    ],
)
def test_loop_lag(record, stamps, concurrency, limit):
    """A lag is invalid above the share of the metric it moves, or above the floor; not at it."""
    at, above = (
        list(client_rules.loop_lag(case(record, worker(lag=(lag,), kernel_stamps=stamps), concurrency=concurrency)))
        for lag in (limit, limit + 0.001)
    )
    assert at == []
    assert codes(above) == [("loop_lag", True)]
    assert above[0].limit == pytest.approx(limit)
    assert above[0].figure == pytest.approx(limit + 0.001)


def test_loop_lag_moves_nothing_in_an_open_loop_with_kernel_stamps():
    """Arrivals are the kernel's and late sends are the schedule lag's business."""
    assert not list(client_rules.loop_lag(case(SLOW, worker(lag=(1e6,)), concurrency=None)))


def test_loop_lag_of_the_worst_worker():
    """One worker in trouble is not hidden by a quiet one, and is named."""
    quiet, late = worker(0, lag=(0.0,) * 999, kernel_stamps=False), worker(1, lag=(2.0,) * 700, kernel_stamps=False)
    (found,) = client_rules.loop_lag(case(SLOW, quiet, late))
    assert found.message == "load worker 1: loop lag p99 2.00 ms, above 1.00 ms (5 % of the median chunk_gap_ms)"


def test_lag_without_a_metric_is_held_to_the_floor():
    """Where nothing was measured there is only the floor."""
    lagging = worker(lag=(0.26,), kernel_stamps=False)
    (found,) = client_rules.loop_lag(evidence(round_of(workers=(lagging,))))
    assert "(the floor)" in found.message


def test_schedule_lag():
    """Sends may be late by 5 % of the time to first token."""
    assert not list(client_rules.schedule_lag(case(SLOW, worker(schedule_lag=(5.0,)), concurrency=None)))
    found = list(client_rules.schedule_lag(case(SLOW, worker(schedule_lag=(5.1,)), concurrency=None)))
    assert codes(found) == [("schedule_lag", True)]


def test_lag_limits_are_policy():
    """Both limits can be changed, and the finding quotes who changed the one that applied."""
    policy = ValidityPolicy(lag_share=0.5, lag_floor_ms=30.0, sources={"lag_floor_ms": "suite.py:3"})
    lagging = worker(lag=(31.0,), kernel_stamps=False)
    (found,) = client_rules.loop_lag(case(SLOW, lagging, policy=policy))
    assert (found.limit, found.source) == (30.0, "suite.py:3")


def test_client_cpu():
    """A worker above 85 % of its core in any round."""
    assert not list(client_rules.client_cpu(case(SLOW, worker(cpu=0.85), worker(1, cpu=0.1))))
    found = list(client_rules.client_cpu(case(SLOW, worker(cpu=0.1), worker(1, cpu=0.86))))
    assert codes(found) == [("client_cpu", True)]
    assert found[0].message == "load worker 1 used 86 % of its core, above 85 %"
    assert not list(client_rules.client_cpu(evidence(round_of(SLOW))))


def test_clock_step():
    """A step counts where arrivals are wall-clock stamps, above what two clock reads can differ by."""
    assert not list(client_rules.clock_step(case(SLOW, worker(clock_step=1.0))))
    assert not list(client_rules.clock_step(case(SLOW, worker(clock_step=500.0, kernel_stamps=False))))
    found = list(client_rules.clock_step(case(SLOW, worker(clock_step=-1.1))))
    assert codes(found) == [("clock_step", True)]


@pytest.mark.parametrize(
    ("seconds", "limit", "reason"), [(1.0, 50.0, "(the floor)"), (20.0, 200.0, "(1 % of its round)")]
)
def test_a_paused_client(seconds, limit, reason):
    """A worker may be away from its sockets for 50 ms, or for a hundredth of its round where that is more."""
    quiet = worker(0, seconds=100.0, pause=900.0)
    assert not list(client_rules.paused(case(SLOW, quiet, worker(1, seconds=seconds, pause=limit))))
    (found,) = client_rules.paused(case(SLOW, quiet, worker(1, seconds=seconds, pause=1.1 * limit)))
    assert (found.code, found.invalid, found.figure, found.limit) == ("paused", True, pytest.approx(1.1 * limit), limit)
    assert found.message.startswith(f"load worker 1 was away for {1.1 * limit:.3g}")
    assert reason in found.message
    assert not list(client_rules.paused(evidence(round_of(SLOW))))
