"""What an A/A run leaves, and how it is read again."""

from __future__ import annotations

import pytest

from baselines.baseline_made import CASE, YAML, baseline, result, session
from made.cases import comparison
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.noise import noise_source, plan_noise
from pytest_inferbench.document.comparison import Site
from pytest_inferbench.document.figures import Check, Finding
from pytest_inferbench.stats.verdict import Verdict


def gate(metric, sd, pairs, verdict=Verdict.OK):
    site = Site(pairs=(), false_alarms_per_100=5.0, restart_sd=sd)
    return Check(metric, "pairs", verdict, 41.0, comparison=comparison(n=pairs, site=site))


def aa_run(*checks, **fields):
    """The case after an A/A run of twelve pairs, one of which lacks a TTFT."""
    checks = checks or (gate("ttft_ms.p50", 0.012345, 11), gate("tpot_ms.p50", 0.008, 12))
    return result(checks=checks, **fields)


def plan(files, *results, day=21):
    return plan_noise(files, results, f"run-{day}", f"2025-01-{day}T02:00:00+00:00")


def added(update):
    (edit,) = update.lines.values()
    return edit.add


def test_it_is_one_line():
    """Nothing of people's is written; the line gives the day, the pairs and each figure."""
    update = plan(baseline(YAML, session()), aa_run())
    assert update.file is None
    (line,) = added(update)
    assert line == Noise(
        id="run-21",
        date="2025-01-21T02:00:00+00:00",
        case=CASE,
        version="v0.8.1",
        workload_hash="w1",
        pairs=11,
        restart_sd={"ttft_ms.p50": 0.0123, "tpot_ms.p50": 0.008},
    )
    assert update.notes == (
        "concurrency[c08] on 1x-nvidia-h200: noise of 11 pairs",
        "  ttft_ms.p50: one server among its like scatters by none -> 1.23 %",
        "  tpot_ms.p50: one server among its like scatters by none -> 0.800 %",
    )


def test_the_runs_behind_a_share_are_named():
    """One run by its day, pairs and gates; several by the range of theirs."""
    (first,) = added(plan(baseline(), aa_run()))
    (later,) = added(plan(baseline(), aa_run(gate("ttft_ms.p50", 0.02, 5)), day=23))
    assert noise_source([first], 1) == "A/A run of 2025-01-21, 11 pairs, 1 gate"
    assert noise_source([later, first], 3) == "A/A runs of 2025-01-21 to 2025-01-23, 5 to 11 pairs, 3 gates"


def test_the_latest_counts():
    """A later A/A run takes the place of an earlier one, in whatever order a merge left their lines."""
    (first,) = added(plan(baseline(), aa_run()))
    update = plan(baseline(None, first), aa_run(gate("ttft_ms.p50", 0.02, 5)), day=23)
    assert "  ttft_ms.p50: one server among its like scatters by 1.23 % -> 2.00 %" in update.notes
    (second,) = added(update)
    assert baseline(None, second, first).of(CASE).noise is second


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        (aa_run(gate("ttft_ms.p50", 0.01, 5, Verdict.REGRESSED)), "ttft_ms.p50 differed between two servers that are"),
        (aa_run(gate("ttft_ms.p50", 0.01, 5, Verdict.IMPROVED)), "ttft_ms.p50 differed between two servers that are"),
        (aa_run(gate("ttft_ms.p50", None, 3)), "no gate has enough pairs"),
        (aa_run(validity=(Finding("x", True, "m", "r"),)), "the measurement is invalid"),
    ],
)
def test_what_says_nothing_of_the_noise_is_not_recorded(measured, why):
    """Arms that differed, too few pairs, an invalid case: nothing is written, and people are told why."""
    update = plan(baseline(YAML), measured)
    assert not update.writes
    (line,) = update.notes
    assert line.startswith(f"concurrency[c08] on 1x-nvidia-h200: noise not recorded: {why}")
