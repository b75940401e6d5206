"""A real llama.cpp server that somebody else started: measured again and again, and exchanged for another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.models.builtin import builtin_model
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.server import start_process

pytestmark = pytest.mark.e2e

SUITE = """
from pytest_inferbench import Prefix, Single

async def test_cold(bench):
    (await bench.run(Single(requests=6, prompt_tokens=64, output_tokens=8))).check()

async def test_prefix(bench):
    await bench.run(Prefix(cache="cold", prefix_tokens=192, suffix_tokens=64, output_tokens=8, requests=6))
"""


@pytest.fixture
def at_an_address(tmp_path):
    """Starts servers, one after the other, at one address."""
    port = free_port("127.0.0.1")

    @contextmanager
    def serving(name):
        plan = ServerPlan("llama", str(builtin_model("tiny")), name, port=port)
        server = start_process(plan, backend_named("llama"), log_dir=tmp_path, timeout_s=60, clock=SYSTEM_CLOCK)
        try:
            yield server.endpoint.base_url
        finally:
            server.stop()

    return serving


@pytest.fixture
def measure(tmp_path):
    """One pytest run in a folder of its own project; its document and output."""
    (tmp_path / "test_it.py").write_text(SUITE)

    def run(url, *arguments):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--bench-rounds=2", "--hardware=lab"),
                *("--server-url", url, *arguments),
            ],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if name != "CI"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        documents = sorted(tmp_path.glob("perf/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
        return json.loads(documents[-1].read_text()), done

    return run


def test_a_running_server_can_be_measured_twice(at_an_address, measure):
    """Its prefix cache keeps what the first run asked, and no prompt of the second begins like one of those."""
    with at_an_address("tiny") as url:
        runs = [measure(url)[0] for _ in range(2)]
    for run in runs:
        assert [(case["case"], case["validity"]) for case in run["cases"]] == [("cold", []), ("prefix", [])]
        assert all(case["metrics"]["cached_share"]["p50"] < 0.25 for case in run["cases"])  # the template of 64 tokens
    salts = [{case["server"]["salt"] for case in run["cases"]} for run in runs]
    assert [len(salt) for salt in salts] == [1, 1]
    assert salts[0] != salts[1]
    tokens = [[case["metrics"]["prompt_tokens"]["value"] for case in run["cases"]] for run in runs]
    assert tokens[0] == tokens[1]


def test_a_server_that_waits_within_our_handshake_is_told_to_speak_no_tls(at_an_address, measure):
    """It answers nothing in TLS, and it does answer without: that is no server that has yet to be started."""
    with at_an_address("tiny") as url:
        _, done = measure(url.replace("http:", "https:"))
    assert done.returncode == 1
    assert f"the server speaks no TLS there; give its address as {url}" in done.stdout


def test_a_server_that_we_start_has_no_salt(measure, tmp_path):
    """Its cache is empty, and the same seed asks the same."""
    (tmp_path / "test_it.py").write_text(SUITE.partition("async def test_prefix")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--model=builtin:tiny", "--bench-rounds=1"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (case,) = json.loads(next(tmp_path.glob("perf/*/run.json")).read_text())["cases"]
    assert "salt" not in case["server"]
    assert "served_model" not in case["server"]


def test_another_model_behind_the_same_address_is_new(at_an_address, measure, tmp_path):
    """The model is what the server says it is: it has files of its own, and is never judged against another's past."""
    with at_an_address("org/first") as url:
        first, done = measure(url, "--update-baselines")
        assert done.returncode == 0, done.stdout
        again, _ = measure(url)
    with at_an_address("second") as url:
        second, done = measure(url)
    assert {case["model"] for case in (*first["cases"], *again["cases"])} == {"org/first"}
    assert all("history" in {check["kind"] for check in case["checks"]} for case in again["cases"])
    assert [(case["model"], case["verdict"]) for case in second["cases"]] == [("second", "new")] * 2
    assert "no baseline for this case" in json.dumps(second)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "benchmarks/baselines/org-first--external/lab.jsonl").exists()
    assert not list(tmp_path.glob("benchmarks/baselines/s*"))
