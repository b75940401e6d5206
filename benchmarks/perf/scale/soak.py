"""Eight hours of load by a scaled clock, beside 0.8: as many requests as that at a usual rate, one round after another.

Every round goes the product's way, through one worker and beside a page of metrics, and nobody keeps its records: what
is held after a round must be what was held after the ones before. What a round itself takes grows with its requests,
since each has a record until its case is judged; that is told apart, in bytes a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.perf.asking import case_runner

from fakes.scripted import Script, ScriptedServer
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.bench.rounds import CasePlan, CaseRunner
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.servers.url import attach_url
from pytest_inferbench.workloads.concurrency import Concurrency

from .row import Row

HOURS = (0.8, 8.0)
_ROUNDS = (10, 100)  # of 288 s each, at the rate below
_RATE, _STREAMS, _TOKENS = 2, 8, 16
_REQUESTS = 288 * _RATE
_LARGE = 10  # times the requests, in a round of its own
_MOST_MB_AN_HOUR = 0.5
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Held:
    """Resident memory in bytes: of the load worker, and of the process that stands for pytest's."""

    worker: int
    pytest: int


def rows() -> Iterator[Row]:
    """Memory at 10, 50 and 100 % of both lengths, its growth from 10 % on, and what a request's record takes."""
    with ScriptedServer(Script(first_ms=0.0, gap_ms=0.0, quick_asides=True)) as server:
        seen = list(_soak(server))
        small, large = (_one_round(server, size * _REQUESTS) for size in (1, _LARGE))
    parts = [seen[:rounds] for rounds in _ROUNDS]
    yield from _flat("worker", [[held.worker / _MB for held in part] for part in parts])
    yield from _flat("pytest", [[held.pytest / _MB for held in part] for part in parts])
    what = f"a round of {_REQUESTS} and {_LARGE * _REQUESTS:,} requests x {_TOKENS} tokens"
    more = (_LARGE - 1) * _REQUESTS
    for name, first, last in (("worker", small.worker, large.worker), ("pytest", small.pytest, large.pytest)):
        yield Row(what, f"{name} takes, MB", first / _MB, last / _MB, digits=1)
        yield Row(what, f"{name}, bytes a request", None, (last - first) / more, digits=0)


def _flat(name: str, parts: Sequence[Sequence[float]]) -> Iterator[Row]:
    what = f"{HOURS[0]} and {HOURS[1]:g} h of load"
    for share in (0.1, 0.5, 1.0):
        yield Row(what, f"{name} at {share:.0%}, MB", *(part[round(share * len(part)) - 1] for part in parts), digits=1)
    grown = ((part[-1] - part[len(part) // 10 - 1]) / (0.9 * hours) for part, hours in zip(parts, HOURS, strict=True))
    yield Row(what, f"{name} from 10 % on, MB an hour", *grown, _MOST_MB_AN_HOUR)


def _soak(server: ScriptedServer) -> Iterator[Held]:
    """What is held after each round."""
    with LoadEngine(workers=1) as engine:
        for _ in _runner(server, engine).run(_plan(_REQUESTS, max(_ROUNDS))):
            server.forget()
            yield Held(_memory(engine.pids[0], "VmRSS"), _memory("self", "VmRSS"))


def _one_round(server: ScriptedServer, requests: int) -> Held:
    """What a round takes while its records are held, beyond what was held before it."""
    with LoadEngine(workers=1) as engine:
        runner = _runner(server, engine)
        list(runner.run(_plan(_STREAMS, 1)))
        worker, here = _memory(engine.pids[0], "VmRSS"), _memory("self", "VmRSS")
        rounds = list(runner.run(_plan(requests, 1)))
        taken = Held(_memory(engine.pids[0], "VmHWM") - worker, _memory("self", "VmRSS") - here)
    assert len(rounds[0].requests) == requests
    server.forget()
    return taken


def _runner(server: ScriptedServer, engine: LoadEngine) -> CaseRunner:
    attached = attach_url(server.url, backend_named("vllm"), model="", timeout_s=60, clock=SYSTEM_CLOCK)
    return case_runner(attached, engine, {})


def _plan(requests: int, rounds: int) -> CasePlan:
    load = Concurrency(streams=_STREAMS, requests=requests, prompt_tokens=64, output_tokens=_TOKENS)
    return CasePlan("soak", load, rounds, _STREAMS, 1, 120.0, interval_ms=100.0)


def _memory(pid: int | str, field: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition(f"{field}:")[2].split()[0]) * 1024
