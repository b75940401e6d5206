"""Tests that fail by themselves, budgets that are not kept, and paths of reports that cannot be written to."""

from __future__ import annotations

import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

FAILING = """
from pytest_inferbench import Budget, Single

SHORT = Single(requests=4, prompt_tokens=16, output_tokens=4)

async def test_asserts(bench):
    result = await bench.run(SHORT)
    assert result.metrics["ttft_ms"].p50 < 0

async def test_misspells(bench):
    (await bench.run(SHORT)).metrics["ttft"]

async def test_lacks(bench):
    (await bench.run(SHORT)).metrics["goodput_per_s"]

async def test_over(bench):
    (await bench.run(SHORT, budgets=[Budget("ttft_ms.p50", "max", 1)])).check()
"""


def test_a_test_that_fails_by_itself_stands_in_every_report(suite, server, document, pytester):
    """The measured case stays, and the run says that its test failed and by what."""
    result = suite(
        "--server-url", server.url, "--bench-junit=junit.xml", "-k", "asserts or misspells or lacks", source=FAILING
    )
    result.assert_outcomes(failed=3, passed=3, deselected=1)
    found = {entry["id"].split("::")[1].split("[")[0]: entry["message"] for entry in document()["errors"]}
    assert found["test_asserts"].startswith("the test failed: AssertionError: assert ")
    assert found["test_misspells"] == (
        "the test failed: AbsentMetricError: result.metrics: unknown metric 'ttft'; did you mean 'ttft_ms'?"
    )
    assert found["test_lacks"] == (
        "the test failed: AbsentMetricError: result.metrics: goodput_per_s was not measured; it needs limits on single "
        "requests (slo)"
    )
    assert len(document()["cases"]) == 3
    result.stdout.fnmatch_lines(["3 new, 3 ERRORS"])
    tree = ET.fromstring((pytester.path / "junit.xml").read_text())  # noqa: S314 - ours
    assert sum(len(case.findall("error")) for case in tree.iter("testcase")) == 3


def test_a_budget_that_is_not_kept_says_where_to_look_and_what_to_run(suite, server, document):
    """In the test's own text, and in the run document for the reports of a pipeline."""
    result = suite("--server-url", server.url, "-k", "over", "--bench-markdown=summary.md", source=FAILING)
    result.assert_outcomes(failed=1, passed=1, deselected=3)
    (case,) = document()["cases"]
    steps = {step["label"]: step["text"] for step in case["next_steps"]}
    assert list(steps) == ["requests", "page", "run again", "the limit"]
    for label, text in steps.items():
        assert f"{label:<9}  {text}" in result.stdout.str()
    assert steps["page"].endswith("--format html --output page.html")
    assert steps["run again"].startswith("pytest 'test_suite.py::test_over[")


@pytest.mark.parametrize(
    ("option", "path", "message"),
    [
        ("--bench-html", "there", "--bench-html there (command line): a folder is there; name a file"),
        ("--bench-openmetrics", "there", "--bench-openmetrics there (command line): a folder is there; name a file"),
    ],
)
def test_a_report_that_could_not_be_written_ends_the_run_before_it_begins(
    suite, server, pytester, option, path, message
):
    """Nobody measures for an hour to be told that the report's path is a folder."""
    pytester.mkdir("there")
    result = suite("--server-url", server.url, option, path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert not list(pytester.path.glob("perf/*"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_where_sessions_lie_on_a_branch_recording_pulls_and_pushes(suite, server, document, pytester):
    """What records a new case starts from the branch's lines, gives it the new ones, and fails by nothing itself."""
    git = ["git", "-C", str(pytester.path), "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a suite"], check=True)
    subprocess.run([*git, "update-ref", "refs/inferbench/perf/history", "HEAD"], check=True)
    result = suite("--server-url", server.url, "--require-baseline", "-k", "plain")
    result.assert_outcomes(failed=1, passed=1, deselected=2)
    lines = [line.strip() for line in result.stdout.lines]
    place = next(at for at, line in enumerate(lines) if line.startswith("record one"))
    pull, record, push = (line.removeprefix("record one").strip() for line in lines[place : place + 3])
    assert (pull, push) == tuple(f"inferbench baselines {what} --branch perf/history" for what in ("pull", "push"))
    node = "test_suite.py::test_plain[external-running-served]"
    assert record == f"pytest '{node}' --server-url {server.url} --bench-rounds 2 --update-baselines"
