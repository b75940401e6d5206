"""The metric table, each row against figures worked out by hand."""

import dataclasses

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.formulas import RequestView, RoundView, Window
from pytest_inferbench.metrics.table import METRICS, Kind, SampleMetric, met_slo, metric_named
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, Usage
from pytest_inferbench.units import Direction

MS = 1_000_000


def view(*, sent=100, out=(150, 160, 190), tokens=5, scheduled=None, answer=None, prompt=7, failure=None, **fields):
    """A request in milliseconds: sent at 100, chunks at 150, 160 and 190, five tokens."""
    record = RequestRecord(
        index=0,
        worker=0,
        stream=0,
        tag="",
        scheduled_ns=None if scheduled is None else scheduled * MS,
        sent_ns=None if sent is None else sent * MS,
        output_ns=tuple(at * MS for at in out),
        answer_ns=None if answer is None else answer * MS,
        end_ns=fields.pop("end", 200) * MS,
        usage=Usage(prompt_tokens=prompt, output_tokens=tokens, reasoning_tokens=fields.pop("reasoning", None)),
        failure=Failure(FailureKind.CUT, "cut") if failure else None,
        **fields,
    )
    return RequestView(record, None if failure else tokens)


def samples(name, request):
    return METRICS[name].formula(request)


def value(name, *requests, **fields):
    return METRICS[name].formula(RoundView(tuple(requests), **fields))


@pytest.mark.parametrize(
    ("name", "request_", "expected"),
    [
        ("ttft_ms", view(), (50.0,)),
        ("ttft_scheduled_ms", view(scheduled=90), (60.0,)),
        ("time_to_answer_ms", view(answer=160), (60.0,)),
        ("chunk_gap_ms", view(), (10.0, 30.0)),
        ("chunk_gap_ms", view(out=(150, 150, 170)), (20.0,)),  # what arrives together shows no gap
        ("tpot_ms", view(), (10.0,)),  # 40 ms over 4 tokens after the first
        ("tpot_ms", view(chunk_tokens=(1, 3, 1)), (10.0,)),
        ("tpot_ms", view(chunk_tokens=(3, 1, 1)), (20.0,)),  # 40 ms over the 2 tokens that came in it
        ("tpot_ms", view(chunk_tokens=(1, 1, 2)), (pytest.approx(40 / 3),)),  # the fifth, an end of text, is not seen
        ("tpot_ms", view(out=(150, 150, 190)), (pytest.approx(40 / 3),)),  # two arrive at first
        ("tpot_ms", view(reasoning=2), (20.0,)),  # 2 of 5 tokens were never streamed
        ("tpot_ms", view(reasoning=2, reasoned=True), (10.0,)),
        ("tpot_ms", view(reasoning=4), (10.0,)),  # counted beside the output, else one token would come in 3 chunks
        ("itl_ms", view(chunk_tokens=(1, 1, 3)), (10.0, 10.0, 10.0, 10.0)),  # 30 ms over the last 3 tokens
        ("itl_ms", view(chunk_tokens=(2, 0, 2)), (20.0, 20.0)),  # 10 + 30 ms over the last 2 tokens
        ("itl_ms", view(out=(150, 160, 160), chunk_tokens=(1, 1, 1)), (5.0, 5.0)),  # 10 ms over 2 that come together
        ("itl_ms", view(out=(150, 150, 170), chunk_tokens=(1, 1, 2)), (10.0, 10.0)),
        ("itl_ms", view(tokens=3), (10.0, 30.0)),  # as many tokens as chunks are one each
        ("e2e_ms", view(end=500), (90.0,)),
        ("generation_tok_per_s", view(), (125.0,)),  # 5 tokens in 40 ms
        ("generation_tok_per_s", view(reasoning=2), (75.0,)),
    ],
)
def test_sample_rows(name, request_, expected):
    """A request's samples are those of the definition."""
    assert samples(name, request_) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("ttft_scheduled_ms", view()),  # a closed loop schedules nothing
        ("time_to_answer_ms", view()),  # reasoning only
        ("chunk_gap_ms", view(out=(150,))),
        ("chunk_gap_ms", view(out=(150, 150))),
        ("tpot_ms", view(out=(150, 150), tokens=2)),
        ("tpot_ms", view(tokens=1)),
        ("tpot_ms", view(out=(150,), tokens=5)),  # a whole answer in one chunk
        ("itl_ms", view()),  # tokens per chunk are not known
        ("generation_tok_per_s", view(out=(150,))),
        ("generation_tok_per_s", view(out=(150, 150))),
        ("ttft_ms", view(sent=None)),
        ("e2e_ms", view(out=())),
    ],
)
def test_what_was_not_seen_is_absent(name, request_):
    """A request that does not have the figure has no sample, not a 0."""
    assert samples(name, request_) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wall_s", 0.4),  # sent at 100, the last chunk at 500
        ("prompt_tokens", 14.0),
        ("generated_tokens", 10.0),
        ("output_tok_per_s_run", 25.0),
        ("request_per_s", 5.0),
        ("error_rate", 0.0),
    ],
)
def test_round_rows(name, expected):
    """Two requests, of 5 tokens each, from 100 to 500 ms."""
    assert value(name, view(), view(sent=300, out=(400, 500))) == pytest.approx(expected)


