"""`--baseline-mode prune`: cases that no suite has, and sessions that nothing looks at any more, leave the files.

Law: pure. Nothing of a case that a suite has goes but its sessions beyond the window; comments stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.edit import drop_cases, lay_over
from pytest_inferbench.baselines.names import bare_case
from pytest_inferbench.baselines.proposal import changes
from pytest_inferbench.baselines.session import accepted_entries, current_segment, derive_accepted
from pytest_inferbench.baselines.update import Change, Update
from pytest_inferbench.baselines.yaml_text import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_inferbench.baselines.schema import Baseline, BaselineFile
    from pytest_inferbench.baselines.session import Session


def plan_prune(baselines: Sequence[Baseline], suite: Collection[str], window: Callable[[str], int]) -> Update:
    """Drop what is not needed from the files of one model and backend.

    Args:
        baselines: the YAML file with the sessions of each hardware, at least one, all with the same YAML file.
        suite: keys of all cases that the suite has, selected or not. A test that measures several workloads counts by
            the first one's.
        window: case key -> sessions that are looked at.

    Raises:
        BaselineError: the YAML file cannot be edited in place.
    """
    first = baselines[0]
    known = {*first.file.cases, *(session.key for baseline in baselines for session in baseline.sessions)}
    gone = sorted(key for key in known if bare_case(key) not in suite)
    lines = [f"{key}: dropped: no suite has it" for key in gone]
    laid: dict[str, Any] = {}
    files = {}
    for baseline in baselines:
        kept = _kept(baseline.sessions, gone, window)
        files[baseline.hardware] = Change(baseline.sessions_text, _lines(baseline, kept))
        for key in dict.fromkeys(session.key for session in baseline.sessions if session.key not in gone):
            fewer = sum(session.key == key for session in baseline.sessions) - sum(one.key == key for one in kept)
            if fewer:
                entry, told = _shorter(first.file, baseline, key, kept)
                laid.setdefault(key, {"hardware": {}})["hardware"][baseline.hardware] = entry
                lines += [f"{key} on {baseline.hardware}: dropped {fewer} beyond the window of {window(key)}", *told]
    text = first.text
    if text is not None:
        text = drop_cases(text, [key for key in gone if key in first.file.cases], first.name)
        text = lay_over(text, {"cases": laid}, first.name) if laid else text
    return Update(first.file.model, first.file.backend, Change(first.text, text), files, tuple(lines))


def _kept(sessions: Sequence[Session], gone: Collection[str], window: Callable[[str], int]) -> list[Session]:
    left: dict[str, int] = {}
    kept = []
    for session in reversed(sessions):
        if session.key in gone:
            continue
        left[session.key] = left.get(session.key, window(session.key)) - 1
        if left[session.key] >= 0:
            kept.append(session)
    return kept[::-1]


def _lines(baseline: Baseline, kept: Sequence[Session]) -> str | None:
    """The session file with the lines of the kept sessions as they are."""
    if baseline.sessions_text is None or len(kept) == len(baseline.sessions):
        return baseline.sessions_text
    written = [line for line in baseline.sessions_text.split("\n") if line.strip()]
    wanted = {id(session) for session in kept}
    lines = [line for line, session in zip(written, baseline.sessions, strict=True) if id(session) in wanted]
    return "".join(f"{line}\n" for line in lines)


def _shorter(
    file: BaselineFile, baseline: Baseline, key: str, kept: Sequence[Session]
) -> tuple[dict[str, Any], list[str]]:
    """The accepted figures of a case that lost sessions, as before where its current segment lost none."""
    old = file.cases[key].hardware[baseline.hardware].accepted
    assert old is not None  # noqa: S101 - the two files agree (`agree.disagreements`)
    new = derive_accepted(current_segment(kept, key), old.figures)
    return {"accepted": OneLine(accepted_entries(new))}, changes(old, new)
