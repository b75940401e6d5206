"""Cells on real servers under xdist: each server starts once, outcomes are the same, a crash costs one cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import psutil
import pytest

pytestmark = pytest.mark.e2e

MODELS = ("one", "two", "three")
CONFIG = "models:\n" + "".join(f"  - {{path: 'builtin:tiny', name: {name}, backend: llama}}\n" for name in MODELS)
SUITE = """
import os, pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["a", "b"])
async def test_it(bench, case):
    result = await bench.run(Single(requests=3, prompt_tokens=32, output_tokens=4), rounds=1)
    assert case == "a" or result.case.model != "two"

def test_plain():
    pass
"""
CRASHING = """
import os, pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["a", "b", "c"])
async def test_it(bench, backend, case):
    await bench.run(Single(requests=3, prompt_tokens=32, output_tokens=4), rounds=1)
    if backend.model == "two" and case == "b":
        os._exit(3)
"""
MARK = "INFERBENCH_TEST_RUN"  # inherited by everything a run starts, and by nothing else
_PATIENCE_S = 180


class Project:
    """A user's folder."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "config").mkdir()
        (folder / "config/models.yaml").write_text(CONFIG)

    def run(self, source, *arguments):
        """The outcome of each test by its id, as JUnit tells it."""
        (self.folder / "test_suite.py").write_text(source)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=out.xml", *arguments],
            cwd=self.folder,
            env={**os.environ, MARK: str(self.folder)},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        cases = list(ET.parse(self.folder / "out.xml").getroot().iter("testcase"))  # noqa: S314 - our own file
        outcomes = {
            case.get("name"): ({node.tag for node in case} & {"failure", "error"}) or "passed" for case in cases
        }
        assert len(outcomes) == len(cases), "a test was told twice"
        return outcomes

    def starts(self):
        """How often the newest run started a server of each model: each start has a log of its own."""
        logs = [path.stem for path in max(self.folder.glob("perf/*/servers")).iterdir()]
        return {name: sum(log.startswith(f"llama-{name}-") for log in logs) for name in MODELS}

    def document(self):
        return json.loads(max(self.folder.glob("perf/*/run.json")).read_text(encoding="utf-8"))

    def processes(self):
        """Processes of this folder's runs that are still there."""
        left = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder):
                    left.append(process)
            except psutil.Error:
                continue
        return psutil.wait_procs(left, timeout=10)[1]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_each_server_starts_once_and_outcomes_are_the_same(project):
    """With two and with three workers: one start a cell, and what passes and fails is what does in one process."""
    alone = project.run(SUITE)
    assert alone["test_it[llama-installed-two-b]"] == {"failure"}
    assert list(alone.values()).count("passed") == 6
    for workers in ("2", "3"):
        assert project.run(SUITE, "-n", workers) == alone
        assert project.starts() == dict.fromkeys(MODELS, 1)
        assert len(project.document()["cases"]) == 6
    assert project.processes() == []


@pytest.mark.parametrize("workers", ["2", "3"])
def test_a_worker_that_is_killed_costs_its_cell_and_nothing_else(project, workers):
    """The run ends; what had finished is in the document, every test is told, no process stays."""
    outcomes = project.run(CRASHING, "-n", workers)
    lost = {"test_it[llama-installed-two-b]", "test_it[llama-installed-two-c]"}
    assert {name for name, outcome in outcomes.items() if outcome == {"error"}} == lost
    assert list(outcomes.values()).count("passed") == 7
    assert len(project.document()["cases"]) == 7
    assert project.starts() == dict.fromkeys(MODELS, 1)
    assert project.processes() == []
