"""`--baseline-mode prune`: lines that nothing looks at any more leave the program's files.

Limits: pure. People's file is theirs: what no suite has is named with its line, for them to delete.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.accepted import REFERENCE_SESSIONS
from pytest_inferbench.baselines.changes import CaseUpdate, Edit, Update, moved_figures
from pytest_inferbench.baselines.comparable import measuring_the_same
from pytest_inferbench.baselines.names import bare_case
from pytest_inferbench.document.run import Moved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.lines import Session
    from pytest_inferbench.baselines.schema import Baseline


def plan_prune(baselines: Sequence[Baseline], suite: Collection[str], window: Callable[[str], int]) -> Update:
    """Drop what is not needed from the files of one model and backend.

    Args:
        baselines: people's file with the lines of each hardware, at least one, all with the same file of people's.
        suite: keys of all cases that the suite has, selected or not. A test that measures several workloads counts by
            the first one's.
        window: case key -> sessions that are looked at.
    """
    first = baselines[0]
    edits, cases = {}, []
    for baseline in baselines:
        gone = frozenset(key for key in baseline.accepted if bare_case(key) not in suite)
        for key in sorted(gone):
            count = len(baseline.accepted[key].sessions)
            said = f"dropped with {count} session{'s' * (count != 1)}: no suite has it"
            cases.append(_case_update(baseline, key, said))
        beyond: set[tuple[str, str]] = set()
        for key, accepted in baseline.accepted.items():
            dropped = [] if key in gone else _beyond(accepted, window(key))
            if dropped:
                beyond |= {(session.id, key) for session in dropped}
                said = f"dropped {len(dropped)} beyond the window of {window(key)}"
                cases.append(_case_update(baseline, key, said, accepted, dropped))
        edits[baseline.hardware] = Edit(drop_cases=gone, drop_sessions=frozenset(beyond))
    notes = [
        f"{entry.source}: no suite has {key}; delete it there, the file is yours"
        for key, entry in first.file.cases.items()
        if bare_case(key) not in suite
    ]
    return Update(first.file.model, first.file.backend, edits, None, tuple(cases), tuple(notes))


def _beyond(accepted: Accepted, window: int) -> list[Session]:
    """The sessions that neither a comparison nor a relative budget looks at."""
    kept = {
        session.id
        for session in (*accepted.sessions[-window:], *measuring_the_same(accepted).level[:REFERENCE_SESSIONS])
    }
    return [session for session in accepted.sessions if session.id not in kept]


def _case_update(
    baseline: Baseline, key: str, said: str, before: Accepted | None = None, dropped: Sequence[Session] = ()
) -> CaseUpdate:
    figures: tuple[Moved, ...] = ()
    if before is not None:
        after = replace(before, sessions=tuple(each for each in before.sessions if each not in dropped))
        figures = moved_figures(before, after, before.sessions[-1].gates or ())
    told = tuple(each for each in figures if each.old != each.new)
    return CaseUpdate(baseline.file.model, baseline.file.backend, baseline.hardware, key, said, figures, told)
