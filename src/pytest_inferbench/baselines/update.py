"""What `--update-baselines` records: planned from the files as they were read and the session's results.

Law: pure. Only valid cases of this session are touched. A new session joins the newest segment, except where there
is nothing comparable, where a person reseats, or where a regression is accepted: each of these moves the level, so
the session opens a segment, and the spread of the earlier ones is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.accepted import Accepted
from pytest_inferbench.baselines.changes import CaseUpdate, Edit, Moved, Rewrite, Update, moved
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.fingerprint import of_session
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.lines import FIRST, How, Segment
from pytest_inferbench.baselines.proposal import Budgets, file_text, paste_text, proposed_budgets
from pytest_inferbench.policy import gates
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.fingerprint import Fingerprint
    from pytest_inferbench.baselines.lines import Line, Session
    from pytest_inferbench.baselines.schema import Baseline


class Mode(StrEnum):
    """What an update does; the values of `--baseline-mode`.

    `APPEND` adds the session to its segment, `RESEAT` opens one with it; `PRUNE` measures nothing and drops what no
    suite has and nothing looks at (`prune.plan_prune`).
    """

    APPEND = "append"
    RESEAT = "reseat"
    PRUNE = "prune"


def plan_update(
    baseline: Baseline,
    candidates: Sequence[Candidate],
    *,
    run_id: str,
    date: str,
    started: datetime | None = None,
    mode: Mode = Mode.APPEND,
    accept_regressions: bool = False,
) -> Update:
    """Record this session where it may be accepted.

    Args:
        baseline: both files as read.
        candidates: results of this baseline's model, backend and hardware, each of another case (`by_file`).
        run_id: the run's id; a run is accepted once.
        date: when it was measured, ISO 8601 in UTC.
        started: when the run began: a segment that another run opened since is of a level that this one did not know.
        mode: append or reseat.
        accept_regressions: record a case that regressed too.
    """
    if started is not None:
        known = {key: each.of_segments_before(started) for key, each in baseline.accepted.items()}
        baseline = replace(baseline, accepted=known)
    added: list[Line] = []
    said: list[CaseUpdate] = []
    proposals: dict[str, Budgets] = {}
    for candidate in candidates:
        refusal = _refusal(baseline, candidate, run_id, accept_regressions=accept_regressions)
        if refusal:
            said.append(_told(baseline, candidate.key, f"not recorded: {refusal}"))
            continue
        place = _place(baseline, candidate, mode)
        gated = gates(policy_layers(baseline.file, candidate.key, candidate.policy)).value
        session = candidate.to_session(run_id, date, place.segment or run_id, gated)
        added += [*_opened(candidate, run_id, date, place), session]
        after = (*place.before, session)
        figures = moved(baseline.of(candidate.key), Accepted(after), gated)
        said.append(_told(baseline, candidate.key, _headline(candidate, place), figures))
        if candidate.key not in baseline.file.cases and (baseline.text is None or not place.before):
            proposals[candidate.key] = proposed_budgets(after, gated, candidate.direction)
    file, notes = _proposed(baseline, {key: budgets for key, budgets in proposals.items() if budgets})
    model, backend = baseline.file.model, baseline.file.backend
    return Update(model, backend, {baseline.hardware: Edit(tuple(added))}, file, tuple(said), notes)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session goes: the sessions it joins, its segment, and how and why that is opened.

    `how` is None where the segment is there already; a segment of "" is named by the run that opens it.
    """

    before: tuple[Session, ...]
    segment: str
    number: int
    how: How | None = None
    why: str = ""


def _place(baseline: Baseline, candidate: Candidate, mode: Mode) -> _Place:
    accepted = baseline.of(candidate.key)
    new = comparable(baseline, candidate.key, candidate.fingerprint).new
    number = len(accepted.segments) + 1
    if not accepted.sessions:
        return _Place((), accepted.segments[-1].id if accepted.segments else FIRST, number, None, new or "")
    upgrade = _what_changed(of_session(accepted.sessions[-1]), candidate.fingerprint)
    if new is not None:
        return _Place((), "", number + 1, "changed", new)
    if _regressed(candidate):
        how: How = "reseat" if mode is Mode.RESEAT else "accept"
        return _Place((), "", number + 1, how, f"the regression is accepted ({upgrade})")
    if mode is Mode.RESEAT:
        return _Place((), "", number + 1, "reseat", f"reseated ({upgrade})")
    last = accepted.sessions[-1]
    return _Place(accepted.segment, last.segment, accepted.numbers[-1])


def _what_changed(then: Fingerprint, now: Fingerprint) -> str:
    if then.version != now.version:
        return f"{then.version} -> {now.version}"
    return "the same version" if then.server_args == now.server_args else "the same version, other server arguments"


def _opened(candidate: Candidate, run_id: str, date: str, place: _Place) -> tuple[Segment, ...]:
    if place.how is None:
        return ()
    result = candidate.result
    return (Segment(id=run_id, date=date, case=result.case, variant=result.variant, how=place.how, why=place.why),)


def _regressed(candidate: Candidate) -> bool:
    result = candidate.result
    return Verdict.REGRESSED in {result.verdict, *(check.verdict for check in result.checks)}


def _refusal(baseline: Baseline, candidate: Candidate, run_id: str, *, accept_regressions: bool) -> str:
    result = candidate.result
    if result.invalid or result.verdict is Verdict.INVALID:
        return "the measurement is invalid"
    if _regressed(candidate) and not accept_regressions:
        return "it regressed; --accept-regressions records it all the same"
    if any(session.id == run_id for session in baseline.of(candidate.key).sessions):
        return f"run {run_id} is already in {baseline.lines_name}"
    return ""


def _headline(candidate: Candidate, place: _Place) -> str:
    said = f"{candidate.result.verdict.label}, session {len(place.before) + 1} of segment {place.number}"
    return f"{said}: {place.why}" if place.why else said


def _told(baseline: Baseline, key: str, said: str, figures: Sequence[Moved] = ()) -> CaseUpdate:
    return CaseUpdate(baseline.file.model, baseline.file.backend, baseline.hardware, key, said, tuple(figures))


def _proposed(baseline: Baseline, proposals: Mapping[str, Budgets]) -> tuple[Rewrite | None, tuple[str, ...]]:
    """People's file where there is none yet, else its owner is told what could stand there."""
    if not proposals:
        return None, ()
    if baseline.text is None:
        text = file_text(baseline.file.model, baseline.file.backend, baseline.hardware, proposals)
        return Rewrite(None, text), ()
    head = f"budgets that could stand in {baseline.name}; paste below its `cases:` what you want to keep:"
    return None, (head, *paste_text(baseline.hardware, proposals).splitlines())
