"""What an A/A run leaves in the YAML file, and how it is read again."""

from __future__ import annotations

import pytest
from baseline_made import TABLE, YAML, result

from pytest_inferbench.baselines.noise import plan_noise
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.config.parse import parse
from pytest_inferbench.measure.result import Check, Finding
from pytest_inferbench.stats.verdict import Verdict

HARDWARE = "1x-nvidia-h200"
CASE = "concurrency[c08]"
NOTHING = Baseline(HARDWARE, "q.yaml", "h.jsonl", None, None, BaselineFile("qwen3-8b", "vllm", {}), ())
WRITTEN = (
    "noise: {date: 2026-11-21, version: v0.8.1, workload: w1, pairs: 11, "
    "restart_sd: {ttft_ms.p50: 0.0123, tpot_ms.p50: 0.00800}}"
)


def read(text):
    return Baseline(HARDWARE, "q.yaml", "h.jsonl", text, None, read_file(parse(text, "q.yaml"), TABLE), ())


def gate(metric, sd, pairs, verdict=Verdict.OK):
    site = {"pairs": [], "false_alarms_per_100": 5.0} | ({} if sd is None else {"restart_sd": sd})
    return Check(metric, "pairs", verdict, 41.0, comparison={"n": pairs, "site": site})


def aa_run(*checks, **fields):
    """The case after an A/A run of twelve pairs, one of which lacks a TTFT."""
    checks = checks or (gate("ttft_ms.p50", 0.012345, 11), gate("tpot_ms.p50", 0.008, 12))
    return result(checks=checks, **fields)


def plan(baseline, *results):
    return plan_noise(baseline, results, "2026-11-21")


def test_it_stands_beside_the_accepted_figures_and_nothing_else_moves():
    """One line is added under the hardware; reading it again gives the day, the pairs and each figure."""
    update = plan(read(YAML), aa_run())
    assert update.budgets.new == f"{YAML}        {WRITTEN}\n"
    assert update.sessions == {}
    assert update.lines == (
        "concurrency[c08] on 1x-nvidia-h200: noise of 11 pairs",
        "  ttft_ms.p50: one server among its like scatters by none -> 1.23 %",
        "  tpot_ms.p50: one server among its like scatters by none -> 0.800 %",
    )
    noise = read(update.budgets.new).file.cases[CASE].hardware[HARDWARE].noise
    assert noise.restart_sd == {"ttft_ms.p50": 0.0123, "tpot_ms.p50": 0.008}
    assert noise.source == "A/A run of 2026-11-21, 11 pairs"


def test_the_next_run_takes_its_place():
    """A later A/A run replaces the whole entry and says what changed."""
    before = read(f"{YAML}        {WRITTEN}\n")
    update = plan(before, aa_run(gate("ttft_ms.p50", 0.02, 5), version="v0.8.2"))
    assert update.budgets.new.startswith(YAML)
    assert "noise: {date: 2026-11-21, version: v0.8.2, workload: w1, pairs: 5, restart_sd: {ttft_ms.p50: 0.0200}}" in (
        update.budgets.new
    )
    assert "  ttft_ms.p50: one server among its like scatters by 1.23 % -> 2.00 %" in update.lines


def test_it_may_come_before_the_first_session():
    """Without a file one is made, which holds the noise alone and can be read."""
    text = plan(NOTHING, aa_run()).budgets.new
    assert text.endswith(f"      {HARDWARE}:\n        {WRITTEN}\n")
    assert read(text).file.cases[CASE].hardware[HARDWARE].accepted is None


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
    """Arms that differed, too few pairs, an invalid case: the file stays as it is, and people are told why."""
    update = plan(read(YAML), measured)
    assert not update.writes
    (line,) = update.lines
    assert line.startswith(f"concurrency[c08] on 1x-nvidia-h200: noise not recorded: {why}")
