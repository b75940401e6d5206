"""The recipes at work: nights that record, and gates that compare, on a repository with a server of its own.

Everything between the forge and the server under test is real: git, venv, pip, pytest, the command. The server's delays
are scripted, and the nights have dates of their own.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from ci.made_runner import Forge
from plugin.owned import OwnedServer

ROOT = Path(__file__).parents[2]
BRANCH = "inferbench-baselines"
LINES = "benchmarks/baselines/scripted--llama/lab-1.jsonl"
BUDGETS = "benchmarks/baselines/scripted--llama.yaml"
SUITE = """
from pytest_inferbench import Single

async def test_one(bench):
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))).check()
"""
CLOCK = """
import os
from datetime import datetime
from pytest_inferbench.clock import SYSTEM_CLOCK

SYSTEM_CLOCK.wall = lambda: datetime.fromisoformat(os.environ["NIGHT"])
"""
FAST, SLOW = 0.4, 1.0
FIRST = datetime(2026, 3, 2, 2, 17, tzinfo=UTC)


def night(number):
    return (FIRST + timedelta(days=number)).isoformat()


@pytest.fixture
def server(tmp_path):
    """What the jobs measure; its first token alone is gated, since a busy machine moves it least."""
    made = OwnedServer(tmp_path / "server", policy="{gates: [ttft_ms.p50]}")
    made.slower(FAST)
    return made


@pytest.fixture
def forge(tmp_path, server):
    """A repository whose suite measures it, with a system's recipes."""

    def forge(system):
        config = (server.folder / "config/models.yaml").read_text()
        return Forge(tmp_path / "forge", system, config, SUITE, CLOCK)

    return forge


def sessions(forge):
    lines = forge.git(forge.origin, "show", f"{BRANCH}:{LINES}").splitlines()
    return [json.loads(line)["date"] for line in lines]


def test_five_nights_and_a_gate(forge, server):
    """From an empty repository to a gate that lets a pull request through and stops a slower one."""
    github = forge("github")
    first = github.github("benchmarks-nightly", NIGHT=night(0))
    assert first.green, first.said
    assert f"{LINES}: 1 line to {BRANCH}, a new branch" in first.said["Push sessions"]
    assert f"{BUDGETS}: not committed; review its budgets" in first.said["Push sessions"]
    assert {BUDGETS, LINES, "perf/summary.md"} <= set(first.kept)
    people = github.clone("reviewed")
    (people / BUDGETS).write_bytes((first.folder / BUDGETS).read_bytes())
    github.commit(people, "budgets")

    for number in range(1, 5):
        job = github.github("benchmarks-nightly", installed=True, NIGHT=night(number))
        assert f"{LINES}: {number} line" in job.said["Pull sessions"]
        assert f"{LINES}: 1 line to {BRANCH}\n" == job.said["Push sessions"]
    assert sessions(github) == [night(number) for number in range(5)]
    assert github.git(github.origin, "ls-tree", "-r", "--name-only", BRANCH) == f"{LINES}\n"

    gate = github.github("benchmarks-gate", installed=True, NIGHT=night(5))
    assert gate.green, gate.said
    assert gate.outcomes["Show"] == "success"
    server.slower(SLOW)
    stopped = github.github("benchmarks-gate", installed=True, NIGHT=night(5))
    assert stopped.outcomes["Measure and gate"] == "failure"
    assert "regressed" in stopped.summary.lower()
    assert "ttft_ms.p50" in stopped.summary
    assert len(sessions(github)) == 5, "a gate records nothing"


def test_gitlab_night_and_gate(forge, server):
    """The same on GitLab: a token of its own pushes, a red night ends well, the merge request gets its files."""
    gitlab = forge("gitlab")
    first = gitlab.gitlab("benchmarks-nightly", NIGHT=night(0), BENCHMARKS_TOKEN="secret")  # noqa: S106 - as made_runner has it
    assert first.green, first.said
    assert f"1 line to {BRANCH}, a new branch" in first.said["benchmarks-nightly"]
    people = gitlab.clone("reviewed")
    (people / BUDGETS).write_bytes((first.folder / BUDGETS).read_bytes())
    gitlab.commit(people, "budgets")
    server.slower(SLOW)
    red = gitlab.gitlab("benchmarks-nightly", NIGHT=night(1))
    assert not red.green, "its budgets are not kept"
    assert "OVER BUDGET" in red.said["benchmarks-nightly"]
    assert red.said["benchmarks-nightly"].endswith("nothing to push: no line is new here\n"), "such a night is no level"
    gate = gitlab.gitlab("benchmarks-gate", NIGHT=night(1))
    assert not gate.green
    assert {"perf/junit.xml", "perf/metrics.txt", "perf/report.html"} <= set(gate.kept)
    suite = ET.parse(gate.folder / "perf/junit.xml").getroot()[0]  # noqa: S314 - our own file
    assert int(suite.get("failures")) >= 1


def test_a_gate_before_the_first_night(forge):
    """Nothing is recorded, so nothing may pass: the page and the failure say why."""
    early = forge("github").github("benchmarks-gate", NIGHT=night(0))
    assert early.outcomes["Measure and gate"] == "failure"
    assert f"origin has no branch {BRANCH} yet" in early.said["Pull sessions"]
    said = early.said["Measure and gate"]
    assert re.search(r"^  failed by +--require-baseline$", said, re.MULTILINE), said
    assert "on lab-1" in said
    assert early.summary.startswith("## ❌ 1 NEW (--require-baseline)\n")
    assert "perf/report.html" in early.kept


def test_an_install_that_fails_is_told_and_nothing_else_fails(forge):
    """The page says that nothing was measured; no step of those that always run adds an error of its own."""
    github = forge("github")
    people = github.clone("typo")
    for recipe in people.glob(".github/workflows/*.yml"):
        recipe.write_text(recipe.read_text().replace(".whl", ".typo"))
    github.commit(people, "a typo")
    for recipe in ("benchmarks-gate", "benchmarks-nightly"):
        job = github.github(recipe)
        assert [name for name, outcome in job.outcomes.items() if outcome == "failure"] == ["Install"]
        assert job.summary == "Nothing was measured; the log says why.\n"
        assert job.kept == ["benchmarks/baselines/README.md"]


def test_the_action_is_the_same_in_one_step(forge):
    """Its inputs reach the steps: its own checkout as the package, the machine's name, pytest's options."""
    github = forge("github")
    action = YAML(typ="safe").load(ROOT / "action.yml")
    inputs = {name: given.get("default", "") for name, given in action["inputs"].items()}
    inputs |= {"hardware": "lab-1", "record": "true", "options": "--bench-csv=perf/all.csv"}
    job = github.action(action, inputs, NIGHT=night(0))
    assert job.green, job.said
    assert job.outcomes["Measure and gate"] == "skipped"
    assert sessions(github) == [night(0)]
    assert "perf/all.csv" in job.kept
    gate = github.action(action, {**inputs, "record": "false"}, NIGHT=night(1))
    assert gate.green, gate.said
    assert (gate.outcomes["measure"], gate.outcomes["Push sessions"]) == ("skipped", "skipped")
