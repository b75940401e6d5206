"""Open loop at a rate."""

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import OpenLoop
from pytest_inferbench.workloads.rate import Rate
from workloads.workload_made import context, run

S = 1_000_000_000


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"arrivals": "constant", "requests": 3}, (0, S // 2, S)),
        ({"arrivals": "constant", "seconds": 1.6}, (0, S // 2, S, 3 * S // 2)),
        ({"arrivals": "ramp", "to_rate": 6.0, "seconds": 1.0}, (0, 366025404, 618033989)),
    ],
)
def test_schedules_without_chance(options, expected):
    """Two a second, or from two to six in a second: known beforehand, the same in every round."""
    workload = Rate(rate=2.0, **options)
    for seed in (1, 2):
        ((load,), _) = run(workload, seed=seed)
        offsets = load.shape.offsets_ns
        assert offsets[: len(expected)] == expected
        assert len(offsets) == len(load.requests) == workload.planned_requests


@pytest.mark.parametrize("options", [{"arrivals": "poisson"}, {"arrivals": "gamma", "cv": 2.5}])
def test_schedules_by_chance(options):
    """Another in each round, of the same count or of the same length."""
    workload = Rate(rate=50.0, requests=40, **options)
    ((one,), _), ((two,), _) = run(workload, seed=1), run(workload, seed=2)
    assert one.shape != two.shape
    assert len(one.requests) == len(two.requests) == workload.planned_requests == 40
    by_time = Rate(rate=50.0, seconds=2.0, **options)
    ((load,), _) = run(by_time)
    assert by_time.planned_requests is None
    assert 2 * S > load.shape.offsets_ns[-1] > S


def test_a_round_may_have_no_arrival():
    """Once in a hundred seconds, listened to for a millisecond: no load, and nothing to be measured."""
    assert run(Rate(rate=0.01, seconds=0.001)) == ([], None)


def test_an_open_loop_has_no_streams():
    """Its warm-up is open too, at an even rate."""
    workload = Rate(rate=4.0, requests=10)
    assert workload.concurrency is None
    assert workload.warm_up(context(), 3).shape == OpenLoop((0, S // 4, S // 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "requests: got nothing and seconds: nothing; a round is bounded by exactly one"),
        ({"requests": 3, "seconds": 1.0}, "requests: got 3 and seconds: 1"),
        ({"requests": 3, "cv": 1.0}, "cv: got 1 with arrivals: 'poisson'; 'gamma' needs cv"),
        ({"requests": 3, "arrivals": "gamma"}, "cv: got nothing with arrivals: 'gamma'"),
        ({"requests": 3, "arrivals": "ramp"}, "to_rate: got nothing with arrivals: 'ramp'"),
        ({"requests": 3, "arrivals": "poison"}, "expected 'constant', 'poisson', 'gamma' or 'ramp'"),
        ({"requests": 3, "rate": 0}, "expected a number above 0"),
        ({"requests": 3, "rate": float("inf")}, "finite"),
    ],
)
def test_options_that_do_not_fit(options, message):
    """What was given, and what belongs to what."""
    with pytest.raises(ConfigError, match=message):
        Rate(**({"rate": 2} | options))
