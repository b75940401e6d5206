"""The search for what a server carries, against a server that is a function of the load."""

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import OpenLoop
from pytest_inferbench.workloads.saturation import Saturation
from workloads.workload_made import answered, context, failed, record, run

SLO = {"ttft_ms": 100.0}


def level(load):
    """The streams of a load, or its rate."""
    if isinstance(load.shape, OpenLoop):
        return 1e9 / load.shape.offsets_ns[1]
    return load.streams


def slower_by_load(ms_per_level):
    return lambda load: answered(load, ttft_ms=ms_per_level * level(load))


def test_streams_are_searched_by_doubling_and_halving():
    """10 ms of TTFT a stream and a limit of 100: 10 streams, found by eight levels and measured once more."""
    loads, found = run(Saturation(slo=SLO), slower_by_load(10))
    assert found == {"max_streams": 10.0}
    assert [level(load) for load in loads] == [1, 2, 4, 8, 16, 12, 10, 11, 10]
    assert [load.counted for load in loads] == [False] * 8 + [True]
    assert [load.requests[0].tag for load in loads[:3]] == ["c001", "c002", "c004"]
    assert loads[-1].requests[0].tag == ""


def test_a_level_has_enough_requests():
    """At least `requests`, and four a stream."""
    loads, _ = run(Saturation(slo=SLO, requests=20), slower_by_load(10))
    assert {level(load): len(load.requests) for load in loads} == {
        1: 20, 2: 20, 4: 20, 8: 32, 16: 64, 12: 48, 10: 40, 11: 44,
    }  # fmt: skip


def test_a_rate_is_searched_too():
    """Requests go out evenly at each level's rate; the result is the rate."""
    workload = Saturation(over="rate", slo=SLO, lowest=2, highest=64, resolution=0.05)
    loads, found = run(workload, slower_by_load(10))
    assert found["max_rate"] == pytest.approx(10, rel=0.05)
    assert {len(load.requests) for load in loads} == {32}
    assert loads[0].requests[0].tag == "r2"
    assert workload.concurrency is None
    assert workload.warm_up(context(), 2).shape == OpenLoop((0, 500_000_000))


def test_the_share_that_must_meet_the_limits():
    """With every fourth judged request too slow a level passes where 75 % are enough, and not where more are."""

    def some_slow(load):
        return tuple(record(n, load, ttft_ms=500 if n % 4 == 0 else 1) for n in range(len(load.requests)))

    assert run(Saturation(slo=SLO, highest=2, attain=0.75), some_slow)[1] == {"max_streams": 2.0}
    assert run(Saturation(slo=SLO, highest=2, attain=0.76), some_slow)[1] == {"max_streams": 0.0}


def test_the_first_quarter_is_not_judged():
    """Slow while all streams start at once, fast from then on: the level passes."""

    def slow_start(load):
        count = len(load.requests)
        return tuple(record(n, load, ttft_ms=500 if n < count // 4 else 1) for n in range(count))

    assert run(Saturation(slo=SLO, highest=4, attain=1.0), slow_start)[1] == {"max_streams": 4.0}


def test_failures_miss_the_limits():
    """A level at which requests fail is too much, however fast the others are; so is one where all do."""

    def fails_above_two(load):
        return tuple((failed if level(load) > 2 and n % 2 else record)(n, load) for n in range(len(load.requests)))

    assert run(Saturation(slo=SLO), fails_above_two)[1] == {"max_streams": 2.0}
    assert run(Saturation(slo=SLO), lambda load: tuple(failed(n, load) for n in range(len(load.requests))))[1] == {
        "max_streams": 0.0
    }


def test_every_limit_must_be_met():
    """A fast first token does not make up for a slow pace."""
    slow_pace = run(Saturation(slo={"ttft_ms": 1000.0, "tpot_ms": 0.1}, highest=4), slower_by_load(1))
    assert slow_pace[1] == {"max_streams": 0.0}


def test_not_even_the_lowest_level():
    """The result is 0, and the lowest level is what is measured."""
    loads, found = run(Saturation(slo=SLO, lowest=2), slower_by_load(1000))
    assert found == {"max_streams": 0.0}
    assert [(level(load), load.counted) for load in loads] == [(2, False), (2, True)]


def test_limits_that_no_answer_has_a_figure_for():
    """Answers that come whole have no time a token: there is nothing to search by, and no result that says 0."""
    loads, found = run(Saturation(slo={"tpot_ms": 5.0}), lambda load: answered(load, ttft_ms=100, last_ms=100))
    assert found == {}
    assert [(level(load), load.counted) for load in loads] == [(1, False), (1, True)]


def test_the_stop_rules():
    """After `max_steps` levels, and at `highest`."""
    loads, found = run(Saturation(slo=SLO, max_steps=3), slower_by_load(1))
    assert (found, len(loads)) == ({"max_streams": 4.0}, 4)
    assert run(Saturation(slo=SLO, highest=20), slower_by_load(1))[1] == {"max_streams": 20.0}


def test_limits_of_the_model():
    """They hold where the workload has none of its own; without any there is nothing to search for."""
    assert run(Saturation(highest=8), slower_by_load(30), slo=SLO)[1] == {"max_streams": 3.0}
    with pytest.raises(ConfigError, match=r"saturation: no limits to search for; write `slo: \{ttft_ms"):
        run(Saturation())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 8, "highest": 4}, "lowest: got 8, expected at most highest, which is 4"),
        ({"lowest": 1.5}, "lowest, highest: got 1.5, 256, expected whole streams"),
        ({"slo": {"tftt_ms": 1}}, "slo: there is no metric 'tftt_ms'; did you mean 'ttft_ms'"),
        ({"slo": {"wall_s": 1}}, "slo: 'wall_s' is one figure a round"),
    ],
)
def test_options_that_do_not_fit(options, message):
    """Refused when the workload is made."""
    with pytest.raises(ConfigError, match=message):
        Saturation(**options)


def test_what_a_round_will_take_is_not_known():
    """Neither its requests; the warm-up has the lowest level's streams."""
    workload = Saturation(slo=SLO, lowest=2)
    assert workload.planned_requests is None
    assert workload.concurrency == 2
    assert workload.warm_up(context(), 2).streams == 2
