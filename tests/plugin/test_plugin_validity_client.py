"""INVALID because of ourselves: a load worker that a busy neighbour holds up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.busy import pin
from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script

HELD_UP = """
import os
from fakes.busy import busy_core, load_workers, pin
from pytest_inferbench import Concurrency

CPU = sorted(os.sched_getaffinity(0))[0]

class HeldUp(Concurrency):
    def steps(self, context):
        (worker,) = load_workers()  # the warm-up has started it
        pin(worker, CPU)
        with busy_core(CPU):
            yield from super().steps(context)

async def test_it(bench):
    (await bench.run(HeldUp(streams=2, requests=12, prompt_tokens=16, output_tokens=8))).check()
"""


_CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.skipif(len(_CORES) < 2, reason="the server needs a core of its own")
def test_a_busy_neighbour_that_holds_the_worker_up(suite, monkeypatch):
    """A client that could not keep up is named, with its lag, the limit and what to do."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with ScriptedServer(Script(first_ms=30, gap_ms=10, quick_asides=True)) as server:
        pin(server.pid, _CORES[-1])  # on the neighbour's core it would be late itself, and the worker never
        result = suite("--server-url", server.url, source=HELD_UP)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*loop_lag: *load worker 0*above*"])
