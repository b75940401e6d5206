"""`inferbench_family`: alpha is shared by as many gates as people say, whatever this run selects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plugin.owned import OwnedServer


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline files that a first session left."""
    server = OwnedServer(tmp_path_factory.mktemp("recorded"))
    server.run("--update-baselines")
    return server.folder / "benchmarks/baselines"


@pytest.fixture
def owned(tmp_path: Path, recorded: Path) -> OwnedServer:
    """A server with eight accepted sessions; its suite has four gates."""
    made = OwnedServer(tmp_path)
    made.accept(recorded, 8)
    return made


def refused(server: OwnedServer, *arguments: str) -> str:
    """What a run that ends before it measures anything says."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--hardware=lab", *arguments]
    done = subprocess.run(command, cwd=server.folder, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, server.starts) == (pytest.ExitCode.USAGE_ERROR, 0), done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_part_of_the_suite_shares_with_all_of_it(owned):
    """Under -k a gate has the level that the whole suite leaves it, and every report says who says so."""
    (owned.folder / "pytest.ini").write_text("[pytest]\ninferbench_family = 60\n")
    ran = owned.run("-k", "two")
    assert ran.status == 0, ran.text
    assert (ran.document["family"]["gates"], ran.document["family"]["gates_source"]) == (60, "inferbench_family")
    found = ran.checks("two")["ttft_ms.p50"]["comparison"]
    assert (found["gates"], found["alpha_each"]) == (60, pytest.approx(0.05 / 60))
    assert "60 gates (inferbench_family); where nothing changed" in " ".join(ran.text.split())


def test_pairs_share_with_it_too(tmp_path):
    """Arms are judged at the same level as a history, also by a test whose further workloads nobody counted."""
    server = OwnedServer(tmp_path, policy="{gates: [tpot_ms.p50]}")
    path = server.folder / "test_suite.py"
    call = "    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=6))).check()\n"
    path.write_text(path.read_text().replace(call, call + call, 1))
    pairs = ("--compare=installed..installed", "--compare-pairs=5", "-k", "one")
    ran = server.run(*pairs, "--bench-family=60")
    assert ran.status == 0, ran.text
    assert {case: ran.checks(case)["tpot_ms.p50"]["comparison"]["gates"] for case in ("one", "one#2")} == {
        "one": 60, "one#2": 60,
    }  # fmt: skip
    few = server.run(*pairs, "--bench-family=1")
    assert [few.outcomes[name] for name in few.outcomes if "regression" in name] == ["error"], few.text
    assert "--bench-family 1 (command line): expected at least 2" in few.text


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_family_that_is_too_small_ends_the_run(owned, workers):
    """It names the place, both numbers and what to write, before any server starts."""
    (owned.folder / "pytest.ini").write_text("[pytest]\ninferbench_family = 3\n")
    said = (
        "ERROR: pytest.ini:2: inferbench_family = 3: expected at least 4, the gates of the cases that are selected "
        "here, and got 3; write how many gates the whole suite has, all its jobs together"
    )
    assert said in refused(owned, *workers)
    assert "ERROR: --bench-family 1 (command line): expected at least 2, " in refused(
        owned, "--bench-family=1", "-k", "one", *workers
    )
