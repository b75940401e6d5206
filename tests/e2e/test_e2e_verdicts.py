"""Verdicts on the real llama.cpp server: a history of real sessions, and a server that is held up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

pytestmark = pytest.mark.e2e

SUITE = """
from pytest_inferbench import Single

async def test_single(bench):
    (await bench.run(Single(requests=8, prompt_tokens=64, output_tokens=32))).check()
"""
CONFIG = "defaults: {policy: {gates: [ttft_ms.p50, tpot_ms.p50]}}\nmodels: [{path: 'builtin:tiny', backend: llama}]\n"
MARK = "INFERBENCH_TEST_RUN"  # inherited by everything a run starts, and by nothing else
_STOPPED_S, _RUNNING_S = 0.012, 0.003


class HeldUp:
    """Stops the run's servers for most of the time: they are what they were, and several times slower."""

    def __init__(self, folder):
        self._folder = str(folder)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _servers(self):
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get(MARK) == self._folder
                if ours and any("xllamacpp_server.py" in word for word in process.cmdline()[:3]):
                    yield process

    def _hold(self):
        while not self._over.is_set():
            servers, until = list(self._servers()), time.monotonic() + 1
            while time.monotonic() < until and not self._over.is_set():
                for sign, pause in ((signal.SIGSTOP, _STOPPED_S), (signal.SIGCONT, _RUNNING_S)):
                    for server in servers:
                        with contextlib.suppress(psutil.Error):
                            server.send_signal(sign)
                    time.sleep(pause)


def run(folder, *arguments):
    """Exit status, output and document of a run."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-v",
            "--hardware=lab",
            "--bench-rounds=3",
            *arguments,
        ],
        cwd=folder,
        env={**{name: value for name, value in os.environ.items() if name != "CI"}, MARK: str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    newest = max(folder.glob("perf/*/run.json"), key=os.path.getmtime)
    return done.returncode, done.stdout, json.loads(newest.read_text())


def test_a_history_of_real_sessions_tells_a_held_up_server_from_itself(tmp_path):
    """Sessions are recorded; a server that is stopped most of the time is REGRESSED after a fresh one confirmed it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/models.yaml").write_text(CONFIG)
    (tmp_path / "test_suite.py").write_text(SUITE)
    for _ in range(4):
        status, said, _ = run(tmp_path, "--update-baselines", "--accept-regressions")
        assert "wrote benchmarks/baselines/tiny--llama.yaml" in said, said
    # Budgets were proposed from the first session; this is about its history.
    path = tmp_path / "benchmarks/baselines/tiny--llama.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "budgets:" not in line))
    with HeldUp(tmp_path):
        status, said, document = run(tmp_path)
    assert status == 1, said
    (case,) = document["cases"]
    assert case["verdict"] == "regressed", said
    found = [check["comparison"] for check in case["checks"] if check["verdict"] == "regressed"]
    assert all(each["n"] == 4 and each["confirmed"] and each["ratio"] > 1.5 for each in found), said
    assert "confirmed on a fresh server" in said
    status, said, document = run(tmp_path)
    (case,) = document["cases"]
    assert all(check["comparison"]["n"] == 4 for check in case["checks"]), said
    assert "would have seen" in said or "more sessions" in said, said
