"""Figures of requests that carry a label, each label by itself."""

import pytest

from measure.observed import failed, request, round_of
from pytest_inferbench.measure.tags import figures_by_tag
from pytest_inferbench.metrics.pace import Pace
from pytest_inferbench.metrics.tokens import TokenMethod


def by_tag(*rounds):
    return figures_by_tag(rounds, TokenMethod.USAGE, Pace())


def test_each_tag_is_pooled_over_the_rounds():
    """Turns of two rounds: each turn's own latencies, in the order of the first requests."""
    rounds = [
        round_of(request(0, out=(10 + n,), tag="turn1"), request(1, out=(50 + n,), tag="turn2"), index=n)
        for n in range(2)
    ]
    figures = by_tag(*rounds)
    assert list(figures) == ["turn1", "turn2"]
    assert (figures["turn1"]["ttft_ms"].n, figures["turn1"]["ttft_ms"].p50) == (2, pytest.approx(10.5))
    assert figures["turn2"]["ttft_ms"].p50 == pytest.approx(50.5)


def test_tags_have_no_rates():
    """Requests of one tag lie scattered over a round: totals and shares only, beside latencies."""
    figures = by_tag(round_of(request(0, tag="x"), failed(1, tag="x")))["x"]
    assert figures["error_rate"].value == pytest.approx(0.5)
    assert figures["generated_tokens"].value == 3
    assert not {"wall_s", "request_per_s", "output_tok_per_s_run"} & set(figures)


def test_requests_without_a_tag_have_none():
    """Where no request has one there is nothing; beside others they are left out."""
    assert by_tag(round_of(request(0))) is None
    assert by_tag() is None
    assert list(by_tag(round_of(request(0), request(1, tag="x")))) == ["x"]
