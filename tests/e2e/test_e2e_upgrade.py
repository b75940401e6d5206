"""The story of an upgrade on the real llama.cpp: three nights, a faster build that is accepted, budgets that follow."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.e2e

OLD, NEW = "2026.7.9873", "2026.10.11549"
# Eight streams on one slot wait for each other, on eight they do not: no machine is so noisy that this does not show.
LOAD = """
from pytest_inferbench import Concurrency

async def test_concurrency(bench):
    (await bench.run(Concurrency(streams=8, requests=24, prompt_tokens=32, output_tokens=48))).check()
"""
PEOPLES = """\
schema: 1
model: tiny
backend: llama
cases:
  concurrency:   # a share fits every machine
    budgets: {ttft_ms.p50: {max: +100 %}}
    gates: [ttft_ms.p50]
    policy: {margin: 0.9, resolve: 9.0}
"""


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_accepted_upgrade_moves_the_relative_budgets(project):
    """After it the old build is over budget; git has seen lines being added, and people's file as it was."""
    project.write("test_it.py", LOAD)
    project.write("benchmarks/baselines/tiny--llama.yaml", PEOPLES)
    git(project, "init", "-q")
    for night in (1, 2, 3):
        check = session(project, OLD, 1)
        assert (check["verdict"], "limit" in check) == (("new", False) if night == 1 else ("within_budget", True))
    before = check["limit"]
    git(project, "add", "benchmarks")
    git(project, "commit", "-qm", "three nights")

    session(project, NEW, 8, "--baseline-mode=reseat")
    (counts,) = git(project, "diff", "--numstat").splitlines()
    assert counts.split() == ["2", "0", "benchmarks/baselines/tiny--llama/lab.jsonl"]
    lines = [json.loads(line) for line in (project.folder / counts.split()[2]).read_text().splitlines()]
    assert [(line["kind"], line.get("how")) for line in lines] == [("session", None)] * 3 + [
        ("segment", "reseat"),
        ("session", None),
    ]
    versions = [line["version"] for line in lines if line["kind"] == "session"]
    assert versions == [OLD] * 3 + [NEW]

    kept = session(project, NEW, 8)
    assert kept["verdict"] == "within_budget"
    assert kept["limit"] < before / 1.5
    back = session(project, OLD, 1, status=1)
    assert (back["verdict"], back["limit"] == pytest.approx(kept["limit"], rel=0.5)) == ("over_budget", True)
    assert git(project, "status", "--porcelain", "benchmarks/baselines/tiny--llama.yaml") == ""
    assert project.containers() == []


def session(project, version, slots, *arguments, status=0):
    """One recorded session: its budget's check."""
    done, said = project.run(
        *(f"--backend-version={version}", f"--backend-args=--parallel {slots}", "--hardware=lab", "--bench-no-confirm"),
        *("--update-baselines", "--baseline-mode=append", *arguments),
    )
    assert done == status, said
    (case,) = project.document()["cases"]
    (check,) = (each for each in case["checks"] if each["kind"] == "budget")
    return check


def git(project, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    command = ["git", "-C", project.folder, *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
