"""`--update-baselines`: the controller records this session in the baseline files, or prunes them.

Law: runs once, after the last test, over the valid cases of this run; what it did and what it refused is said.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.candidate import Candidate, by_file
from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.noise import plan_noise
from pytest_inferbench.baselines.prune import plan_prune
from pytest_inferbench.baselines.update import Mode, Update, plan_update
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.measure.result import CaseResult
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.stats.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_inferbench.config.document import Section
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plugin.context import RunContext


def update_baselines(
    context: RunContext, cells: Sequence[Cell], cases: Sequence[dict[str, Any]]
) -> tuple[list[str], bool]:
    """Record the cases.

    Args:
        context: the run.
        cells: its matrix, which knows each model's policy.
        cases: the run's cases as JSON types.

    Returns:
        What to tell people, and whether everything went well.
    """
    settings = context.settings
    if refusal := refused_in_ci(context):
        return [refusal], False
    policies = _policies(cells)
    candidates = [
        Candidate(result, context.machine, _policy_of(result, policies)) for result in map(CaseResult.from_json, cases)
    ]
    store = context.baselines
    try:
        updates = [
            plan_update(
                store.read(*key),
                group,
                run_id=context.run_id,
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                mode=Mode(settings.baseline_mode or Mode.APPEND),
                accept_regressions=settings.accept_regressions,
            )
            for key, group in by_file(candidates).items()
        ]
    except InferbenchError as error:
        return [f"baselines not updated: {error}"], False
    lines, went_well = _write(context, updates)
    return lines or ["baselines not updated: no case was measured"], went_well


def record_noise(context: RunContext, cases: Sequence[dict[str, Any]]) -> tuple[list[str], bool]:
    """Record what an A/A run said of its cases' noise; arguments and answer as `update_baselines`."""
    if refusal := refused_in_ci(context):
        return [refusal], False
    grouped: dict[tuple[str, str, str], list[CaseResult]] = {}
    for result in map(CaseResult.from_json, cases):
        grouped.setdefault((result.model, result.backend, result.hardware), []).append(result)
    today = datetime.now(UTC).date().isoformat()
    try:
        updates = [plan_noise(context.baselines.read(*key), results, today) for key, results in grouped.items()]
    except InferbenchError as error:
        return [f"baselines not updated: {error}"], False
    lines, went_well = _write(context, updates)
    return lines or ["baselines not updated: no case was measured"], went_well


def prune_baselines(
    context: RunContext, cells: Sequence[Cell], suite: Mapping[tuple[str, str], Collection[str]]
) -> tuple[list[str], bool]:
    """Drop what no suite has and nothing looks at, from the files of this run's models and backends.

    Args:
        context: the run.
        cells: its matrix.
        suite: (model, backend) -> keys of all cases of the suite.

    Returns:
        as `update_baselines`.
    """
    updates = []
    policies = _policies(cells)
    try:
        for (model, backend), keys in suite.items():
            baselines = context.baselines.read_all(model, backend, context.hardware)
            file, above = baselines[0].file, policies[model, backend]

            def window(key: str, file: Any = file, above: tuple[Section, ...] = above) -> int:  # noqa: ANN401
                return next((gate.rule.window for gate in case_rules(file, key, above).values()), Rule().window)

            updates.append(plan_prune(baselines, keys, window))
    except InferbenchError as error:
        return [f"baselines not pruned: {error}"], False
    lines, went_well = _write(context, updates)
    return lines or ["baselines not pruned: nothing in them is superfluous"], went_well


def refused_in_ci(context: RunContext) -> str | None:
    """Why baselines may not be written here; None where they may."""
    in_ci = os.environ.get("CI", "").lower() in ("1", "true", "yes")
    if in_ci and context.settings.baseline_mode is None:
        return "baselines not updated: CI=true; record them on a machine that may commit them, or say --baseline-mode"
    return None


def _write(context: RunContext, updates: Iterable[Update]) -> tuple[list[str], bool]:
    lines: list[str] = []
    for update in updates:
        lines += update.lines
        try:
            context.baselines.write(update)
        except InferbenchError as error:
            return [*lines, f"baselines not updated: {error}"], False
        lines += [f"wrote {name}" for name in context.baselines.written(update)]
    return lines, True


def _policy_of(case: CaseResult, policies: Mapping[tuple[str, str], tuple[Section, ...]]) -> tuple[Section, ...]:
    """That of its cell; a server that was only given by its address has said its model's name since."""
    own = policies.get((case.model, case.backend))
    return policies.get((SERVED, case.backend), ()) if own is None else own


def _policies(cells: Iterable[Cell]) -> dict[tuple[str, str], tuple[Section, ...]]:
    return {(cell.model, cell.backend): cell.policy for cell in cells}
