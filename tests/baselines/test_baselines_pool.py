"""What the accepted sessions of other models say of a hardware's noise."""

from __future__ import annotations

import pytest

from baselines.baseline_made import TABLE, YAML, baseline, session
from pytest_inferbench.baselines.pool import accepted_spreads
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.rule import Kind


def spreads(*sessions, text=YAML, directions=TABLE):
    return accepted_spreads(baseline(text, *sessions), directions)


def at(number, ttft, **fields):
    figures = {"ttft_ms.p50": [ttft], "tpot_ms.p50": [6.1], "e2e_ms.p50": [90.0 * number]}
    return session(number, rounds=figures, **fields)


def test_gated_figures_count_whoever_is_selected():
    """Each gate of a case's last session is one spread, known by its file too, whatever the file's gates are now."""
    found = spreads(at(1, 40.0), at(2, 44.0), at(3, 42.0))
    assert [(each.case, each.kind, each.df) for each in found] == [("concurrency[c08] of q.yaml", Kind.TYPICAL, 2)] * 2
    ttft, tpot = found
    assert ttft.variance == pytest.approx(0.0023, rel=0.1)
    assert tpot.variance == pytest.approx((0.1 / 6.1) ** 2 / 12), "equal figures with one decimal may differ by that"


def test_an_older_session_counts_by_the_gates_of_today():
    """Lines of version 1 do not say their gates: the file's hold, else the built-in ones."""
    gated = "schema: 1\nmodel: m\nbackend: b\ncases:\n  concurrency[c08]: {gates: [e2e_ms.p50]}\n"
    sessions = at(1, 40.0, gates=None), at(2, 44.0, gates=None)
    table = {**TABLE, "e2e_ms": METRICS["e2e_ms"]}
    own = accepted_spreads(baseline(gated, *sessions, metrics=table), table)
    assert [each.variance > 0.1 for each in own] == [True], "e2e_ms doubled"
    assert len(spreads(*sessions, text=None)) == 2


def test_what_tells_nothing_is_left_out():
    """One session, another workload's, a metric that is no more: no spread."""
    assert spreads(at(1, 40.0)) == ()
    assert spreads(at(1, 40.0, workload_hash="w0"), at(2, 44.0)) == ()
    found = spreads(at(1, 40.0), at(2, 44.0), directions={"tpot_ms": TABLE["tpot_ms"]})
    assert len(found) == 1
