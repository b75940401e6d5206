"""The options that write reports."""

from __future__ import annotations

import json

import pytest

ONE_FILE = {
    "json": '{\n  "schema"',
    "csv": "run_id,",
    "markdown": "## ",
    "bencher": '{\n  "plain',
    "html": "<!doctype html>",
    "junit": '<?xml version="1.0" ?>\n<testsuites',
    "openmetrics": "# TYPE inferbench_run_interrupted gauge",
}


def test_each_option_writes_its_file(suite, server, pytester):
    """`--bench-NAME=PATH` writes that report there, from pytest's rootdir, and the summary names it."""
    options = [f"--bench-{name}=out/{name}.txt" for name in ONE_FILE]
    result = suite("--server-url", server.url, "-k", "plain", *options, "--bench-github-action=out/action")
    result.assert_outcomes(passed=2, deselected=2)
    for name, start in ONE_FILE.items():
        assert (pytester.path / f"out/{name}.txt").read_text().startswith(start)
        result.stdout.fnmatch_lines([f"{name}: out/{name}.txt"])
    assert len(list((pytester.path / "out").iterdir())) == len(ONE_FILE) + 1
    units = {
        name: {entry["unit"] for entry in json.loads((pytester.path / f"out/action/{name}-is-better.json").read_text())}
        for name in ("smaller", "bigger")
    }
    assert "ms" in units["smaller"]
    assert "tok/s" in units["bigger"]


def test_an_ini_key_asks_for_a_report_too(suite, server, pytester):
    """What every run shall write stands in the ini file."""
    pytester.makeini("[pytest]\ninferbench_markdown = out/report.md\n")
    suite("--server-url", server.url, "-k", "plain").assert_outcomes(passed=2, deselected=2)
    assert (pytester.path / "out/report.md").exists()


def test_a_report_that_cannot_be_written_fails_the_run_and_no_other(suite, server, pytester):
    """A path in the way is one line of the summary and exit status 1; the other reports are there."""
    (pytester.path / "taken").write_text("")
    result = suite("--server-url", server.url, "-k", "plain", "--bench-csv=taken/x.csv", "--bench-json=run.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["json: run.json", "csv was not written: *taken*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_reports_of_an_interrupted_run_exist_and_say_so(suite, server, pytester):
    """Ctrl+C after the first case leaves the document and the reports, marked."""
    source = """
from pytest_inferbench import Single
def test_one(bench):
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4)).check()
def test_two(bench):
    raise KeyboardInterrupt
"""
    result = suite(
        "--server-url", server.url, "--bench-markdown=out/report.md", "--bench-csv=out/report.csv", source=source
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "1 new, INTERRUPTED before the last case" in (pytester.path / "out/report.md").read_text()
    assert ",true," in (pytester.path / "out/report.csv").read_text()
    result.stdout.fnmatch_lines(["1 new, INTERRUPTED before the last case"])
