"""The main job on the real llama.cpp server: figures that agree with its own account, and what survives violence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.e2e

LONG = """
from pytest_inferbench import Single

async def test_a_short(bench):
    (await bench.run(Single(requests=4, prompt_tokens=64, output_tokens=16))).check()

async def test_b_long(bench):
    (await bench.run(Single(requests=2000, prompt_tokens=64, output_tokens=200))).check()

async def test_c_after(bench):
    await bench.run(Single(requests=4, prompt_tokens=64, output_tokens=16))
"""


class Run:
    """A pytest run in a process of its own, watched from outside."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--model=builtin:tiny", "--bench-rounds=2", "-v", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.family: set[psutil.Process] = set()

    def child(self, part: str) -> psutil.Process:
        """The descendant whose command line holds `part`."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.family |= set(psutil.Process(self.process.pid).children(recursive=True))
            for process in self.family:
                try:
                    line = process.cmdline()
                except psutil.Error:
                    continue
                if any(part in word for word in line) and not any("guard.py" in word for word in line):
                    return process
            time.sleep(0.05)
        raise AssertionError(f"no process with {part}")

    def wait_for(self, text: str) -> str:
        """Read output until a line holds `text`."""
        seen = ""
        assert self.process.stdout is not None
        while text not in seen:
            line = self.process.stdout.readline()
            assert line, f"ended before {text!r}:\n{seen}"
            seen += line
        return seen

    def finish(self) -> str:
        """The rest of the output, once the run has ended."""
        return self.process.communicate(timeout=120)[0]

    def survivors(self) -> list[psutil.Process]:
        """Descendants seen that still run a while after the end."""
        _, alive = psutil.wait_procs(list(self.family), timeout=10)
        return alive

    def document(self) -> dict:
        return json.loads(next(self.folder.glob("perf/*/run.json")).read_text())


@pytest.fixture
def start(tmp_path):
    runs: list[Run] = []

    def run(source: str, *arguments: str) -> Run:
        (tmp_path / "test_suite.py").write_text(source)
        runs.append(Run(tmp_path, *arguments))
        return runs[-1]

    yield run
    for each in runs:
        each.process.kill()
        each.process.communicate()


def test_figures_agree_with_the_servers_account(start):
    """Tokens are those planned, TTFT is never below the server's own prompt time, and the oracle text comes back."""
    run = start(
        """
from pytest_inferbench import Concurrency
from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.workloads.single import Single

ORACLE = "@ ran that short( threeitM brown*({Cenk answer"

async def test_account(bench, backend):
    async def count():
        page = (await backend.client.get("/metrics")).text
        name = "llamacpp:tokens_predicted_total "
        return float(next(line for line in page.splitlines() if line.startswith(name)).split()[1])
    before = await count()
    result = await bench.run(Concurrency(streams=4, requests=16, prompt_tokens=64, output_tokens=16))
    result.check()
    assert result.metrics["generated_tokens"].value == 2 * 16 * 16
    assert result.metrics["prompt_tokens"].value == 2 * 16 * 64
    case = result.case
    warm_up = 4 * 16
    learned = await count() - before - warm_up - result.metrics["generated_tokens"].value
    assert 0 < learned < 200, "what is left: a token for each question about prompt lengths, and the canary"
    assert not [finding for finding in case.validity if finding.code == "server_count"]

class Oracle(Single):
    def steps(self, context):
        chat = (Message("system", "You are terse."), Message("user", "Say something."))
        records = yield Load((GenerationRequest(chat, 16, keep_text=True),), ClosedLoop(1))
        assert [record.text for record in records] == [ORACLE]
        assert records[0].usage.prompt_tokens == 43
        assert (records[0].output_ns[0] - records[0].sent_ns) / 1e6 >= records[0].timing.prompt_ms

async def test_oracle(bench):
    result = await bench.run(Oracle(requests=1, prompt_tokens=64, output_tokens=16), rounds=1)
    assert result.metrics["generated_tokens"].value == 16
""",
        "-s",
    )
    output = run.finish()
    assert run.process.returncode == 0, output
    assert "4 passed" in output


