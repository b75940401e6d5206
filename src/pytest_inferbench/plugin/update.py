"""`--update-baselines`: the controller records this session in the baseline files.

Law: runs once, after the last test, over the valid cases of this run; what it did and what it refused is said.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.candidate import Candidate, by_file
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.measure.result import CaseResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.plugin.context import RunContext


def update_baselines(context: RunContext, cases: Sequence[dict[str, Any]]) -> tuple[list[str], bool]:
    """Record the cases.

    Args:
        context: the run.
        cases: the run's cases as JSON types.

    Returns:
        What to tell people, and whether everything went well.
    """
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        return ["baselines not updated: CI=true; record them on a machine that may commit them"], False
    candidates = [Candidate(CaseResult.from_json(case), context.machine) for case in cases]
    store = context.baselines
    lines: list[str] = []
    try:
        updates = [
            plan_update(store.read(*key), group, run_id=context.run_id, date=_today())
            for key, group in by_file(candidates).items()
        ]
        for update in updates:
            lines += update.lines
            store.write(update)
            if update.appended:
                lines.append(f"wrote {update.baseline.name} and {update.baseline.sessions_name}")
    except InferbenchError as error:
        return [*lines, f"baselines not updated: {error}"], False
    return lines or ["baselines not updated: no case was measured"], True


def _today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
