"""What plugin tests share: a scripted server and a way to run pytest against it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script

# pytester forgets every module that a test imported. httpx imports httpcore on its first request and keeps its
# exceptions: had that been in a pytester test, another test would meet a second httpcore that httpx does not know.
assert httpcore

SUITE = """
import pytest
from pytest_inferbench import Concurrency, Single

async def test_async(bench):
    result = await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))
    result.check()

def test_plain(bench):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4)).check()

@pytest.mark.parametrize("streams", [2], ids="c{:02d}".format)
async def test_concurrency(bench, streams):
    result = await bench.run(Concurrency(streams=streams, requests=8, prompt_tokens=16, output_tokens=4))
    result.check()
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(Script(first_ms=30, gap_ms=15, quick_asides=True)) as running:
        yield running


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Write the suite (or another) and run pytest on it in a process of its own."""
    monkeypatch.delenv("CI", raising=False)

    def run(*arguments: str, source: str = SUITE) -> pytest.RunResult:
        pytester.makepyfile(test_suite=source)
        return pytester.runpytest_subprocess("--bench-rounds=2", *arguments, timeout=120)

    return run


@pytest.fixture
def document(pytester: pytest.Pytester) -> Callable[[], dict[str, Any]]:
    """The newest run document."""

    def read() -> dict[str, Any]:
        runs = sorted(Path(pytester.path, "perf").glob("*/run.json"), key=os.path.getmtime)
        return json.loads(runs[-1].read_text())

    return read
