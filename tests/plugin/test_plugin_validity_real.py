"""INVALID on the real llama.cpp server: its own prompt cache, and a restart behind our back."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import pytest_inferbench

pytestmark = pytest.mark.e2e

PROMPT_CACHE = """
from pytest_inferbench import Single
from pytest_inferbench.load.shape import ClosedLoop, Load

class Repeated(Single):
    def steps(self, context):
        (one,) = self.ask(context, 1)
        yield Load((one,) * 6, ClosedLoop(1))

async def test_repeated(bench):
    (await bench.run(Repeated(requests=6, prompt_tokens=256, output_tokens=8))).check()
"""

RESTART = """
import os, subprocess, sys, time
import httpx, pytest
from pytest_inferbench import Single

COMMAND = [sys.executable, *os.environ["SERVER_COMMAND"].split("|")]
URL = os.environ["SERVER_URL"]
process = None

def start():
    global process
    process = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(400):
        try:
            if httpx.get(URL + "/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not start")

def stop():
    process.kill()
    process.wait()

class RestartedBetween(Single):
    def steps(self, context):
        global rounds
        rounds += 1
        if rounds == 2:
            stop()
            start()
        yield from super().steps(context)

rounds = 0

@pytest.fixture(scope="session", autouse=True)
def server():
    start()
    yield
    stop()

async def test_restarted(bench):
    (await bench.run(RestartedBetween(requests=4, prompt_tokens=32, output_tokens=32))).check()
"""


def test_the_prompt_cache_of_llama_cpp_is_found_out(suite):
    """A case that declares its cache cold and sends the same prompt again is told the share that was cached."""
    result = suite(
        *("--model=builtin:tiny", "--backend=llama"), '--bench-extra-body={"cache_prompt": true}', source=PROMPT_CACHE
    )
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*prefix_cache: *came from the prefix cache*declares it cold*"])


def test_the_same_prompts_without_the_cache_are_valid(suite):
    """Left alone, llama.cpp is asked to leave its cache out of it, and the same prompts are valid."""
    suite("--model=builtin:tiny", "--backend=llama", source=PROMPT_CACHE).assert_outcomes(passed=2)


def test_a_server_that_restarted_in_mid_case_is_found_out(suite, monkeypatch):
    """A server by URL that is another process in the second round is told by its counters, which ran backwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(pytest_inferbench.__file__).parent / "servers"
    script, model = folder / "xllamacpp_server.py", folder.with_name("models") / "tinymodel" / "tiny.gguf"
    monkeypatch.setenv("SERVER_COMMAND", f"{script}|--model|{model}|--port|{port}")
    monkeypatch.setenv("SERVER_URL", f"http://127.0.0.1:{port}")
    result = suite("--server-url", f"http://127.0.0.1:{port}", "--backend=llama", source=RESTART)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*server_restarted: *ran backwards*"])
