"""Two branches that each record, merged by git as `init` sets it up: no conflict, and nothing lost or doubled."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from baselines.baseline_made import CASE, HARDWARE, TABLE, YAML, candidate
from pytest_inferbench.baselines.place import Mode
from pytest_inferbench.baselines.store import BaselineStore
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.cli.main import main
from pytest_inferbench.stats.verdict import Verdict

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
KEY = ("qwen3-8b", "vllm", HARDWARE)


class Project:
    """A repository that `inferbench init` began, with people's file."""

    def __init__(self, root):
        self.root = root
        main(["init", str(root)])
        self.folder = root / "benchmarks/baselines"
        (self.folder / "qwen3-8b--vllm.yaml").write_text(YAML)
        self.git("init", "-q", "-b", "main")
        self.commit("begin")

    def git(self, *arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
        command = ["git", "-C", self.root, *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    @property
    def store(self):
        return BaselineStore(self.folder, self.root, TABLE)

    def night(self, day, ttft=41.0, mode=Mode.APPEND, **fields):
        """Record one session, as a run on that day would."""
        store = self.store
        date = datetime(2025, 3, day, 2, tzinfo=UTC).isoformat()
        case = candidate(verdict=Verdict.OK, rounds=({"ttft_ms.p50": ttft, "tpot_ms.p50": 6.1},), **fields)
        store.write(plan_update(store.read(*KEY), [case], run_id=f"run-{day:02d}", date=date, mode=mode))
        self.commit(f"night {day}")

    def accepted(self):
        return self.store.read(*KEY).of(CASE)


@pytest.fixture
def project(tmp_path, capsys):
    return Project(tmp_path)


@pytest.mark.parametrize("before", [0, 1, 4])
def test_three_nights_on_each_of_two_branches(project, before):
    """They load as six more, in the order of their dates, in one segment."""
    for day in range(1, before + 1):
        project.night(day)
    project.git("checkout", "-qb", "side")
    for day in (11, 13, 15):
        project.night(day, 40.0)
    project.git("checkout", "-q", "main")
    for day in (12, 14, 16):
        project.night(day, 42.0)
    project.git("merge", "-q", "--no-edit", "side")
    found = project.accepted()
    expected = [*range(1, before + 1), 11, 12, 13, 14, 15, 16]
    assert [session.id for session in found.segment] == [f"run-{day:02d}" for day in expected]
    assert set(found.numbers) == {1}
    project.night(17)
    assert len(project.accepted().segment) == before + 7


def test_an_upgrade_on_one_branch_and_nights_on_the_other(project):
    """The reseat holds after the merge; the nights of the old version stay with the old version."""
    project.night(1)
    project.git("checkout", "-qb", "upgrade")
    project.night(11, 30.0, Mode.RESEAT, version="v0.9.0")
    project.git("checkout", "-q", "main")
    project.night(12)
    project.git("merge", "-q", "--no-edit", "upgrade")
    found = project.accepted()
    assert [session.id for session in found.segment] == ["run-11"]
    assert [(session.id, number) for session, number in zip(found.sessions, found.numbers, strict=True)] == [
        ("run-01", 1),
        ("run-12", 1),
        ("run-11", 2),
    ]
