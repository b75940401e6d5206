"""Sessions on a branch of their own: what goes there, what comes from there, and what several jobs do at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_inferbench.baselines.branch import pulled_branch
from pytest_inferbench.cli.main import main

LINES = "benchmarks/baselines/m--llama/lab.jsonl"
BRANCH = "inferbench-baselines"
TODO = "benchmarks/baselines/m--llama.yaml: not committed; review its budgets, and commit it where the suite is\n"


def git(folder, *arguments):
    environ = {f"GIT_{who}_{what}": "t@example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def origin(tmp_path):
    """A bare repository with a suite on main, as a server has it."""
    bare, first = tmp_path / "origin.git", tmp_path / "first"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", bare)
    git(tmp_path, "clone", "-q", bare, first)
    (first / "pytest.ini").write_text("[pytest]\n")
    git(first, "checkout", "-q", "-b", "main")
    git(first, "add", ".")
    git(first, "commit", "-q", "-m", "a suite")
    git(first, "push", "-q", "origin", "main")
    return bare


@pytest.fixture
def job(origin, tmp_path, monkeypatch, capsys):
    """A fresh clone, and what the two commands say and end with in it."""

    class Job:
        def __init__(self, name):
            self.folder = tmp_path / name
            git(tmp_path, "clone", "-q", origin.as_uri(), self.folder)

        def __call__(self, action, *arguments):
            monkeypatch.chdir(self.folder)
            status = main(["baselines", action, *arguments])
            said = capsys.readouterr()
            return status, said.out + said.err

        def add(self, *lines, path=LINES):
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.writelines(f"{line}\n" for line in lines)

        def text(self, path=LINES):
            return (self.folder / path).read_text()

    return Job


def on_branch(origin, path=LINES):
    return git(origin, "show", f"{BRANCH}:{path}")


def test_the_first_night_makes_the_branch_and_the_next_job_has_its_lines(origin, job):
    """The branch holds the lines alone, under their own paths; the checkout's branch and index stay as they are."""
    night = job("night")
    assert night("pull") == (
        0, f"origin has no branch {BRANCH} yet; the first `inferbench baselines push` makes it\n"
    )  # fmt: skip
    night.add("one", "two")
    (night.folder / "benchmarks/baselines/m--llama.yaml").write_text("schema: 1\n")
    assert night("push") == (0, f"{LINES}: 2 lines to {BRANCH}, a new branch\n{TODO}")
    assert git(origin, "ls-tree", "-r", "--name-only", BRANCH) == f"{LINES}\n"
    assert git(night.folder, "status", "--short") == "?? benchmarks/\n"
    gate = job("gate")
    assert gate("pull") == (0, f"{LINES}: 2 lines from {BRANCH}\n")
    assert gate.text() == "one\ntwo\n"
    assert gate("pull") == (0, f"every line of {BRANCH} is here\n")
    assert gate("push") == (0, "nothing to push: no line is new here\n")


def test_two_nights_at_once_both_arrive(origin, job):
    """The second to push adds its lines to what the first has pushed, the first push of all included."""
    one, two = job("one"), job("two")
    for each in (one, two):
        each("pull")
    one.add("a")
    two.add("b")
    two.add("c", path="benchmarks/baselines/m--llama/other.jsonl")
    assert one("push")[0] == two("push")[0] == 0
    assert on_branch(origin) == "a\nb\n"
    assert on_branch(origin, "benchmarks/baselines/m--llama/other.jsonl") == "c\n"


def test_a_push_between_our_fetch_and_our_push_is_added_to(origin, job, tmp_path, monkeypatch):
    """What git rejects, because another came first, is tried again on top of that."""
    two = job("two")
    two.add("b")
    one = job("one")
    one.add("a")
    hook = one.folder / ".git/hooks/pre-push"  # comes first, once
    hook.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/done ] && exit 0\ntouch {tmp_path}/done\ncd {two.folder}\n"
        f"unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE\n{Path(sys.executable).with_name('inferbench')} baselines push\n"
    )
    hook.chmod(0o755)
    status, said = one("push")
    assert (tmp_path / "done").exists()
    assert (status, said) == (0, f"{LINES}: 1 line to {BRANCH}\n")
    assert on_branch(origin) == "b\na\n"


def test_what_is_committed_and_what_was_taken_off_is_not_pushed(origin, job):
    """Lines of the checkout's own commit stay there, and a session that people took off the branch stays off it."""
    first = job("one")
    first.add("bad", "good")
    first("push")
    first.add("by hand", path="benchmarks/baselines/m--llama/hand.jsonl")
    git(first.folder, "add", "benchmarks/baselines/m--llama/hand.jsonl")
    git(first.folder, "commit", "-q", "-m", "recorded by hand")
    git(first.folder, "push", "-q", "origin", "main")
    night = job("night")
    night("pull")
    people = job("people")
    git(people.folder, "switch", "-q", BRANCH)
    (people.folder / LINES).write_text("good\n")
    git(people.folder, "commit", "-q", "-am", "take back a session")
    git(people.folder, "push", "-q", "origin", BRANCH)
    night.add("new")
    assert night("push") == (0, f"{LINES}: 1 line to {BRANCH}\n")
    assert on_branch(origin) == "good\nnew\n"
    assert git(origin, "ls-tree", "-r", "--name-only", BRANCH) == f"{LINES}\n"