def test_a_server_killed_in_mid_run_is_an_error_and_the_rest_goes_on(start):
    """Kill -9 of the server: that test is an error with its log, the others have results, nothing is left."""
    run = start(LONG)
    run.wait_for("PASSED")
    server = run.child("xllamacpp_server.py")
    run.child("pytest_inferbench.load.worker")
    time.sleep(2)
    server.kill()
    output = run.finish()
    assert "4 passed, 1 skipped, 1 error" in output
    assert "the server died (killed by signal 9" in output
    assert "log lines" in output
    assert "Traceback" not in output
    cases = {case["case"]: case["verdict"] for case in run.document()["cases"]}
    assert {"a_short", "c_after"} <= set(cases)
    assert run.survivors() == []


def test_a_killed_load_worker_is_an_error_and_the_rest_goes_on(start):
    """Kill -9 of the load worker: that test is an error, the next has a new worker, nothing is left."""
    run = start(LONG)
    run.wait_for("PASSED")
    run.child("xllamacpp_server.py")
    time.sleep(2)
    run.child("pytest_inferbench.load.worker").kill()
    output = run.finish()
    assert "4 passed, 1 skipped, 1 error" in output
    assert "load worker 0 was killed by SIGKILL" in output
    assert run.survivors() == []


def test_ctrl_c_ends_at_once_and_keeps_what_was_measured(start):
    """SIGINT in mid-run ends within seconds, keeps the first case in a document marked interrupted, leaves nothing."""
    run = start(LONG)
    run.wait_for("PASSED")
    run.child("xllamacpp_server.py")
    run.child("pytest_inferbench.load.worker")
    time.sleep(2)
    asked = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    output = run.finish()
    assert time.monotonic() - asked < 10
    assert run.process.returncode == pytest.ExitCode.INTERRUPTED, output
    document = run.document()
    assert document["interrupted"] is True
    assert [case["case"] for case in document["cases"]] == ["a_short"]
    assert run.survivors() == []


def test_a_killed_pytest_leaves_no_process(start):
    """Kill -9 of pytest itself: server and worker end by themselves, and what was measured is on disk."""
    run = start(LONG)
    run.wait_for("PASSED")
    run.child("xllamacpp_server.py")
    run.child("pytest_inferbench.load.worker")
    run.process.kill()
    run.process.wait()
    assert run.survivors() == []
    assert [case["case"] for case in run.document()["cases"]] == ["a_short"]


def test_the_same_server_by_url_gives_the_same_metrics(start, tmp_path):
    """A server started by hand and attached with --server-url yields the metric names that our own start yields."""
    source = """
from pytest_inferbench import Single
async def test_one(bench):
    (await bench.run(Single(requests=8, prompt_tokens=64, output_tokens=16))).check()
"""
    ours = start(source)
    assert "2 passed" in ours.finish()
    script = Path(sys.modules["pytest_inferbench"].__file__).parent / "servers" / "xllamacpp_server.py"
    model = script.parents[1] / "models/tinymodel/tiny.gguf"
    own = subprocess.Popen(
        [sys.executable, str(script), "--model", str(model), "--host", "127.0.0.1", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = json.loads(own.stdout.readline())
        url = next(str(value) for value in address.values() if str(value).startswith("http"))
        by_url = start(source, "--server-url", url, "--backend=llama", "--bench-results=by-url")
        output = by_url.finish()
        assert "2 passed" in output, output
    finally:
        own.kill()
        own.communicate()
    theirs = json.loads(next(tmp_path.glob("by-url/*/run.json")).read_text())
    assert set(theirs["cases"][0]["metrics"]) == set(ours.document()["cases"][0]["metrics"])
