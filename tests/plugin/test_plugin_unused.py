"""A case of a baseline file that no benchmark is: warned of where the whole suite is there."""

from __future__ import annotations

import pytest

FILE = """schema: 1
model: scripted
backend: external
cases:
  concurrency[c2]:
    budgets: {ttft_ms.p50: {max: 1000}}
  plain: {}
"""
FILE_LINE = "benchmarks/baselines/scripted--external.yaml:5"
MISSPELT = f"{FILE_LINE}: concurrency[[]c2]: no benchmark of this suite is that case, so it holds"
ARGUMENTS = ("--model=scripted", "--hardware=lab", "--bench-rounds=1")


@pytest.fixture
def run(suite, server, pytester):
    file = pytester.mkdir("benchmarks") / "baselines/scripted--external.yaml"
    file.parent.mkdir()
    file.write_text(FILE)
    return lambda *arguments: suite("--server-url", server.url, *ARGUMENTS, *arguments)


def test_a_misspelt_case_is_warned_of(run):
    """With its line and the case that was meant, though a part of the suite alone is run; one that is there is not."""
    result = run("-k", "plain")
    result.assert_outcomes(passed=2, deselected=2, warnings=1)
    result.stdout.fnmatch_lines([f"*UnusedCaseWarning: {MISSPELT} nothing; did you mean concurrency[[]c02]?"])
    result.stdout.no_fnmatch_line("*: plain: no benchmark*")


def test_where_warnings_are_errors_nothing_is_measured(run):
    """The run ends with the same words."""
    result = run("-W", "error::pytest_inferbench.errors.UnusedCaseWarning")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {MISSPELT}*"])


def test_a_gate_holds_what_it_is_told_to_hold(run):
    """With --require-baseline a case that holds nothing ends the run, as a mistake in the file does."""
    result = run("--require-baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {MISSPELT}*"])


def test_a_part_of_the_suite_knows_nothing_of_the_rest(run):
    """One file of several, or one test by its name: the case may be another one's."""
    run("test_suite.py").assert_outcomes(passed=6)
