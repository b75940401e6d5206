"""What a test asks of `bench` is looked at before its case is measured, and told with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.scripted.process import ScriptedServer

HEAD = """from pytest_inferbench import Budget, Concurrency, Saturation, Single
WHAT = Single(requests=4, prompt_tokens=32, output_tokens=4)
"""
# Of a test of two lines: what its second line is, which of both is named (1 or 2), and what is said.
ASKED = {
    "metric": ("bench.run_sync(WHAT, budgets=[Budget('tfft_ms.p50', 'max', 9)])", 2, "unknown metric 'tfft_ms'; did"),
    "side": ("bench.run_sync(WHAT, budgets=[Budget('ttft_ms.p50', 'min', 9)])", 2, "ttft_ms.p50: got min: 9, but lo"),
    "tail": ("bench.run_sync(WHAT, budgets=[Budget('ttft_ms.p95', 'max', 9)])", 2, "ttft_ms.p95: p95 needs 100 samp"),
    "limit": ("bench.run_sync(WHAT, budgets=[Budget('ttft_ms.p95', 'max', '9')])", 2, "Budget of ttft_ms.p95: got the"),
    "option": ("bench.run_sync(Concurrency(stream=4, requests=8))", 2, "unknown key 'stream'; did you mean 'streams'?"),
    "recorded": ("bench.record(budgets=[Budget('tfft_ms.p50', 'max', 9)])", 2, "unknown metric 'tfft_ms'; did you mea"),
    "one-budget": ("bench.run_sync(WHAT, budgets=Budget('ttft_ms.p50', 'max', 9))", 1, "budgets=Budget("),
    "no-budget": ("bench.run_sync(WHAT, budgets=[('ttft_ms.p50', 9)])", 1, "budgets: got ('ttft_ms.p50', 9), expecte"),
    "a-class": ("bench.run_sync(Single)", 1, "got Single as the workload, expected one with its options"),
    "rounds": ("bench.run_sync(WHAT, rounds=0)", 1, "rounds=0: expected a whole number of at least 1"),
    "rounds-as-text": ("bench.run_sync(WHAT, rounds='3')", 1, "rounds='3': expected a whole number of at least 1"),
    "error-rate": ("bench.run_sync(WHAT, max_error_rate=5)", 1, "max_error_rate=5: expected a share of requests"),
    "requests": ("bench.run_sync(WHAT, min_requests=-1)", 1, "min_requests=-1: expected a whole number of at least 0"),
    "interval": ("bench.run_sync(WHAT, sample_interval_ms=-1)", 1, "sample_interval_ms=-1: expected a number"),
    "gpus": ("bench.run_sync(WHAT, gpu_metrics='no')", 1, "gpu_metrics='no': expected True, False, or None"),
    "prompts": ("bench.run_sync(Single(requests=4, prompts='no.jsonl'))", 1, "prompts: no.jsonl: No such file"),
    "search": ("bench.run_sync(Saturation(lowest=1, highest=2, requests=4))", 1, "saturation: no limits to search fo"),
    "recorded-rate": ("bench.record(max_error_rate='1 %')", 1, "max_error_rate='1 %': expected a share of requests"),
}


def test_a_mistake_in_a_test_is_told_before_its_case_is_measured(
    suite: Callable[..., pytest.RunResult], server: ScriptedServer
):
    """An error with file and line, in the words of a config; no case is measured."""
    tests = [f"def test_{number}(bench):\n    {line}\n" for number, (line, *_) in enumerate(ASKED.values())]
    result = suite("--server-url", server.url, "--backend=vllm", source=HEAD + "".join(tests))
    result.assert_outcomes(errors=len(ASKED), skipped=len(ASKED))
    said = result.stdout.str()
    for number, (_, line, words) in enumerate(ASKED.values()):
        assert f"test_suite.py:{2 + 2 * number + line}: {words}" in said
    assert "no cases measured" in said
    assert "Traceback" not in said


AWAIT = """import asyncio
from pytest_inferbench import Single
WHAT = Single(requests=2, prompt_tokens=16, output_tokens=4)

async def test_checked(bench):
    bench.run(WHAT).check()

async def test_forgotten(bench):
    bench.run(WHAT)

def test_plain(bench):
    bench.run(WHAT)

async def test_task(bench):
    first, second = await asyncio.gather(asyncio.create_task(bench.run(WHAT)), bench.run(WHAT))
    first.check()

async def test_of_its_own(bench):
    async def answer(): ...
    coroutine = answer()
    try:
        coroutine.check()
    finally:
        coroutine.close()
"""


def test_a_forgotten_await_is_an_error_that_says_so(suite: Callable[..., pytest.RunResult], server: ScriptedServer):
    """Nothing was measured, so nothing passes by silence; a test's own mistakes stay its own."""
    result = suite("--server-url", server.url, "--backend=vllm", "-k", "not task", source=AWAIT)
    result.assert_outcomes(passed=2, errors=3, failed=1, skipped=4, deselected=1)
    said = result.stdout.str()
    for line in (6, 8, 11):
        assert (
            f"test_suite.py:{line}: bench.run(...) was not awaited, so nothing was measured; write `result = " in said
        )
    assert said.count("has no attribute 'check'") >= 1
    assert "was never awaited" not in said


def test_a_result_can_be_awaited_in_a_task(suite: Callable[..., pytest.RunResult], server: ScriptedServer):
    """What `bench.run` gives is a coroutine as any other."""
    source = AWAIT.replace(
        "asyncio.gather(asyncio.create_task(bench.run(WHAT)), bench.run(WHAT))", "asyncio.gather({})"
    )
    source = source.format("asyncio.create_task(bench.run(WHAT)), asyncio.sleep(0)")
    suite("--server-url", server.url, "--backend=vllm", "-k", "task", source=source).assert_outcomes(
        passed=2, deselected=4
    )