def test_a_failure_keeps_its_place_in_the_denominators():
    """One of two requests failed at 1100 ms: its time slows the rates, its tokens count for nothing."""
    requests = (view(), view(out=(150,), failure=True, end=1100))
    assert value("error_rate", *requests) == pytest.approx(0.5)
    assert value("request_per_s", *requests) == pytest.approx(1.0)
    assert value("output_tok_per_s_run", *requests) == pytest.approx(5.0)
    assert value("generated_tokens", *requests) == pytest.approx(5.0)
    assert value("wall_s", *requests) == pytest.approx(0.09)


def test_window_rate():
    """The steady rate is the window's tokens over its length, and absent without a window."""
    assert value("output_tok_per_s", view(), windows=(Window(100 * MS, 350 * MS, 50.0),)) == pytest.approx(200.0)
    assert value("output_tok_per_s", view()) is None


def test_pauses_between_loads_are_ours():
    """Two loads of 90 ms each, a second apart: 180 ms of wall time, and two requests in that."""
    requests = (view(), view(sent=1100, out=(1150, 1190), end=1200, load=1))
    assert value("wall_s", *requests) == pytest.approx(0.18)
    assert value("request_per_s", *requests) == pytest.approx(2 / 0.18)
    windows = (Window(0, 100 * MS, 50.0), Window(900 * MS, 1000 * MS, 10.0))
    assert value("output_tok_per_s", *requests, windows=windows) == pytest.approx(300.0)


@pytest.mark.parametrize("name", ["max_streams", "max_rate", "cold_start_s", "ttft_drift", "tpot_drift"])
def test_what_a_workload_found(name):
    """A figure that the workload found is the round's; of others there is none."""
    assert value(name, view(), found={name: 0.0}) == 0.0
    assert value(name, view(), found={}) is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(prompt_tokens=100, cached_tokens=25), (0.25,)),
        (Usage(prompt_tokens=100, cached_tokens=0), (0.0,)),
        (Usage(prompt_tokens=100), ()),
        (Usage(cached_tokens=5), ()),
        (Usage(prompt_tokens=0, cached_tokens=0), ()),
        (None, ()),
    ],
)
def test_cached_share(usage, expected):
    """Cached over prompt tokens, where the server says both."""
    request = view()
    record = dataclasses.replace(request.record, usage=usage)
    assert samples("cached_share", dataclasses.replace(request, record=record)) == expected


def test_each_request_meets_the_limits_or_not():
    """In the order of the requests; a failed one does not, and without limits or figures nothing can be said."""
    slow, broken = view(out=(300, 310)), view(failure=True)
    assert met_slo(RoundView((view(), slow, broken), slo={"ttft_ms": 50})) == (True, False, False)
    assert met_slo(RoundView((view(),))) is None
    assert met_slo(RoundView((broken,), slo={"ttft_ms": 50})) is None


@pytest.mark.parametrize("name", [name for name, row in METRICS.items() if row.kind in {Kind.ROUND, Kind.CASE}])
def test_an_empty_round_has_no_figures(name):
    """Nothing issued gives nothing, not 0."""
    assert value(name, slo={"ttft_ms": 100}) is None


def test_a_partial_prompt_count_is_absent():
    """One answer without a prompt count leaves no sum."""
    assert value("prompt_tokens", view(), view(prompt=None)) is None


@pytest.mark.parametrize(
    ("slo", "good"),
    [
        ({"ttft_ms": 50}, 2),
        ({"ttft_ms": 49.9}, 1),
        ({"ttft_ms": 50, "tpot_ms": 9.9}, 1),
        ({"generation_tok_per_s": 125}, 2),
        ({"generation_tok_per_s": 126}, 1),
        ({"chunk_gap_ms": 29}, 1),
        ({"ttft_ms": 1}, 0),
    ],
)
def test_goodput(slo, good):
    """Of two requests in 100 ms, those count that meet every limit; one of one token has no pace to miss."""
    short = view(sent=190, out=(200,), tokens=1)
    assert value("goodput_per_s", view(), short, slo=slo) == pytest.approx(good * 10.0)


