"""What `--update-baselines` will write: planned from the files as they were read and the session's results.

Law: pure. Only valid cases of this session are touched; budgets and gates that people wrote stay theirs, and only a
case's first session proposes some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_inferbench.baselines.check import effective_budgets
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.edit import lay_over, new_text
from pytest_inferbench.baselines.figures import figure_text, round_figure
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.schema import HardwareEntry
from pytest_inferbench.baselines.session import Accepted, Session, accepted_entries, current_segment, derive_accepted
from pytest_inferbench.baselines.yaml_text import OneLine
from pytest_inferbench.config.document import DEFAULT
from pytest_inferbench.policy import gates
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.schema import Baseline

PROPOSAL_MARGIN: Final = 1.2
"""A proposed budget leaves this factor to the worst round of the first session."""

PROPOSED: Final = "proposed from the first session; review"


@dataclass(frozen=True, slots=True)
class Update:
    """A planned change of one pair of files.

    Attributes:
        baseline: the files as they were read; a writer refuses if they have changed since.
        text: the new YAML file.
        appended: the sessions to append.
        lines: what changes, for people: one line a case and one below it for each figure.
    """

    baseline: Baseline
    text: str
    appended: tuple[Session, ...]
    lines: tuple[str, ...]


def plan_update(baseline: Baseline, candidates: Sequence[Candidate], *, run_id: str, date: str) -> Update:
    """Append this session where it may be accepted.

    Args:
        baseline: both files as read.
        candidates: results of this baseline's model, backend and hardware, each of another case (`by_file`).
        run_id: the run's id; a run is accepted once.
        date: when it was measured, ISO 8601 in UTC.

    Raises:
        BaselineError: the YAML file cannot be edited in place.
    """
    appended: list[Session] = []
    lines: list[str] = []
    cases: dict[str, Any] = {}
    for candidate in candidates:
        refusal = _refusal(baseline, candidate, run_id)
        if refusal:
            lines.append(f"{candidate.key} on {baseline.hardware}: not recorded: {refusal}")
            continue
        before, number, reason = _segment(baseline, candidate)
        session = candidate.to_session(run_id, date, number)
        appended.append(session)
        cases[candidate.key], said = _plan_case(baseline, candidate, (*before, session), reason)
        lines += said
    text = baseline.text if baseline.text is not None else new_text(baseline.file.model, baseline.file.backend)
    if cases:
        text = lay_over(text, {"cases": cases}, baseline.name)
    return Update(baseline, text, tuple(appended), tuple(lines))


def _refusal(baseline: Baseline, candidate: Candidate, run_id: str) -> str:
    result = candidate.result
    if result.invalid or result.verdict is Verdict.INVALID:
        return "the measurement is invalid"
    if Verdict.REGRESSED in {result.verdict, *(check.verdict for check in result.checks)}:
        return "it regressed"
    if any(session.id == run_id and session.key == candidate.key for session in baseline.sessions):
        return f"run {run_id} is already in {baseline.sessions_name}"
    return ""


def _segment(baseline: Baseline, candidate: Candidate) -> tuple[tuple[Session, ...], int, str]:
    """The sessions the new one joins, its segment's number, and why it opens one, if it does."""
    before = current_segment(baseline.sessions, candidate.key)
    reason = comparable(baseline, candidate.key, candidate.fingerprint).new or ""
    if before and reason:
        return (), before[-1].segment + 1, reason
    return before, before[-1].segment if before else 1, reason


def _plan_case(
    baseline: Baseline, candidate: Candidate, segment: tuple[Session, ...], reason: str
) -> tuple[dict[str, Any], list[str]]:
    """What to lay over the case in the YAML file, and what to tell people."""
    key, hardware, session = candidate.key, baseline.hardware, segment[-1]
    case = baseline.file.cases.get(key)
    gated = gates(policy_layers(baseline.file, key, candidate.policy))
    measured = tuple(gate for gate in gated.value if session.value(gate) is not None)
    entry = (case.hardware.get(hardware) if case else None) or HardwareEntry()
    accepted = derive_accepted(segment, gated.value)
    written: dict[str, Any] = {}
    budgets = _proposed(candidate, session, measured)
    if entry.accepted is None and budgets and not effective_budgets(baseline.file, key, hardware):
        written["budgets"] = OneLine(budgets, PROPOSED)
    written["accepted"] = OneLine(accepted_entries(accepted))
    # A new case shows its gates where only the built-in ones hold, so that people see what there is to change.
    planned: dict[str, Any] = {"gates": OneLine(list(measured))} if case is None and gated.source == DEFAULT else {}
    planned["hardware"] = {hardware: written}
    said = f"{key} on {hardware}: {candidate.result.verdict.label}, session {len(segment)} of segment {session.segment}"
    if reason:
        said += f": {reason}"
    return planned, [said, *_changes(entry.accepted, accepted, budgets if "budgets" in written else {})]


def _proposed(candidate: Candidate, session: Session, measured: Iterable[str]) -> dict[str, dict[str, float]]:
    budgets = {}
    for gate in measured:
        figures = [figure for figure in session.rounds.get(gate, ()) if figure]
        if not figures:
            continue
        if candidate.direction(gate) is Direction.LOWER:
            budgets[gate] = {"max": round_figure(max(figures) * PROPOSAL_MARGIN)}
        else:
            budgets[gate] = {"min": round_figure(min(figures) / PROPOSAL_MARGIN)}
    return budgets


def _changes(old: Accepted | None, new: Accepted, budgets: dict[str, dict[str, float]]) -> list[str]:
    before = old.figures if old else {}
    names = dict.fromkeys([*before, *new.figures])
    lines = [f"  {name}: {_shown(before.get(name))} -> {_shown(new.figures.get(name))}" for name in names]
    for metric, bounds in budgets.items():
        lines += [f"  proposed budget {metric}: {bound} {figure_text(limit)}" for bound, limit in bounds.items()]
    return lines


def _shown(figure: float | None) -> str:
    return "none" if figure is None else figure_text(figure)
