"""What pairs say of sessions that wait: those of a regression that the pairs called are left out.

Limits: pure; no session is recorded by pairs, and what they did not call goes on waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.candidate import Candidate
from pytest_inferbench.baselines.changes import Edit, Update
from pytest_inferbench.baselines.place import left_out, regressed_gates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.lines import LeftOut
    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.document.case import CaseResult


def plan_decided(baseline: Baseline, results: Sequence[CaseResult], run_id: str, date: str) -> Update:
    """Leave out what waited for what these pairs say.

    Args:
        baseline: both files as read.
        results: cases of arm B of this baseline's model, backend and hardware, with what their pairs said.
        run_id: the run's id.
        date: when it ran, ISO 8601 in UTC.
    """
    added: list[LeftOut] = []
    notes: list[str] = []
    for candidate in map(Candidate, results):
        lines = left_out(baseline.of(candidate.key), candidate, run_id, date)
        added += lines
        gates = ", ".join(regressed_gates(candidate))
        said = "no regression by pairs, so nothing that waits is left out"
        if gates:
            count = len(lines[0].sessions) if lines else 0
            said = f"{gates} regressed by pairs: {count} session{'' if count == 1 else 's'} that waited left out"
        notes.append(f"{candidate.key} on {baseline.hardware}: {said}")
    edit = {baseline.hardware: Edit(tuple(added))}
    return Update(baseline.file.model, baseline.file.backend, edit, notes=tuple(notes))