def test_what_is_taken_off_the_branch_leaves_the_clones_that_had_it(origin, job):
    """Also the one that recorded it: its next pull drops the line, and its next push does not bring it back."""
    night = job("night")
    night.add("bad", "good")
    night("push")
    night.add("own")
    people = job("people")
    git(people.folder, "switch", "-q", BRANCH)
    (people.folder / LINES).write_text("good\n")
    git(people.folder, "commit", "-q", "-am", "take back a session")
    git(people.folder, "push", "-q", "origin", BRANCH)
    assert night("pull") == (0, f"{LINES}: 1 line dropped, as on {BRANCH}\n")
    assert night.text() == "good\nown\n"
    assert night("push") == (0, f"{LINES}: 1 line to {BRANCH}\n")
    assert on_branch(origin) == "good\nown\n"


def test_lines_that_are_committed_too_are_told(origin, job):
    """Nobody takes them off by taking them off the branch; and a push from an unmerged commit says what it moves."""
    night = job("night")
    night.add("one")
    night("push")
    careless = job("careless")
    careless("pull")
    git(careless.folder, "switch", "-q", "-c", "feature")
    git(careless.folder, "add", "-A")
    git(careless.folder, "commit", "-q", "-m", "everything")
    note = f"note: {LINES} is committed here too: what is taken off {BRANCH} stays in it; git rm --cached it\n"
    assert careless("pull") == (0, f"every line of {BRANCH} is here\n{note}")
    careless.add("two")
    unmerged = f"note: this commit is not on main, and every gate is held to {BRANCH} now\n"
    assert careless("push") == (0, f"{LINES}: 1 line to {BRANCH}\n{unmerged}")


def test_a_clone_knows_its_branch(origin, job, tmp_path):
    """Once it has pulled or pushed; a folder that is no clone has none."""
    night = job("night")
    assert pulled_branch(night.folder / "benchmarks/baselines") is None
    night.add("one")
    night("push", "--branch", "perf/history")
    assert pulled_branch(night.folder / "benchmarks/baselines") == "perf/history"
    assert pulled_branch(tmp_path) is None


def test_without_git_a_clone_has_no_branch(origin, job, monkeypatch):
    """Whoever asks writes a report, which is not to fall over a program that is missing."""
    night = job("night")
    night.add("one")
    night("push")
    monkeypatch.setenv("PATH", "")
    assert pulled_branch(night.folder / "benchmarks/baselines") is None


def test_another_branch_may_hold_them(origin, job):
    """`--branch main` adds the lines to main, and takes nothing else along."""
    night = job("night")
    night.add("one")
    (night.folder / "pytest.ini").write_text("changed here\n")
    assert night("push", "--branch", "main") == (0, f"{LINES}: 1 line to main\n")
    assert git(origin, "show", "main:pytest.ini") == "[pytest]\n"
    assert git(origin, "show", f"main:{LINES}") == "one\n"


def test_a_suite_in_a_folder_of_the_repository(origin, job, monkeypatch):
    """Paths on the branch start from the repository's top."""
    night = job("night")
    night.add("one", path=f"serving/{LINES}")
    (night.folder / "serving/benchmarks/baselines/README.md").write_text("not ours\n")
    monkeypatch.chdir(night.folder / "serving")
    assert main(["baselines", "push"]) == 0
    assert git(origin, "ls-tree", "-r", "--name-only", BRANCH) == f"serving/{LINES}\n"


def test_a_server_that_refuses_is_told_in_its_words(origin, job):
    """One line, with what the server said; nothing is tried over and over."""
    hook = origin / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'You are not allowed to push code.' >&2\necho x >> tried\nexit 1\n")
    hook.chmod(0o755)
    night = job("night")
    night.add("one")
    status, said = night("push")
    assert status == 1
    assert said.startswith(f"inferbench baselines: git push of {BRANCH}: ")
    assert "You are not allowed to push code." in said
    assert said.count("\n") == 1
    assert (origin / "tried").read_text() == "x\n"


def test_no_repository_and_no_origin_are_told(tmp_path, monkeypatch, capsys):
    """A folder outside of git, and a clone of nothing, end with git's reason."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert main(["baselines", "pull"]) == 1
    assert "not a git repository" in capsys.readouterr().err
    git(tmp_path, "init", "-q")
    assert main(["baselines", "pull"]) == 1
    assert "origin" in capsys.readouterr().err
