"""What must hold for any round: scale, shift, and what failures may change."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.observed import failed, request, round_of
from pytest_inferbench.measure.aggregate import aggregate
from pytest_inferbench.measure.window import steady_windows
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import FailureKind, Usage

TIMES = ("ttft_ms", "ttft_scheduled_ms", "time_to_answer_ms", "chunk_gap_ms", "tpot_ms", "itl_ms", "e2e_ms", "wall_s")
RATES = ("output_tok_per_s", "output_tok_per_s_run", "request_per_s", "generation_tok_per_s")
STREAMS = 2


@st.composite
def _cases(draw):
    """One to twelve completed requests on two streams, one after the other on each."""
    free = [0] * STREAMS
    requests = []
    for index in range(draw(st.integers(STREAMS, 12))):
        stream = index % STREAMS
        sent = free[stream] + draw(st.integers(0, 5))
        gaps = draw(st.lists(st.integers(1, 50), min_size=2, max_size=6))
        arrivals = [sent + sum(gaps[: n + 1]) for n in range(len(gaps))]
        free[stream] = arrivals[-1]
        requests.append(
            request(
                index,
                stream=stream,
                sent=sent,
                scheduled=sent - draw(st.integers(0, 3)),
                answer=arrivals[1],
                out=arrivals,
                chunk_tokens=tuple(draw(st.integers(1, 3)) for _ in gaps),
                usage=Usage(prompt_tokens=draw(st.integers(1, 99)), output_tokens=draw(st.integers(2, 99))),
            )
        )
    return requests


def moved(record, *, scale=1, shift=0):
    at = lambda ns: None if ns is None else ns * scale + shift  # noqa: E731 - one formula for every stamp
    return dataclasses.replace(
        record,
        scheduled_ns=at(record.scheduled_ns),
        sent_ns=at(record.sent_ns),
        output_ns=tuple(map(at, record.output_ns)),
        answer_ns=at(record.answer_ns),
        end_ns=at(record.end_ns),
    )


def figures(requests):
    views = request_views(round_of(*requests).requests, TokenMethod.USAGE)
    result = aggregate([RoundView(views, steady_windows(views, STREAMS), {"e2e_ms": 60.0})])
    return {
        f"{name}.{statistic}": figure
        for name, summary in result.metrics.items()
        for statistic, figure in summary.statistics().items()
    }


def _scaled(figure, name, scale):
    metric = name.partition(".")[0]
    if metric in TIMES:
        return figure * scale
    return figure / scale if metric in RATES else figure


@settings(deadline=None, derandomize=True, max_examples=60)
@given(_cases(), st.integers(2, 1000))
def test_scaling_the_clock_scales_the_figures(requests, scale):
    """Times k times as long make latencies k times as large, rates k times as small, and change no count."""
    before = {name: x for name, x in figures(requests).items() if not name.startswith("goodput")}
    after = figures([moved(record, scale=scale) for record in requests])
    assert {name: after[name] for name in before} == pytest.approx(
        {name: _scaled(figure, name, scale) for name, figure in before.items()}
    )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(_cases(), st.integers(-(10**15), 10**15))
def test_the_clocks_zero_means_nothing(requests, shift):
    """A constant added to every stamp changes no figure."""
    assert figures([moved(record, shift=shift) for record in requests]) == figures(requests)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(_cases(), st.integers(1, 5))
def test_failures_that_took_no_time_only_raise_the_error_rate(requests, count):
    """Requests that found no connection while others ran change no latency, rate, window or token count."""
    before = figures(requests)
    lost = [failed(100 + n, sent=None, end=0, kind=FailureKind.CONNECT) for n in range(count)]
    after = figures([*requests, *lost])
    assert after.pop("error_rate.value") == pytest.approx(count / (count + len(requests)))
    assert before.pop("error_rate.value") == pytest.approx(0.0)
    assert after == before


@settings(deadline=None, derandomize=True, max_examples=60)
@given(_cases(), st.integers(100, 5000))
def test_failures_that_took_time_slow_the_rates(requests, later):
    """A timeout after the last answer lowers run rates and goodput; no latency and no token count moves."""
    before = figures(requests)
    first_ms = min(record.sent_ns for record in requests) / 1e6
    end_ms = max(record.end_ns for record in requests) / 1e6 + later
    after = figures([*requests, failed(100, stream=9, sent=first_ms, end=end_ms)])
    slowed = ("output_tok_per_s_run", "request_per_s", "goodput_per_s")
    for name, figure in before.items():
        metric = name.partition(".")[0]
        if metric in slowed:
            assert after[name] < figure or figure == 0
        elif metric not in {"error_rate", "output_tok_per_s"}:
            assert after[name] == figure
