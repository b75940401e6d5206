"""How fast a server answers, found out by a few requests: what `inferbench init` sizes its benchmarks by.

Limits: the server is the one that a benchmark would measure, started, asked and ended in the same ways; whatever
happens to this command ends it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pytest_inferbench.bench.machine_lock import turn
from pytest_inferbench.bench.rounds import CasePlan, CaseRunner
from pytest_inferbench.cli.serve import Serving
from pytest_inferbench.cli.sizing import TOKENS, USERS, Pace
from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.errors import ServerError
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.observe.tokens import TokenCounter
from pytest_inferbench.records import extent_ns
from pytest_inferbench.servers.launch import start_server
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.records import RoundRecord
    from pytest_inferbench.servers.server import Server

_ENOUGH_S: Final = 2.0
_MOST: Final = 64  # requests of each user, however fast they are answered
_REQUEST_S: Final = 600.0


def find_pace(cell: Cell, settings: Settings, say: Callable[[str], None]) -> tuple[Pace, str]:
    """Bring a cell's server up, send it a few requests, and end it.

    Args:
        cell: which.
        settings: the options.
        say: told what is waited for.

    Returns:
        How fast it answers, and the model's name on the server.

    Raises:
        CellUnavailable: it cannot run on this machine.
        InferbenchError: it does not come up, or does not answer.
    """
    run_id = f"init-{secrets.token_hex(3)}"
    say(f"starting {cell.id}")
    server = start_server(cell, Serving(run_id, settings, cache_folder() / "serve" / run_id), say)
    leases, alone = cache_folder() / "leases", not server.gpus
    try:
        with turn(leases, alone=alone, clock=SYSTEM_CLOCK, cancelled=lambda: False, progress=say):
            began_ns = SYSTEM_CLOCK.now_ns()
            say("learning prompt lengths")
            with _runner(server, cell, settings) as runner:
                learned_s = (SYSTEM_CLOCK.now_ns() - began_ns) / NS_PER_S
                say("asking how fast it answers")
                rates = _rate(runner, 1), _rate(runner, USERS)
    finally:
        server.stop()
    return Pace(*rates, start_s=server.ready_seconds + learned_s), server.endpoint.model


@contextmanager
def _runner(server: Server, cell: Cell, settings: Settings) -> Generator[CaseRunner]:
    """What carries load to the server as a benchmark would."""
    protocol, cold = protocol_named(cell.protocol), server.backend.cold_cache_body
    costs = calibrate(TokenCounter(server.endpoint, protocol, SYSTEM_CLOCK, dict(cold)))
    prompts = PromptMaker(costs, cold, server.backend.chunk_counts.get(protocol.name, {}), secrets.token_hex(4))
    engine = LoadEngine(settings.workers)
    try:
        yield CaseRunner(server, protocol, prompts, engine, SYSTEM_CLOCK, lambda _: None)
    finally:
        engine.close()


def _rate(runner: CaseRunner, users: int) -> float:
    """Requests a second that so many users get: over some seconds, or one request of each where that takes longer."""
    each = 1
    while True:
        workload = Concurrency(streams=users, requests=each * users, prompt_tokens=TOKENS, output_tokens=TOKENS)
        plan = CasePlan("init", workload, rounds=1, warm_up=users, seed=each, request_s=_REQUEST_S)
        seconds = _seconds(list(runner.run(plan)))
        if seconds >= _ENOUGH_S or each == _MOST:
            return each * users / seconds
        each = min(math.ceil(1.5 * each * _ENOUGH_S / seconds), _MOST)


def _seconds(rounds: Sequence[RoundRecord]) -> float:
    """How long a round took, all of whose requests completed.

    Raises:
        ServerError: one did not.
    """
    (round_,) = rounds
    failed = next((record.failure for record in round_.requests if record.failure is not None), None)
    if failed is not None:
        raise ServerError(f"a request failed while it was asked how fast it answers: {failed.message}")
    start_ns, end_ns = extent_ns(round_.requests) or (0, 1)
    return (end_ns - start_ns) / NS_PER_S
