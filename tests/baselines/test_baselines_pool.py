"""What the accepted sessions of other models say of a hardware's noise."""

from __future__ import annotations

import pytest
from baseline_made import TABLE, YAML, session

from pytest_inferbench.baselines.pool import accepted_spreads
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.baselines.schema import Baseline
from pytest_inferbench.config.parse import parse
from pytest_inferbench.stats.rule import Kind


def spreads(*sessions, text=YAML, directions=TABLE):
    file = read_file(parse(text, "q.yaml"), TABLE)
    baseline = Baseline("1x-nvidia-h200", "q.yaml", "h.jsonl", text, "", file, sessions)
    return accepted_spreads(baseline, directions)


def at(number, ttft, **fields):
    figures = {"ttft_ms.p50": [ttft], "tpot_ms.p50": [6.1], "e2e_ms.p50": [90.0 * number]}
    return session(number, rounds=figures, **fields)


def test_accepted_figures_count_whoever_is_selected():
    """Each figure that `accepted` shows is one spread of its case, which is known by model and backend, too."""
    found = spreads(at(1, 40.0), at(2, 44.0), at(3, 42.0))
    assert [(each.case, each.kind, each.df) for each in found] == [
        ("concurrency[c08] of qwen3-8b on vllm", Kind.TYPICAL, 2)
    ] * 2
    ttft, tpot = found
    assert ttft.variance == pytest.approx(0.0023, rel=0.1)
    assert tpot.variance == pytest.approx(0.0)


def test_what_tells_nothing_is_left_out():
    """One session, another workload's, a case without accepted figures, a metric that is no more: no spread."""
    assert spreads(at(1, 40.0)) == ()
    assert spreads(at(1, 40.0, workload_hash="w0"), at(2, 44.0)) == ()
    assert spreads(at(1, 40.0, case="x"), at(2, 44.0, case="x")) == ()
    found = spreads(at(1, 40.0), at(2, 44.0), directions={"tpot_ms": TABLE["tpot_ms"]})
    assert len(found) == 1
