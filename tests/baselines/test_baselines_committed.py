"""Baseline files as they were at a commit, asked of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_inferbench.baselines.committed import read_at_commit
from pytest_inferbench.errors import BaselineError

LINES = Path("qwen3-8b--vllm/1x-h200.jsonl")


def git(folder, *arguments):
    identity = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env={**os.environ, **identity})


@pytest.fixture
def folder(tmp_path):
    """A folder below the top of a repository, with two commits of one file."""
    folder = tmp_path / "benchmarks/baselines"
    (folder / LINES).parent.mkdir(parents=True)
    git(tmp_path, "init", "-q")
    for text in ("one\r\n", "two\n"):
        (folder / LINES).write_bytes(text.encode())
        git(tmp_path, "add", "-A")
        git(tmp_path, "-c", "core.autocrlf=false", "commit", "-q", "-m", text)
    git(tmp_path, "tag", "v1", "HEAD~1")
    (folder / LINES).write_text("not committed")
    return folder


@pytest.mark.parametrize(("commit", "text"), [("HEAD", "two\n"), ("HEAD~1", "one\r\n"), ("v1", "one\r\n")])
def test_a_file_is_as_it_was_at_the_commit(folder, commit, text):
    """By the path below the folder, wherever in the repository that is, and with its line ends."""
    assert read_at_commit(folder, commit)(LINES) == text


def test_a_file_that_was_not_there_is_none(folder):
    """Neither is one that was never committed."""
    (folder / "new.jsonl").touch()
    assert read_at_commit(folder, "HEAD")(Path("new.jsonl")) is None


@pytest.mark.parametrize("commit", ["nobody", "HEAD~7", "--all", "HEAD:benchmarks"])
def test_what_is_no_commit_is_refused(folder, commit):
    """An option, or a folder of a commit, is none either."""
    with pytest.raises(BaselineError, match=f"--since {commit}: git has no such commit in .*; give one of its commits"):
        read_at_commit(folder, commit)


def test_a_folder_without_git_is_told_to_give_a_date(tmp_path, folder, monkeypatch):
    """Outside of a repository, and where there is no git at all."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BaselineError, match="is in no git repository; give a date like"):
        read_at_commit(outside, "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BaselineError, match="is in no git repository"):
        read_at_commit(folder, "HEAD")
