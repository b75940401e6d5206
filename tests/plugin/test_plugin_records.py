"""Each case's request records lie beside the run document."""

from __future__ import annotations

from pathlib import Path

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


def test_records_that_cannot_be_written_cost_the_file_alone(suite, server, document, pytester):
    """A folder that cannot be had is a note in the result; the case is measured and judged."""
    source = """
from pytest_inferbench import Single
def test_plain(bench):
    bench._context.folder.mkdir(parents=True)
    (bench._context.folder / "records").write_text("in the way")
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4)).check()
"""
    suite("--server-url", server.url, source=source).assert_outcomes(passed=2)
    case = document()["cases"][0]
    assert "records" not in case
    assert any(note.startswith("its request records were not written:") for note in case["notes"])
