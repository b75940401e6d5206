"""One case on a running cell: as its test asked for it, now or again on another server.

Limits: knows nothing of who asks. What was measured before an error is kept, and says that it was broken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_inferbench.archive.request_log import with_records
from pytest_inferbench.bench.case import case_facts, case_plan
from pytest_inferbench.bench.case_result import MeasuredOn, case_result
from pytest_inferbench.bench.check_budgets import broken_off
from pytest_inferbench.bench.watching import sampling_in_force
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.errors import InferbenchError

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.records import RoundRecord
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
    slo, allowed = dict(cell.cell.slo), request.max_error_rate
    plan = case_plan(name, request.workload, request.rounds, context, slo, sampling.interval_ms, allowed)
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
    seen = context.secrets(cell.cell).masked_in(seen)
    if not seen:
        return None, problem
    case = case_result(
        name,
        request.nodeid,
        request.workload.describe(),
        seen,
        case_facts(plan, len(seen), request.min_requests, cell.shared_tokens),
        MeasuredOn(cell, server, canary, sampling, request.max_error_rate),
        context,
    )
    case = with_records(case, seen, context.folder) if keep else case
    if problem is not None:
        return broken_off(case, problem), problem
    return _with_own_error(case, seen, cell), None


def _with_own_error(case: CaseResult, rounds: Sequence[RoundRecord], cell: RunningCell) -> CaseResult:
    """The case with what the client itself adds at this load."""
    gaps = case.metrics.get("chunk_gap_ms")
    own = cell.self_error_ms(rounds, gaps.p50 if gaps is not None else None)
    return case if own is None else replace(case, client=replace(case.client, self_error_ms=own))
