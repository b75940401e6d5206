"""The story of an upgrade, from the first session of one version to the second of the next, through pytest and git."""

from __future__ import annotations

import math
import shlex
import shutil
import statistics
import subprocess

import pytest

from plugin.owned import SCATTER, OwnedServer

SESSIONS = 6


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_upgrade(tmp_path):
    """Version 8 is compared with six sessions of version 7, reseated with a small diff, judged with their scatter."""
    folder = tmp_path / "suite"
    folder.mkdir()
    server = OwnedServer(folder)
    server.run("--update-baselines", "-k", "one")
    shutil.copytree(server.folder / "benchmarks/baselines", tmp_path / "first")
    server.accept(tmp_path / "first", SESSIONS)
    git(server, "init", "-q")
    git(server, "add", "benchmarks/baselines")
    git(server, "commit", "-qm", "six sessions of version 7")
    program = server.folder / "server.py"
    program.write_text(program.read_text().replace("version: 7", "version: 8"))

    compared = server.run("-k", "one")
    (case,) = compared.document["cases"]
    assert "8" in case["version"], case["version"]
    assert compared.verdicts == {"one": "ok"}, compared.text
    assert compared.checks("one")["ttft_ms.p50"]["comparison"]["n"] == SESSIONS
    assert git(server, "status", "--porcelain", "benchmarks/baselines") == ""

    reseated = server.run("--update-baselines", "--baseline-mode=reseat", "-k", "one")
    assert "one on lab: OK, session 1 of segment 2: reseated (" in reseated.text
    (counts,) = git(server, "diff", "--numstat").splitlines()
    assert counts.split() == ["2", "0", "benchmarks/baselines/scripted--llama/lab.jsonl"]

    judged = server.run("-k", "one").checks("one")["ttft_ms.p50"]["comparison"]
    assert judged["n"] == 1
    scatter = statistics.stdev(math.log1p(away) for away in SCATTER[:SESSIONS])
    assert judged["own_sd"] == pytest.approx(scatter, rel=1e-4)


def test_what_a_failed_upgrade_prints_accepts_it(tmp_path):
    """The failure names the version and the commands; the one that accepts works as it stands, and reseats."""
    server = OwnedServer(tmp_path / "suite")
    server.run("--update-baselines", "-k", "one")
    shutil.copytree(server.folder / "benchmarks/baselines", tmp_path / "first")
    server.accept(tmp_path / "first", SESSIONS)
    program = server.folder / "server.py"
    program.write_text(program.read_text().replace("version: 7", "version: 8"))
    server.slower(1.5)
    failed = server.run("-k", "one")
    assert failed.status == 1, failed.text
    assert "changed     version b7 -> b8\n" in failed.text
    assert "two versions" not in failed.text, "a process has one version, the one that is installed"
    (command,) = (line.split(maxsplit=2)[2] for line in failed.text.splitlines() if line.startswith("  accept it"))
    accepted = server.run(*shlex.split(command)[1:])
    assert "one on lab: REGRESSED, session 1 of segment 2: the regression is accepted (b7 -> b8)" in accepted.text
    assert server.run("-k", "one").checks("one")["ttft_ms.p50"]["comparison"]["n"] == 1


def git(server, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", server.folder, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout
