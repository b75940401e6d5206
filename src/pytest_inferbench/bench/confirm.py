"""The history gate of a cell: its cases judged, what looks like a regression measured again on a fresh server.

Limits: carries out what `judge.confirm_steps` says and decides nothing itself. A case whose confirmation failed has no
verdict but the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.bench.measure_case import CaseRequest, Recorded, measure
from pytest_inferbench.errors import InferbenchError, InvalidMeasurement
from pytest_inferbench.judge.confirm_steps import Confirmation, next_step
from pytest_inferbench.judge.history import Judged
from pytest_inferbench.judge.step import Done, Start
from pytest_inferbench.measure.findings_text import findings_text

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.document.case import CaseResult

Judge = Callable[[str, Sequence["CaseResult"]], Judged]
"""A case's id and its sessions of today -> what is said of it."""


def judge_cell(
    cases: Sequence[Recorded], judge: Judge, running: RunningCell, context: RunContext
) -> dict[str, Judged | InferbenchError]:
    """Judge the cases of one cell.

    Args:
        cases: what its tests measured; all valid.
        judge: from `Histories.judge`; asks for another session only where there can be one, and never where only the
            test itself can measure.
        running: the cell.
        context: the run.

    Returns:
        by the case's id, what is said of it, or why its confirmation failed.
    """
    requests = {case.id: case.request for case in cases if case.request is not None}
    sessions = {case.id: [case.result] for case in cases}
    found: dict[str, Judged | InferbenchError] = {name: judge(name, seen) for name, seen in sessions.items()}
    state = Confirmation(dict.fromkeys(sessions, 1), _wanting(found))
    while not isinstance(step := next_step(state), Done):
        if isinstance(step, Start):
            try:
                running.fresh_server()
            except InferbenchError as error:
                return found | dict.fromkeys(state.wants, error)
            state = replace(state, servers=state.servers + 1)
            continue
        again = _again(requests[step.case], running, context)
        if isinstance(again, InferbenchError):
            found[step.case] = again
        else:
            sessions[step.case].append(again)
            found[step.case] = judge(step.case, sessions[step.case])
        counts = {**state.sessions, step.case: state.sessions[step.case] + 1}
        state = replace(state, sessions=counts, wants=_wanting(found))
    return found


def _wanting(found: dict[str, Judged | InferbenchError]) -> frozenset[str]:
    return frozenset(name for name, judged in found.items() if isinstance(judged, Judged) and judged.wants_more)


def _again(request: CaseRequest, running: RunningCell, context: RunContext) -> CaseResult | InferbenchError:
    """The case measured on the server that runs now; the error where that gave no valid result."""
    try:
        case, problem = measure(request, running, context)
    except InferbenchError as error:
        return error
    if problem is not None or case is None:
        return problem or InvalidMeasurement(f"{request.name}: no round came to its end")
    if case.invalid:
        return InvalidMeasurement(findings_text(case, "when it was measured again: its regression is not confirmed"))
    return case
