"""What a test asks of `bench.run` and `bench.record`, looked at before anything is measured.

Limits: pure but for the baseline file; every mistake at once, each with the line of the test or of the value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.limits import budget_problems, certainly_too_few
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.bench.check_budgets import budgets_in_force
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.workloads.workload import Workload

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.measure_case import CaseRequest
    from pytest_inferbench.plan.cell import Cell


def check_request(request: CaseRequest, place: str, cell: Cell, context: RunContext) -> None:
    """Refuse a call of `bench.run` that cannot be what was meant.

    Raises:
        ConfigError: it says each argument that is wrong, and what was expected.
        BaselineError: the baseline file cannot be used.
    """
    problems = list(_arguments(request))
    problems += _limits(request.budgets, request.max_error_rate, request.min_requests)
    _refuse(problems, place)
    _refuse_budgets(budget_problems(request.budgets, context.extensions.metrics))
    workload = request.workload
    try:
        workload.prepare(context.settings.rootdir)
        workload.check_limits([name for name, _ in cell.slo])
    except ConfigError as error:
        _refuse([str(error)], place)
    rounds = context.settings.rounds if request.rounds is None else request.rounds
    baseline = context.baselines.read(context.model_of(cell), cell.backend, context.hardware)
    held_to = budgets_in_force(baseline, case_key(request.name, cell.variant), request.budgets)
    _refuse_budgets(certainly_too_few(held_to, workload.planned_requests, rounds, context.extensions.metrics))


def check_recorded(
    budgets: Sequence[Budget], max_error_rate: float, min_requests: int, place: str, context: RunContext
) -> None:
    """The same of `bench.record`, whose requests nobody knows before.

    Raises:
        ConfigError: as `check_request`.
    """
    _refuse(list(_limits(budgets, max_error_rate, min_requests)), place)
    _refuse_budgets(budget_problems(budgets, context.extensions.metrics))


def _arguments(request: CaseRequest) -> Iterator[str]:
    workload: Any = request.workload
    if not isinstance(workload, Workload):
        name = workload.__name__ if isinstance(workload, type) else quote_value(workload)
        yield f"got {name} as the workload, expected one with its options, such as Single(requests=32)"
    if request.rounds is not None and not _whole(request.rounds, 1):
        yield f"rounds={request.rounds!r}: expected a whole number of at least 1, or None for the run's own"
    if request.gpu_metrics not in (None, True, False):
        yield f"gpu_metrics={request.gpu_metrics!r}: expected True, False, or None for the run's own"
    interval: Any = request.sample_interval_ms
    if interval is not None and not _number(interval, 0, math.inf):
        yield f"sample_interval_ms={interval!r}: expected a number of at least 0, or None for the run's own"


def _limits(budgets: Any, max_error_rate: Any, min_requests: Any) -> Iterator[str]:  # noqa: ANN401 - whatever was given
    if isinstance(budgets, Budget) or not isinstance(budgets, Sequence):
        yield f"budgets={budgets!r}: expected a list, such as [Budget('ttft_ms.p50', 'max', 250)]"
    else:
        for one in budgets:
            if not isinstance(one, Budget):
                yield f"budgets: got {one!r}, expected Budget(metric, 'max' or 'min', limit)"
    if not _number(max_error_rate, 0, 1):
        yield f"max_error_rate={max_error_rate!r}: expected a share of requests, from 0 to 1"
    if not _whole(min_requests, 0):
        yield f"min_requests={min_requests!r}: expected a whole number of at least 0"


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _refuse(problems: Sequence[str], place: str) -> None:
    if problems:
        raise ConfigError("\n".join(f"{place}: {problem}" for problem in problems))


def _refuse_budgets(problems: Sequence[str]) -> None:
    if problems:
        raise ConfigError("\n".join(problems))
