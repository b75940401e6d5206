"""The steady window, and the tokens inside it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.observed import failed, ns, request
from pytest_inferbench.measure.window import steady_windows, tokens_inside
from pytest_inferbench.metrics.formulas import RequestView
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import FailureKind, Usage


def window_of(requests, concurrency):
    """The window of a single load."""
    for found in steady_windows(request_views(requests, TokenMethod.CHUNKS), concurrency):
        return found.start_ns / 1e6, found.end_ns / 1e6, found.output_tokens
    return None


def test_ramp_and_drain_are_left_out():
    """Two streams overlap from 10 to 40 ms: chunks at 20, 40 of the one and half of 20..40, 40..60 of the other."""
    requests = [request(0, sent=0, out=(20, 40)), request(1, sent=10, out=(30, 50))]
    # First: (0, 20] half inside, (20, 40] whole. Second: (10, 30] whole, (30, 50] half.
    assert window_of(requests, 2) == (10.0, 40.0, pytest.approx(3.0))


def test_a_turn_around_does_not_end_the_window():
    """One stream sends its second request 2 ms after the first answer: one window over both."""
    requests = [request(0, stream=0, sent=0, out=(10,)), request(1, stream=0, sent=12, out=(20,))]
    assert window_of(requests, 1) == (0.0, 20.0, 2.0)


def test_streams_of_two_workers_are_told_apart():
    """Stream 0 of worker 0 and stream 0 of worker 1 are two."""
    requests = [request(0, stream=0, worker=0, out=(10, 40)), request(1, stream=0, worker=1, sent=5, out=(30,))]
    assert window_of(requests, 2) == (5.0, 30.0, pytest.approx(0.5 + 20 / 30 + 1))


def test_the_longest_of_several_is_taken():
    """Two overlaps, of 10 and of 20 ms: the longer counts."""
    pair = [request(0, sent=0, out=(15,)), request(1, sent=5, out=(15,))]
    later = [request(2, sent=100, out=(130,)), request(3, sent=105, out=(125,))]
    assert window_of(pair + later, 2)[:2] == (105.0, 125.0)


def test_95_percent_is_enough():
    """19 of 20 streams make a steady state, 18 do not."""
    nineteen = [request(index, out=(10, 20)) for index in range(19)]
    assert window_of(nineteen, 20) == (0.0, 20.0, 38.0)
    assert window_of(nineteen[:18], 20) is None


def test_each_load_has_a_window_of_its_own():
    """Two loads of one stream, 100 ms apart: two windows, and the pause between them is in neither."""
    requests = [request(0, stream=0, out=(10,)), request(1, stream=0, sent=110, out=(130,), load=1)]
    windows = steady_windows(request_views(requests, TokenMethod.CHUNKS), 1)
    assert [(w.start_ns / 1e6, w.end_ns / 1e6, w.output_tokens) for w in windows] == [(0, 10, 1), (110, 130, 1)]


def test_a_load_below_the_target_has_no_window():
    """One stream of two: only the load in which both were in flight has one."""
    pair = [request(0, out=(10,)), request(1, out=(10,))]
    windows = steady_windows(request_views([*pair, request(2, sent=20, out=(30,), load=1)], TokenMethod.CHUNKS), 2)
    assert [(w.start_ns, w.end_ns) for w in windows] == [(ns(0), ns(10))]


def test_no_window_in_an_open_loop():
    """Without a target there is no steady state."""
    assert window_of([request()], None) is None


def test_requests_that_were_never_sent_are_not_in_flight():
    """A request that found no connection keeps no stream busy."""
    unsent = failed(1, sent=None, kind=FailureKind.CONNECT)
    assert window_of([request(0), unsent], 2) is None


def test_a_failed_request_was_in_flight_until_it_failed():
    """A timeout at 25 ms occupied its stream; its tokens count for nothing."""
    assert window_of([request(0, out=(10, 20, 30)), failed(1, end=25)], 2) == (0.0, 25.0, pytest.approx(2.5))


def test_usage_is_shared_out_over_the_chunks():
    """Ten tokens in two chunks: half of them in each, or as the server says."""
    even = RequestView(request(out=(10, 20)), 10)
    uneven = RequestView(request(out=(10, 20), chunk_tokens=(1, 4)), 10)
    assert tokens_inside(even, ns(10), ns(20)) == pytest.approx(5.0)
    assert tokens_inside(uneven, ns(10), ns(20)) == pytest.approx(8.0)


def test_chunks_that_arrived_together_count_once():
    """Two chunks at one instant on the border of two windows belong to the earlier."""
    view = RequestView(request(out=(10, 10)), 2)
    assert tokens_inside(view, ns(5), ns(10)) == pytest.approx(1.5)
    assert tokens_inside(view, ns(10), ns(20)) == pytest.approx(0.0)


@st.composite
def _rounds(draw):
    """Requests of a few streams with chunks at whole milliseconds, some of them failed."""
    requests = []
    for index in range(draw(st.integers(1, 8))):
        sent = draw(st.integers(0, 50))
        gaps = draw(st.lists(st.integers(0, 20), min_size=1, max_size=6))
        arrivals = [sent + sum(gaps[: n + 1]) for n in range(len(gaps))]
        stream = draw(st.integers(0, 3))
        if draw(st.booleans()):
            requests.append(request(index, stream=stream, sent=sent, out=arrivals))
        else:
            requests.append(failed(index, stream=stream, sent=sent, end=arrivals[-1]))
    return requests


@settings(deadline=None, derandomize=True, max_examples=150)
@given(_rounds(), st.integers(1, 4))
def test_the_window_never_exceeds_the_round(requests, concurrency):
    """It lies between the first send and the last end, and holds no more tokens than there are."""
    found = window_of(requests, concurrency)
    if found is not None:
        start, end, tokens = found
        assert min(r.sent_ns for r in requests) <= ns(start) < ns(end) <= max(r.end_ns for r in requests)
        assert 0 <= tokens <= sum(len(r.output_ns) for r in requests if r.failure is None) + 1e-9


@settings(deadline=None, derandomize=True, max_examples=150)
@given(_rounds(), st.lists(st.integers(0, 200), max_size=5), st.integers(1, 40))
def test_tokens_are_conserved(requests, cuts, tokens):
    """Windows that cover the round side by side hold all of its tokens, each once."""
    views = [RequestView(record, tokens) for record in requests if record.failure is None]
    borders = [-1, *sorted(cuts), 1000]
    parts = [sum(tokens_inside(view, ns(start), ns(end)) for view in views) for start, end in pairwise(borders)]
    assert sum(parts) == pytest.approx(tokens * len(views))


def test_usage_is_the_total_that_is_shared_out():
    """A window over the whole round holds the server's count, however many chunks there were."""
    views = request_views([request(out=(10, 20), usage=Usage(output_tokens=7))], TokenMethod.USAGE)
    assert steady_windows(views, 1)[0].output_tokens == pytest.approx(7.0)
