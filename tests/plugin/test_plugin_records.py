"""Each case's request records lie beside the run document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_inferbench.report.sidecar import unpack


def test_every_case_names_its_records_file(suite, server, document, pytester):
    """The document names a file for each case, which holds every request of every round with its chunk arrivals."""
    suite("--server-url", server.url, "-k", "plain or c02").assert_outcomes(passed=4, deselected=1)
    cases = document()["cases"]
    folder = next(Path(pytester.path, "perf").iterdir())
    assert len({case["records"] for case in cases}) == 2
    for case, requests in zip(cases, (4, 8), strict=True):
        read = unpack((folder / case["records"]).read_bytes(), case["records"])
        assert read.case == case["case"]
        assert [len(round_.requests) for round_ in read.rounds] == [requests, requests]
        assert all(len(record.output_ns) == 4 for round_ in read.rounds for record in round_.requests)
    assert {path.suffix for path in (folder / "records").iterdir()} == {".gz"}


def test_an_xdist_worker_writes_the_records_of_its_own_cases(suite, server, document, pytester):
    """With workers the files are in the same folder."""
    suite("--server-url", server.url, "-k", "plain", "-n", "1").assert_outcomes(passed=2)
    folder = next(Path(pytester.path, "perf").iterdir())
    assert (folder / document()["cases"][0]["records"]).is_file()


def test_records_that_cannot_be_written_are_put_elsewhere(suite, server, document, pytester):
    """A folder that cannot be had is a note in the result that says where they are; the run fails."""
    source = """
from pytest_inferbench import Single
def test_plain(bench):
    bench._context.folder.mkdir(parents=True)
    (bench._context.folder / "records").write_text("in the way")
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4)).check()
"""
    result = suite("--server-url", server.url, source=source)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    case = document()["cases"][0]
    assert "records" not in case
    (note,) = [note for note in case["notes"] if note.startswith("its request records were not written:")]
    assert Path(note.rpartition(" ")[2]).is_file()


def test_a_run_document_that_cannot_be_written_is_put_elsewhere(suite, server, pytester, tmp_path, monkeypatch):
    """The run fails, and says where what it measured is."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    source = """
import shutil
from pytest_inferbench import Single
def test_plain(bench):
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4)).check()
    shutil.rmtree(bench._context.folder)
    bench._context.folder.write_text("in the way")
"""
    result = suite("--server-url", server.url, source=source)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (told,) = [line for line in result.outlines if line.startswith("run.json was not written: ")]
    kept = Path(told.rpartition(" ")[2])
    assert kept.is_relative_to(tmp_path)
    assert json.loads(kept.read_text())["cases"][0]["rounds"]
    result.stdout.fnmatch_lines([f"report: {kept}"])


def test_results_that_have_no_place_end_the_run_before_it_begins(suite, server, pytester):
    """Nothing is measured where nothing could be kept."""
    Path(pytester.path, "perf").write_text("in the way")
    result = suite("--server-url", server.url)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --bench-results: perf: nothing can be written there: *exists*"])
