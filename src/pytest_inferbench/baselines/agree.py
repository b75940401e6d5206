"""Whether `accepted` in the YAML file is what the accepted sessions say.

Law: pure; it tells which of the two files to mend and how, and mends nothing itself.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.schema import HardwareEntry
from pytest_inferbench.baselines.session import Accepted, accepted_entries, current_segment, derive_accepted
from pytest_inferbench.baselines.yaml_text import inline
from pytest_inferbench.policy import gates

if TYPE_CHECKING:
    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.baselines.session import Session


def disagreements(baseline: Baseline) -> list[str]:
    """One message for each case of this hardware whose two files differ; none where they agree."""
    keys = dict.fromkeys([*baseline.file.cases, *(session.key for session in baseline.sessions)])
    misspelt = _misspelt(baseline)
    return [
        *(
            f"{source}: {key}: no session in {baseline.sessions_name} is of this case; did you mean {meant!r}, which "
            "has sessions and is not in this file?"
            for key, (source, meant) in misspelt.items()
        ),
        *(
            message
            for key in keys
            if key not in misspelt and key not in {meant for _, meant in misspelt.values()}
            if (message := _of_case(baseline, key)) is not None
        ),
    ]


def _misspelt(baseline: Baseline) -> dict[str, tuple[str, str]]:
    """Cases with accepted figures and no session, beside one with sessions and no entry: (where, which it is)."""
    told = {session.key for session in baseline.sessions}
    lost, found = sorted(told - baseline.file.cases.keys()), {}
    for key, case in baseline.file.cases.items():
        accepted = case.hardware.get(baseline.hardware, HardwareEntry()).accepted
        near = difflib.get_close_matches(key, lost, n=1)
        if accepted is not None and key not in told and near:
            found[key] = (accepted.source, near[0])
    return found


def _of_case(baseline: Baseline, key: str) -> str | None:
    case = baseline.file.cases.get(key)
    entry = case.hardware.get(baseline.hardware) if case else None
    accepted = (entry or HardwareEntry()).accepted
    segment = current_segment(baseline.sessions, key)
    if accepted is None:
        return _unshown(baseline, key, segment) if segment else None
    if len(segment) < accepted.sessions:
        return (
            f"{accepted.source}: {key}: accepted says sessions: {accepted.sessions}, but {baseline.sessions_name} "
            f"has {len(segment)}; restore {baseline.sessions_name} from version control"
        )
    derived = derive_accepted(segment, accepted.figures)
    difference = _difference(accepted, derived)
    if not difference:
        return None
    return (
        f"{accepted.source}: {key}: accepted is not what {baseline.sessions_name} says ({difference}); "
        f"mend this line: accepted: {inline(accepted_entries(derived))}"
    )


def _unshown(baseline: Baseline, key: str, segment: tuple[Session, ...]) -> str:
    case = baseline.file.cases.get(key)
    accepted = derive_accepted(segment, gates([case.policy] if case else []).value)
    return (
        f"{baseline.name}: {key}: no accepted figures for {baseline.hardware}, but {baseline.sessions_name} has "
        f"sessions ({len(segment)}); put them under cases.{key}.hardware.{baseline.hardware}: "
        f"accepted: {inline(accepted_entries(accepted))}, or delete those sessions"
    )


def _difference(accepted: Accepted, derived: Accepted) -> str:
    here, there = accepted_entries(accepted), accepted_entries(derived)
    return ", ".join(
        f"{name} {inline(here.get(name, 'absent'))}, sessions say {inline(there.get(name, 'absent'))}"
        for name in dict.fromkeys([*here, *there])
        if here.get(name) != there.get(name)
    )
