"""Earlier runs, found by what people call them, and their records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made.cases import case, document
from pytest_inferbench.archive.request_log import with_records
from pytest_inferbench.archive.results_folder import run_files
from pytest_inferbench.archive.runs import find_run, read_run, records_reader
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.json_report import to_text


@pytest.fixture
def results(tmp_path):
    for run in ("20260101-000000-aaaa", "20260102-000000-bbbb", "20260102-000000-bbcc"):
        folder = tmp_path / run
        folder.mkdir()
        (folder / "run.json").write_text(to_text(document((case("single"),), run_id=run)))
    return tmp_path


def test_a_run_is_found_by_what_people_call_it(results) -> None:
    """Its id, the beginning of one, `latest`, its folder or its file."""
    first = results / "20260101-000000-aaaa/run.json"
    for name in ("20260101-000000-aaaa", "20260101", str(first.parent), str(first)):
        assert find_run(results, name) == first
    assert find_run(results, "latest") == run_files(results)[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("20260102", r"is not one run in .*bbbb, 20260102-000000-bbcc\. Give more of its id"),
        ("20260101-000000-aaab", r"no run .*; there are: 20260101-000000-aaaa.* the path of a run\.json"),
    ],
)
def test_what_is_no_run_says_what_there_is(results, name, said) -> None:
    """An id that is not enough, or that is not there."""
    with pytest.raises(InferbenchError, match=said):
        find_run(results, name)


def test_a_document_is_read_as_it_was_written(results) -> None:
    """With its path for what is wrong with it."""
    run = read_run(find_run(results, "20260101"))
    assert run.document == document((case("single"),), run_id="20260101-000000-aaaa")
    run.path.write_text("{}")
    with pytest.raises(InferbenchError, match=r"aaaa/run\.json: not a run document"):
        read_run(run.path)


def test_records_are_read_from_the_runs_folder_alone(tmp_path) -> None:
    """A case without records, or whose file is gone, has none; one that names a file elsewhere is refused."""
    kept = with_records(case("single"), [], tmp_path)
    read = records_reader(tmp_path)
    found = read(kept)
    assert (found.case, found.rounds) == ("single", ())
    assert read(case("single")) is None
    assert read(replace(kept, records="records/gone.jsonl.gz")) is None
    with pytest.raises(InferbenchError, match=r"records '\.\./x' is outside of the run's folder"):
        read(replace(kept, records="../x"))


def test_a_disk_that_is_full_costs_the_records_alone(tmp_path) -> None:
    """The case says that they were not written, and keeps its figures."""
    (tmp_path / "records").write_text("a file where the folder should be")
    kept = with_records(case("single"), [], tmp_path)
    assert kept.records is None
    assert kept.notes[-1].startswith("its request records were not written: ")
