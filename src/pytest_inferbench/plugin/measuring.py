"""One case on a running cell: as its test asked for it, now or again on another server.

Law: knows no item. What was measured before an error is kept, and says that it was broken off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.measure.assemble import CaseIdentity, assemble
from pytest_inferbench.measure.evidence import CaseFacts
from pytest_inferbench.measure.result import CaseResult
from pytest_inferbench.plugin.case import case_facts, case_identity, case_plan, case_policy, server_account
from pytest_inferbench.plugin.judge import broken_off
from pytest_inferbench.plugin.records_file import with_records
from pytest_inferbench.plugin.watching import Sampling, sampling_in_force, watched

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.plugin.cell import RunningCell
    from pytest_inferbench.plugin.context import RunContext
    from pytest_inferbench.records import RoundRecord
    from pytest_inferbench.servers.server import Server
    from pytest_inferbench.workloads.workload import Workload


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """What a test asked for.

    Attributes:
        name: the case's name.
        nodeid: the test's.
        workload, rounds, budgets, max_error_rate, min_requests, sample_interval_ms, gpu_metrics: as given to
            `bench.run`.
    """

    name: str
    nodeid: str
    workload: Workload
    rounds: int | None
    budgets: Sequence[Budget]
    max_error_rate: float
    min_requests: int
    sample_interval_ms: float | None = None
    gpu_metrics: bool | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A case that its test measured, with what it takes to measure it again; no request: only the test itself can."""

    result: CaseResult
    request: CaseRequest | None
    running: RunningCell

    @property
    def id(self) -> str:
        """What tells it from every other case of the run."""
        return f"{self.result.id} {self.result.case}"


RECORDED = pytest.StashKey[list[Recorded]]()


def measure(
    request: CaseRequest, cell: RunningCell, context: RunContext, *, keep: bool = False
) -> tuple[CaseResult | None, InferbenchError | None]:
    """Warm up and run the rounds, while nothing else is measured on this device.

    Args:
        request: the case.
        cell: its running cell.
        context: the run.
        keep: whether its request records are written beside the run document.

    Returns:
        the case without checks, None where not even one round came to its end; and the error that ended it, if one did.

    Raises:
        InferbenchError: it could not be begun.
    """
    with cell.measuring():
        return _measure(request, cell, context, keep=keep)


def _measure(
    request: CaseRequest, cell: RunningCell, context: RunContext, *, keep: bool
) -> tuple[CaseResult | None, InferbenchError | None]:
    name = request.name
    sampling = sampling_in_force(context.settings, request.sample_interval_ms, request.gpu_metrics)
    plan = case_plan(name, request.workload, request.rounds, context, dict(cell.cell.slo), sampling.interval_ms)
    runner = cell.runner(name, gpu_metrics=sampling.gpus)
    server, canary = cell.server(), cell.canary
    seen: list[RoundRecord] = []
    problem: InferbenchError | None = None
    cell.follow(plan, seen, runner)
    try:
        for round_ in runner.run(plan):
            seen.append(round_)  # noqa: PERF402 - one by one: it is looked at meanwhile, and kept when an error comes
    except InferbenchError as error:
        problem = error
    server = cell.server() if problem is None else server
    seen = context.secrets(cell.cell).hidden_in(seen)
    if not seen:
        return None, problem
    case = assembled(
        case_identity(name, request.nodeid, cell.cell, server, context),
        request.workload.describe(),
        seen,
        case_facts(plan, request.min_requests, cell.shared_tokens),
        Measured(cell, server, canary, sampling, request.max_error_rate),
        context,
    )
    case = with_records(case, seen, context.folder) if keep else case
    if problem is not None:
        return broken_off(case, problem), problem
    return _with_own_error(case, seen, cell), None


@dataclass(frozen=True, slots=True)
class Measured:
    """How a case was measured: on which server of which cell, with which answers to the canary, how it was watched.

    Attributes:
        max_error_rate: share of requests that may fail before the case is INVALID.
    """

    cell: RunningCell
    server: Server
    canary: str | None
    sampling: Sampling
    max_error_rate: float


def assembled(
    identity: CaseIdentity,
    workload: Mapping[str, Any],
    seen: Sequence[RoundRecord],
    facts: CaseFacts,
    how: Measured,
    context: RunContext,
) -> CaseResult:
    """The result of a case's rounds, without checks."""
    cell, server, sampling = how.cell, how.server, how.sampling
    return assemble(
        identity,
        workload,
        seen,
        facts,
        policy=case_policy(how.max_error_rate),
        slo=dict(cell.cell.slo),
        table=context.extensions.metrics,
        server=server_account(cell.cell, server, cell.restarts, how.canary, cell.salted(server)),
        watched=watched(server, seen, cell.gpus(server) if sampling.gpus else None, sampling, context.told),
    )


def invalid(case: CaseResult) -> str:
    """`INVALID (schedule_lag)`: by what."""
    return f"INVALID ({', '.join(dict.fromkeys(finding.code for finding in case.validity if finding.invalid))})"


def findings_text(case: CaseResult, what: str) -> str:
    """Why a case is INVALID, and what that means for it; the first line alone must do in pytest's short summary."""
    lines = [f"{case.case} is {invalid(case)} {what}:"]
    lines += [
        f"  {finding.code}: {finding.message} -> {finding.remedy}" for finding in case.validity if finding.invalid
    ]
    return "\n".join(lines)


def _with_own_error(case: CaseResult, rounds: Sequence[RoundRecord], cell: RunningCell) -> CaseResult:
    """The case with what the client itself adds at this load."""
    gaps = case.metrics.get("chunk_gap_ms")
    own = cell.self_error_ms(rounds, gaps.p50 if gaps is not None else None)
    return case if own is None else dataclasses.replace(case, client={**case.client, "self_error_ms": own})
