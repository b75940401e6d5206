"""`--bench-resume`: an interrupted run is finished, and nothing is measured twice."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_inferbench.document.json_schema import run_schema

SOURCE = """
from pytest_inferbench import Single

def test_one(bench):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4)).check()

def test_two(bench, point):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4)).check()
    point("second, measured and not reported")
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4)).check()

def test_three(bench):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4)).check()
"""
# Notes every measurement, and ends the process with no chance to tidy up at the point that the environment names.
CONFTEST = """
import os, signal
import pytest
import pytest_inferbench.bench.api as api

measure = api.measure

def counted(request, *arguments, **options):
    with open("measured.txt", "a") as file:
        file.write(request.name + "\\n")
    return measure(request, *arguments, **options)

api.measure = counted

def die(point):
    if os.environ.get("DIE_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)

@pytest.fixture
def point():
    return die

@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if report.when == "teardown":
        die(report.nodeid.partition("::")[2].partition("[")[0])
"""


@pytest.fixture
def project(pytester, suite, server, monkeypatch):
    """Run the suite; `die` names where it is killed."""
    pytester.makeconftest(CONFTEST)

    def run(*arguments, die=""):
        monkeypatch.setenv("DIE_AT", die)
        return suite("--server-url", server.url, *arguments, source=SOURCE)

    return run


def measured(pytester):
    return Path(pytester.path, "measured.txt").read_text().split()


@pytest.mark.parametrize(
    ("die", "again", "cases_before"),
    [
        ("test_one", [], ["one"]),
        ("second, measured and not reported", ["two"], ["one"]),
        ("test_one::regression", [], ["one", "two", "two#2", "three"]),
    ],
    ids=["after_a_test", "inside_a_test", "after_a_verdict"],
)
def test_a_killed_run_is_finished(project, pytester, document, die, again, cases_before):
    """Killed at three points, the resumed run gives one whole document, and measures again only what had no report."""
    project(die=die)
    before = document()
    assert before["interrupted"]
    assert [case["case"] for case in before["cases"]] == cases_before
    result = project("--bench-resume", before["run_id"])
    assert result.ret == pytest.ExitCode.OK
    run = document()
    jsonschema.validate(run, run_schema())
    assert run["run_id"] == before["run_id"]
    assert not run["interrupted"]
    assert sorted(case["case"] for case in run["cases"]) == ["one", "three", "two", "two#2"]
    assert sorted(measured(pytester)) == sorted(["one", "two", "two#2", "three", *again])
    assert {case["case"]: case["invocation"] for case in run["cases"]} == {
        name: 1 if name in cases_before else 2 for name in ("one", "two", "two#2", "three")
    }
    assert len(run["invocations"]) == 2
    assert all(any(check["kind"] == "history" for check in case["checks"]) for case in run["cases"])
    for case in run["cases"]:
        assert (pytester.path / "perf" / run["run_id"] / case["records"]).is_file()


def test_a_finished_run_has_nothing_left(project, pytester, document):
    """Resumed, it selects nothing, measures nothing and ends well; a case that fails still fails the run."""
    project()
    ended = project("--bench-resume", "latest")
    assert ended.ret == pytest.ExitCode.OK
    ended.stdout.fnmatch_lines(["resumed: 4 of 4 cases were measured before"])
    assert len(measured(pytester)) == 4
    path = next(Path(pytester.path, "perf").glob("*/run.json"))
    run = json.loads(path.read_text())
    run["cases"][0]["verdict"] = "over_budget"
    path.write_text(json.dumps(run))
    assert project("--bench-resume", run["run_id"]).ret == pytest.ExitCode.TESTS_FAILED


def test_workers_go_by_the_same_reading(project, pytester, document):
    """Under xdist the controller's reading is every worker's: the rest is run, and kept cases are not measured."""
    project("-k", "one or three")
    assert project("--bench-resume", "latest", "-n", "1").ret == pytest.ExitCode.OK
    assert sorted(measured(pytester)) == ["one", "three", "two", "two#2"]
    assert sorted(case["invocation"] for case in document()["cases"]) == [1, 1, 2, 2]


def test_a_run_that_cannot_be_resumed_is_one_clear_error(project, pytester):
    """An unknown run, other options or another machine end the run before it begins, with status 4."""
    project("-k", "one")
    for name, option, said in (
        ("nothing", "-v", "*no run 'nothing' in *perf*"),
        ("latest", "--bench-seed=7", "*begun with --bench-seed 0, and now it is 7*"),
        ("latest", "--bench-family=60", "*begun with --bench-family not given, and now it is 60*"),
        ("latest", "--hardware=other", "*was measured on *, and this is other*"),
    ):
        result = project("--bench-resume", name, option)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([said])
    assert measured(pytester) == ["one"]
    (folder,) = pytester.path.glob("perf/*")
    (pytester.path / "perf" / "victim").mkdir()
    (pytester.path / "perf" / "victim" / "run.json").write_text("precious")
    for other in ("victim", "../../victim"):
        document = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(document | {"run_id": other}))
        result = project("--bench-resume", str(folder))
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*run.json*{other}*"])
    assert (pytester.path / "perf" / "victim" / "run.json").read_text() == "precious"
