"""The result of one case, from its rounds and what is known of how they were measured.

Limits: the result has no checks yet, and nothing here measures; its figures are made by `measure.assemble`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.fingerprint import args_hash
from pytest_inferbench.bench.watching import Sampling, how_watched
from pytest_inferbench.document.case import CaseIdentity, CaseResult
from pytest_inferbench.measure.assemble import assemble
from pytest_inferbench.measure.evidence import CaseFacts, ValidityPolicy

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.document.account import ServerAccount
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.records import RoundRecord
    from pytest_inferbench.servers.server import Server


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """Where and how a case was measured.

    Attributes:
        cell: the cell.
        server: its server, as it was when the case ended.
        canary: a hash of the server's greedy answers; None where it gave none.
        sampling: how the server and its GPUs were watched.
        max_error_rate: share of requests that may fail before the case is INVALID.
    """

    cell: RunningCell
    server: Server
    canary: str | None
    sampling: Sampling
    max_error_rate: float


def case_result(
    case: str,
    nodeid: str,
    workload: Mapping[str, Any],
    rounds: Sequence[RoundRecord],
    facts: CaseFacts,
    how: MeasuredOn,
    context: RunContext,
) -> CaseResult:
    """The result without checks.

    Args:
        case: the case's name.
        nodeid: its test's.
        workload: what was asked, as `Workload.describe`.
        rounds: at least one.
        facts: what the case wants of its rounds and its server.
        how: where and how they were measured.
        context: the run.
    """
    cell, server, sampling = how.cell, how.server, how.sampling
    identity = CaseIdentity(
        id=nodeid,
        case=case,
        model=context.model_of(cell.cell),
        backend=cell.cell.backend,
        variant=cell.cell.variant,
        version=server.version or cell.cell.version,
        hardware=context.hardware,
    )
    return assemble(
        identity,
        workload,
        rounds,
        facts,
        policy=_policy(how.max_error_rate),
        slo=dict(cell.cell.slo),
        table=context.extensions.metrics,
        server=server_account(cell.cell, server, cell.restarts, how.canary, cell.prompt_salt(server)),
        watched=how_watched(server, rounds, cell.gpus(server) if sampling.gpus else None, sampling, context.told),
    )


def _policy(max_error_rate: float) -> ValidityPolicy:
    """The limits of validity; one that the test gave says so."""
    if max_error_rate == ValidityPolicy().error_rate:
        return ValidityPolicy()
    return ValidityPolicy(error_rate=max_error_rate, sources={"error_rate": "the test's max_error_rate"})


def server_account(cell: Cell, server: Server, restarts: int, canary: str | None, salt: str) -> ServerAccount:
    """What the result says of the server itself."""
    args = dict(cell.args) if server.args is None else dict(server.args)
    return replace(
        server.facts,
        url=server.endpoint.base_url,
        provision=server.kind,
        ready_seconds=round(server.ready_seconds, 3),
        restarts=restarts,
        args=args,
        args_hash=args_hash(args),
        sources=dict(cell.sources),
        served_model=server.endpoint.model if server.kind == "url" else None,
        salt=salt or None,
        canary=canary,
        log=None if server.log_path is None else str(server.log_path),
    )
