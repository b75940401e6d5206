"""INVALID, each finding provoked by a real cause: a pytest error that names figure, limit and what to do."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Cut, Script

SUITE = """
from pytest_inferbench import Concurrency, Single
async def test_it(bench):
    (await bench.run(Concurrency(streams=2, requests=12, prompt_tokens=16, output_tokens=8))).check()
"""
STEADY = Script(first_ms=30, gap_ms=10, quick_asides=True)


def run_invalid(suite, script: Script, *arguments: str, source: str = SUITE, **options) -> str:
    """Run the suite against a script; the output of what must be exactly one error."""
    with ScriptedServer(script, **options) as server:
        result = suite("--server-url", server.url, *arguments, source=source)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.no_fnmatch_line("*Traceback*")
    return result.stdout.str()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script(first_ms=5, gap_ms=2, cut_after=3, cut=Cut.FIN), "cut"),
        (Script(first_ms=5, gap_ms=2, error_after=3), "error in the stream"),
    ],
    ids=["cut", "error-in-stream"],
)
def test_failed_requests(suite, script, words):
    """Answers that are cut or hold an error make the case INVALID by its error rate."""
    output = run_invalid(suite, script)
    assert "error_rate" in output or "generated nothing" in output
    assert words in output or "not ready" in output


def test_fewer_tokens_than_planned(suite):
    """A server that ends before the planned length is named with both counts."""
    output = run_invalid(suite, Script(first_ms=30, gap_ms=10, tokens=5))
    assert "output_plan" in output


def test_another_model(suite):
    """A server that lists another model than asked for is refused at once."""
    output = run_invalid(suite, STEADY, "--model", "org/other", "--server-timeout=20")
    assert "not 'org/other'" in output


def test_too_few_requests(suite):
    """A case that wants more completed requests than it got is INVALID."""
    source = SUITE.replace("output_tokens=8)", "output_tokens=8), min_requests=1000")
    assert "min_requests" in run_invalid(suite, STEADY, source=source)


def test_somebody_else_on_the_server(suite):
    """Tokens that the server made for others while we measured are found by its counter."""
    done = threading.Event()

    def intrude(url: str) -> None:
        body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 40, "stream": True}
        deadline = time.monotonic() + 60
        while not done.is_set() and time.monotonic() < deadline:
            httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)

    with ScriptedServer(STEADY) as server:
        intruder = threading.Thread(target=intrude, args=(server.url,))
        intruder.start()
        try:
            result = suite("--server-url", server.url, "--backend=llama", source=SUITE)
        finally:
            done.set()
            intruder.join()
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*server_count: *"])


def test_an_open_loop_that_keeps_its_schedule_is_valid(suite):
    """An open loop against a quick server has no finding, and its scheduled latency holds at least the sent one."""
    source = """
from pytest_inferbench import Rate
async def test_it(bench):
    result = await bench.run(Rate(rate=20, requests=30, prompt_tokens=16, output_tokens=2), rounds=1)
    result.check()
    assert result.metrics["ttft_scheduled_ms"].p50 >= result.metrics["ttft_ms"].p50
"""
    with ScriptedServer(Script(first_ms=10, gap_ms=2, quick_asides=True)) as server:
        suite("--server-url", server.url, source=source).assert_outcomes(passed=2)
