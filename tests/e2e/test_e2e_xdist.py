"""Cells on real servers under xdist: each server starts once, outcomes are the same, a crash costs one cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from xml.etree import ElementTree as ET

import psutil
import pytest

from pytest_inferbench.servers.owner import RUN

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

    def __init__(self, folder, config=CONFIG):
        self.folder = folder
        (folder / "config").mkdir(exist_ok=True)
        (folder / "config/models.yaml").write_text(config)

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


DOCKER = "defaults: {backends: {llama: {provision: docker, version: 2026.10.11549}}}\n"


def events(docker_api, project, since):
    """What the engine did to containers of this folder's runs since then: (action, model), in its order."""
    runs = {path.name for path in project.folder.glob("perf/*")}
    told = docker_api.events(since=since, until=docker_api_time(docker_api), decode=True, filters={"label": RUN})
    mine = [one for one in told if one["Actor"]["Attributes"][RUN] in runs]
    names = {one["id"]: one["Actor"]["Attributes"]["name"] for one in mine}
    return [(one["Action"], names[one["id"]]) for one in mine if one["Action"] in ("start", "destroy")]


def docker_api_time(docker_api):
    """Now, by the engine's clock."""
    return datetime.fromisoformat(f"{docker_api.info()['SystemTime'][:26]}+00:00").timestamp()


@pytest.mark.parametrize("workers", ["2", "3"])
def test_each_container_starts_once(tmp_path, docker_api, workers):
    """The engine's own account: three starts for three cells, and as many removals."""
    project, since = Project(tmp_path, DOCKER + CONFIG), docker_api_time(docker_api)
    outcomes = project.run(SUITE, "-n", workers)
    assert list(outcomes.values()).count("passed") == 12
    told = events(docker_api, project, since)
    assert [action for action, _ in told].count("start") == 3
    assert [action for action, _ in told].count("destroy") == 3


def test_a_crashed_worker_s_container_is_gone_before_the_next_cell_starts(tmp_path, docker_api):
    """Else the next server would meet it on its GPU."""
    project, since = Project(tmp_path, DOCKER + CONFIG), docker_api_time(docker_api)
    outcomes = project.run(CRASHING, "-n", "1")
    assert list(outcomes.values()).count("passed") == 13
    actions = [action for action, _ in events(docker_api, project, since)]
    assert actions == ["start", "destroy"] * 3


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_each_server_starts_once_and_outcomes_are_the_same(project):
    """With two and with three workers: one start a cell, and what passes and fails is what does in one process."""
    alone = project.run(SUITE)
    assert alone["test_it[llama-installed-two-b]"] == {"failure"}
    assert list(alone.values()).count("passed") == 12
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
    lost |= {f"regression[llama-installed-two-{case}]" for case in "abc"}
    assert {name for name, outcome in outcomes.items() if outcome == {"error"}} == lost
    assert list(outcomes.values()).count("passed") == 13
    assert len(project.document()["cases"]) == 7
    assert project.starts() == dict.fromkeys(MODELS, 1)
    assert project.processes() == []
