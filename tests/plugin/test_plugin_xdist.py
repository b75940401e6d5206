"""Benchmarks under xdist as a user meets them: which scheduler runs, and what becomes of a crash."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_inferbench.plan.scheduling import cell_of

CONFIG = """
defaults: {backend: external, backends: {external: {url: 'http://127.0.0.1:9'}}}
models:
  - {name: one, repo_id: org/one}
  - {name: two, repo_id: org/two}
  - {name: two-big, repo_id: org/two-big}
"""
# The suite's own fixture stands in for ours, so no cell needs a server.
NOTING = """
import os, pytest

@pytest.fixture(scope="session")
def inferbench_cell(request):
    return request.param

def note(request):
    with open("notes.txt", "a") as notes:
        notes.write(f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')} {request.node.nodeid}\\n")
"""
SUITE = """
import pytest
from conftest import note

@pytest.mark.parametrize("case", ["a", "b"])
def test_one(inferbench_cell, request, case):
    note(request)

def test_two(inferbench_cell, request):
    note(request)

@pytest.mark.parametrize("number", range(6))
def test_plain(request, number):
    note(request)
"""
CRASHING = """
import os, pytest
from conftest import note

@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_it(inferbench_cell, request, case):
    note(request)
    if request.node.nodeid.endswith("external-running-two-b]"):
        os._exit(3)
"""


@pytest.fixture
def three_cells(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """A project of three cells that need no server, and a run of it."""
    monkeypatch.delenv("CI", raising=False)
    (pytester.mkdir("config") / "models.yaml").write_text(CONFIG)
    pytester.makeconftest(NOTING)

    def run(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_suite=source)
        Path(pytester.path, "notes.txt").unlink(missing_ok=True)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=120)

    return run


def notes(pytester: pytest.Pytester) -> dict[str, str]:
    """Node id -> the worker it ran on; each ran once."""
    lines = [line.split(" ", 1) for line in (pytester.path / "notes.txt").read_text().splitlines()]
    ran = {nodeid: worker for worker, nodeid in lines}
    assert len(ran) == len(lines), "a test ran twice"
    return ran


@pytest.mark.parametrize("arguments", [["-n2"], ["-n3", "--dist=loadgroup"]], ids=" ".join)
def test_the_tests_of_a_cell_run_on_one_worker(three_cells, pytester: pytest.Pytester, arguments):
    """Whatever --dist says, each test runs once and no cell is spread over workers."""
    three_cells(SUITE, *arguments).assert_outcomes(passed=15)
    ran = notes(pytester)
    assert len(ran) == 15
    for cell in ("external-running-one", "external-running-two", "external-running-two-big"):
        known = ("external-running-one", "external-running-two", "external-running-two-big")
        assert len({worker for nodeid, worker in ran.items() if cell_of(nodeid, known) == cell}) == 1


def test_without_benchmarks_the_scheduler_is_xdists(three_cells, pytester: pytest.Pytester):
    """A run that selects none of them has the scheduler it asked for, and the config is not read."""
    (pytester.path / "config/models.yaml").write_text("models: [\n")
    source = (
        "import pytest\n@pytest.mark.parametrize('one', ['llama-installed-tiny-x', 'y'])\ndef test_it(one):\n    pass\n"
    )
    result = three_cells(source, "-n2", "-v", "--dist=loadscope")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["scheduling tests via LoadScopeScheduling"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_crash_loses_nothing_and_every_test_is_told(three_cells, pytester: pytest.Pytester, workers):
    """The killer is an error and not run again, the rest of its cell is an error that names it, the others pass."""
    result = three_cells(CRASHING, "-n", workers, "--junitxml=out.xml", "-rE")
    result.assert_outcomes(passed=7, errors=2)
    killer = "test_suite.py::test_it[external-running-two-b]"
    result.stdout.fnmatch_lines(
        [
            f"*worker 'gw*' crashed while running '{killer.replace('[', '[[]')}'",
            f"*not run: its xdist worker crashed while it ran {killer.replace('[', '[[]')} on the same server*",
        ]
    )
    ran = notes(pytester)
    assert len(ran) == 8
    assert "test_suite.py::test_it[external-running-two-c]" not in ran
    assert (pytester.path / "out.xml").read_text().count("<testcase ") == 9
    run = json.loads(max(pytester.path.glob("perf/*/run.json"), key=os.path.getmtime).read_text())
    assert [error["id"].rpartition("-")[2] for error in run["errors"]] == ["b]", "c]"]


def test_without_another_worker_every_test_is_told_all_the_same(three_cells):
    """Where xdist may not start another worker, what was not run is an error."""
    result = three_cells(CRASHING, "-n1", "--max-worker-restart=0")
    result.assert_outcomes(passed=4, errors=5)
    result.stdout.fnmatch_lines(["*not run: its xdist worker crashed and no other could take the test over*"])


def test_an_xdist_that_is_too_old_is_one_clear_error(three_cells, pytester: pytest.Pytester):
    """The message says which it is and what to do; nothing runs."""
    with (pytester.path / "conftest.py").open("a") as conftest:
        conftest.write("\nimport pytest_inferbench.plugin.xdist as ours\nours.version = lambda name: '3.6.1'\n")
    result = three_cells(SUITE, "-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: pytest-xdist 3.6.1 is too old*pip install 'pytest-inferbench[[]xdist[]]'"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (pytester.path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("nodeid", "cell"),
    [
        ("b/test_x.py::test_x[llama-b1-tiny-c08]", "llama-b1-tiny"),
        ("b/test_x.py::test_x[llama-b1-tiny]", "llama-b1-tiny"),
        ("b/test_x.py::test_x[llama-b1-tiny-big-c08]", "llama-b1-tiny-big"),
        ("b/test_x.py::test_x::regression[llama-b1-tiny-big-c08]", "llama-b1-tiny-big"),
        ("b/test_x.py::test_x[c08-llama-b1-tiny]", "llama-b1-tiny"),
        ("b/test_x.py::test_x[llama-b1-tinyest-c08]", None),
        ("b/test_x.py::test_x[ik_llama-b1-tiny]", None),
        ("b/llama-b1-tiny/test_x.py::test_x", None),
        ("b/llama-b1-tiny/test_x.py::test_x[1]", None),
    ],
)
def test_a_cell_is_the_longest_known_id_among_the_parameters(nodeid, cell):
    """No other part of a node id counts, and no part of a longer word."""
    assert cell_of(nodeid, ("llama-b1-tiny", "llama-b1-tiny-big")) == cell


TIMED = """
import os, time
import pytest_inferbench.bench.rounds as run

real = run.CaseRunner.run

def timed(self, plan):
    begin = time.monotonic_ns()
    yield from real(self, plan)
    with open("notes.txt", "a") as notes:
        notes.write(f"{begin} {time.monotonic_ns()} {os.environ['PYTEST_XDIST_WORKER']}\\n")

run.CaseRunner.run = timed
"""
MEASURING = """
import pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["a", "b"])
def test_it(bench, case):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4), rounds=1)
"""


def test_on_one_machine_nothing_is_measured_at_the_same_time(pytester: pytest.Pytester, server, monkeypatch):
    """Two workers measure two cells on servers of this machine: one case after the other."""
    monkeypatch.setenv("INFERBENCH_CACHE", str(pytester.path / "cache"))
    (pytester.mkdir("config") / "models.yaml").write_text(
        f"defaults: {{backend: external, backends: {{external: {{url: '{server.url}'}}}}}}\n"
        "models:\n  - {repo_id: served, name: one}\n  - {repo_id: served, name: two}\n"
    )
    pytester.makeconftest(TIMED)
    pytester.makepyfile(test_it=MEASURING)
    pytester.runpytest_subprocess("-n2", "-p", "no:cacheprovider", timeout=120).assert_outcomes(passed=8)
    lines = [line.split() for line in (pytester.path / "notes.txt").read_text().splitlines()]
    assert len({worker for *_, worker in lines}) == 2
    sections = sorted((int(begin), int(end)) for begin, end, _ in lines)
    for (_, end), (begin, _) in pairwise(sections):
        assert end <= begin
