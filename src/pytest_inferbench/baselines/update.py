"""What `--update-baselines` will write: planned from the files as they were read and the session's results.

Law: pure. Only valid cases of this session are touched. A new session joins the current segment, except where there
is nothing comparable, where a person reseats, or where a regression is accepted: each of these moves the level, so
the session opens a segment, and the spread of the earlier ones is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.edit import lay_over, new_text
from pytest_inferbench.baselines.proposal import proposed_entry
from pytest_inferbench.baselines.session import How, Session, current_segment
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.schema import Baseline


class Mode(StrEnum):
    """What an update does; the values of `--baseline-mode`.

    `APPEND` adds the session to its segment, `RESEAT` opens one with it; `PRUNE` measures nothing and drops what no
    suite has and nothing looks at (`prune.plan_prune`).
    """

    APPEND = "append"
    RESEAT = "reseat"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Change:
    """One file as it was read and as it shall be; None where there is none."""

    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Update:
    """A planned change of the files of one model and backend.

    Attributes:
        model, backend: whose.
        budgets: the YAML file.
        sessions: the session files, by the hardware's name.
        lines: what changes, for people: one line a case and one below it for each figure.
        writes: whether there is anything to write.
    """

    model: str
    backend: str
    budgets: Change
    sessions: Mapping[str, Change]
    lines: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether any file changes."""
        return any(change.old != change.new for change in (self.budgets, *self.sessions.values()))


def plan_update(
    baseline: Baseline,
    candidates: Sequence[Candidate],
    *,
    run_id: str,
    date: str,
    mode: Mode = Mode.APPEND,
    accept_regressions: bool = False,
) -> Update:
    """Record this session where it may be accepted.

    Args:
        baseline: both files as read.
        candidates: results of this baseline's model, backend and hardware, each of another case (`by_file`).
        run_id: the run's id; a run is accepted once.
        date: when it was measured, ISO 8601 in UTC.
        mode: append or reseat.
        accept_regressions: record a case that regressed too.

    Raises:
        BaselineError: the YAML file cannot be edited in place.
    """
    appended: list[Session] = []
    lines: list[str] = []
    cases: dict[str, Any] = {}
    for candidate in candidates:
        refusal = _refusal(baseline, candidate, run_id, accept_regressions=accept_regressions)
        if refusal:
            lines.append(f"{candidate.key} on {baseline.hardware}: not recorded: {refusal}")
            continue
        place = _place(baseline, candidate, mode)
        session = candidate.to_session(run_id, date, place.segment, place.how)
        appended.append(session)
        cases[candidate.key], changed = proposed_entry(baseline, candidate, (*place.before, session))
        lines += [_headline(baseline, candidate, place), *changed]
    text = baseline.text
    if cases:
        text = text if text is not None else new_text(baseline.file.model, baseline.file.backend)
        text = lay_over(text, {"cases": cases}, baseline.name)
    sessions = Change(baseline.sessions_text, _with_lines(baseline.sessions_text, appended))
    return Update(
        baseline.file.model,
        baseline.file.backend,
        Change(baseline.text, text),
        {baseline.hardware: sessions},
        tuple(lines),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session goes: the sessions it joins, its segment's number, how it is accepted, why a segment opens."""

    before: tuple[Session, ...]
    segment: int
    how: How
    why: str


def _place(baseline: Baseline, candidate: Candidate, mode: Mode) -> _Place:
    current = current_segment(baseline.sessions, candidate.key)
    new = comparable(baseline, candidate.key, candidate.fingerprint).new
    if not current:
        return _Place((), 1, "append", new or "")
    after = current[-1].segment + 1
    if new is not None:
        return _Place((), after, "append", new)
    upgrade = f"{current[-1].version} -> {candidate.fingerprint.version}"
    if _regressed(candidate):
        return _Place((), after, "accept", f"the regression is accepted ({upgrade})")
    if mode is Mode.RESEAT:
        return _Place((), after, "reseat", f"reseated ({upgrade})")
    return _Place(current, current[-1].segment, "append", "")


def _regressed(candidate: Candidate) -> bool:
    result = candidate.result
    return Verdict.REGRESSED in {result.verdict, *(check.verdict for check in result.checks)}


def _refusal(baseline: Baseline, candidate: Candidate, run_id: str, *, accept_regressions: bool) -> str:
    result = candidate.result
    if result.invalid or result.verdict is Verdict.INVALID:
        return "the measurement is invalid"
    if _regressed(candidate) and not accept_regressions:
        return "it regressed; --accept-regressions records it all the same"
    if any(session.id == run_id and session.key == candidate.key for session in baseline.sessions):
        return f"run {run_id} is already in {baseline.sessions_name}"
    return ""


def _headline(baseline: Baseline, candidate: Candidate, place: _Place) -> str:
    number = f"session {len(place.before) + 1} of segment {place.segment}"
    said = f"{candidate.key} on {baseline.hardware}: {candidate.result.verdict.label}, {number}"
    return f"{said}: {place.why}" if place.why else said


def _with_lines(text: str | None, appended: Sequence[Session]) -> str | None:
    if not appended:
        return text
    before = text or ""
    if before and not before.endswith("\n"):
        before += "\n"
    return before + "".join(f"{session.to_line()}\n" for session in appended)
