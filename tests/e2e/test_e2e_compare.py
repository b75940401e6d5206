"""`--compare` on the real llama.cpp: two builds in containers, two sets of arguments of the installed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from pytest_inferbench.stats.verdict import Verdict, worst

pytestmark = pytest.mark.e2e

OLD, NEW = "2026.7.9873", "2026.10.11549"
MARK = "INFERBENCH_TEST_COMPARE"
# Four streams on one slot wait for each other: no machine is so noisy that this does not show.
QUEUED = """
models:
  - path: builtin:tiny
    backend: llama
    backends: {llama: {args: {n_parallel: 4, n_threads: 1}}}
    variants: {queued: {args: {n_parallel: 1}}}
"""
LOAD = """
from pytest_inferbench import Concurrency

async def test_concurrency(bench):
    await bench.run(Concurrency(streams=4, requests=12, prompt_tokens=32, output_tokens=64))
"""


def comparisons(document):
    """The one case of a run, and what is said of its gates."""
    (case,) = document["cases"]
    return case, {check["metric"]: check["comparison"] for check in case["checks"] if check["kind"] == "pairs"}


def test_two_real_builds_in_containers(project):
    """Five pairs of fresh containers: every gate has a verdict that names both builds, and no container is left."""
    project.write("test_it.py", LOAD)
    status, said = project.run(f"--compare={OLD}..{NEW}", "--compare-pairs=5")
    case, gates = comparisons(project.document())
    verdict = worst(Verdict(check["verdict"]) for check in case["checks"])
    assert status == (1 if verdict is Verdict.REGRESSED else 0), said
    assert verdict in {Verdict.OK, Verdict.IMPROVED, Verdict.REGRESSED, Verdict.INCONCLUSIVE}
    assert f"test_concurrency::regression[llama-{OLD}..{NEW}-tiny]" in said
    assert set(gates) == {"ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s"}
    for found in gates.values():
        assert (found["arms"], found["n"], len(found["sessions"])) == ([OLD, NEW], 5, 5)
        assert found["low"] <= found["ratio"] <= found["high"]
    assert (case["version"], case["server"]["provision"]) == (NEW, "docker")
    assert project.containers() == []


def test_two_sets_of_arguments_of_the_installed_build(tmp_path):
    """Four streams on a single slot regress in their time to first token, with a table; no process is left."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/models.yaml").write_text(QUEUED)
    (tmp_path / "test_it.py").write_text(LOAD)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", "--bench-rounds=2"),
            *("--compare=..queued", "--compare-pairs=5"),
        ],
        cwd=tmp_path,
        env={**os.environ, MARK: str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    (document,) = tmp_path.glob("perf/*/run.json")
    case, gates = comparisons(json.loads(document.read_text(encoding="utf-8")))
    assert (case["variant"], case["verdict"]) == ("queued", "regressed")
    assert gates["ttft_ms.p50"]["ratio"] > 1.5
    assert "REGRESSED: concurrency of tiny/llama/" in ran.stdout
    assert "A is installed, B is queued" in ran.stdout
    left = [process for process in psutil.process_iter() if mark_of(process) == str(tmp_path)]
    assert psutil.wait_procs(left, timeout=10)[1] == []


def mark_of(process):
    """Whose process it is; None of one that cannot be asked."""
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None