def test_goodput_without_a_limit_is_absent():
    """No SLO, no goodput."""
    assert value("goodput_per_s", view()) is None


def test_goodput_of_an_unmeasured_metric_is_absent():
    """A limit on a metric that no request of the round has cannot be judged."""
    assert value("goodput_per_s", view(), slo={"ttft_scheduled_ms": 100}) is None


def test_an_answer_that_never_came_misses_its_limit():
    """Of two requests only one reached its answer: the other waited for nothing and is not good."""
    assert value("goodput_per_s", view(answer=160), view(), slo={"time_to_answer_ms": 1000}) == pytest.approx(1 / 0.09)


def test_goodput_refuses_a_metric_of_the_round():
    """No single request can meet a throughput."""
    with pytest.raises(ConfigError, match="'request_per_s' is one figure a round"):
        value("goodput_per_s", view(), slo={"request_per_s": 1})


def test_the_table_has_every_name():
    """The names of the contract, with their units and better directions."""
    rows = {name: (row.unit.symbol, row.direction.value, row.kind.value) for name, row in METRICS.items()}
    assert rows == {
        "ttft_ms": ("ms", "lower", "request"),
        "ttft_scheduled_ms": ("ms", "lower", "request"),
        "time_to_answer_ms": ("ms", "lower", "request"),
        "chunk_gap_ms": ("ms", "lower", "chunk"),
        "tpot_ms": ("ms", "lower", "request"),
        "itl_ms": ("ms", "lower", "chunk"),
        "e2e_ms": ("ms", "lower", "request"),
        "generation_tok_per_s": ("tok/s", "higher", "request"),
        "output_tok_per_s": ("tok/s", "higher", "round"),
        "output_tok_per_s_run": ("tok/s", "higher", "round"),
        "request_per_s": ("req/s", "higher", "round"),
        "goodput_per_s": ("req/s", "higher", "round"),
        "wall_s": ("s", "lower", "round"),
        "prompt_tokens": ("tok", "neutral", "case"),
        "generated_tokens": ("tok", "neutral", "case"),
        "error_rate": ("%", "lower", "case"),
        "cached_share": ("%", "neutral", "request"),
        "max_streams": ("streams", "higher", "round"),
        "max_rate": ("req/s", "higher", "round"),
        "cold_start_s": ("s", "lower", "round"),
        "ttft_drift": ("%", "lower", "round"),
        "tpot_drift": ("%", "lower", "round"),
        "server_ttft_ms": ("ms", "lower", "sample"),
        "server_ttft_gap_ms": ("ms", "neutral", "round"),
        "server_itl_ms": ("ms", "lower", "sample"),
        "server_e2e_ms": ("ms", "lower", "sample"),
        "server_queue_ms": ("ms", "lower", "sample"),
        "server_running": ("", "neutral", "sample"),
        "server_waiting": ("", "lower", "sample"),
        "server_kv_cache_use": ("%", "neutral", "sample"),
        "server_prefix_hit_rate": ("%", "neutral", "round"),
        "server_preemptions": ("", "lower", "total"),
        "server_generated_tokens": ("tok", "neutral", "total"),
        "joule_per_token": ("J/tok", "lower", "round"),
        "gpu_energy_j": ("J", "lower", "total"),
        "gpu_power_w": ("W", "lower", "sample"),
        "gpu_utilization": ("%", "neutral", "sample"),
        "gpu_memory_peak_gib": ("GiB", "lower", "round"),
        "gpu_temperature_c": ("°C", "lower", "sample"),
        "gpu_sm_clock_mhz": ("MHz", "neutral", "sample"),
        "gpu_throttled": ("%", "lower", "round"),
    }


def test_a_metric_is_found_by_name():
    """`metric_named` gives the row."""
    row = metric_named("ttft_ms")
    assert isinstance(row, SampleMetric)
    assert row.direction is Direction.LOWER


@pytest.mark.parametrize(("name", "hint"), [("tfft_ms", "did you mean 'ttft_ms'"), ("colour", "there are: ttft_ms,")])
def test_an_unknown_metric_is_explained(name, hint):
    """A wrong name gets the nearest right one, or all of them."""
    with pytest.raises(ConfigError, match=hint):
        metric_named(name)
