"""What `--update-baselines` records: planned from the files as they were read and the session's results.

Limits: pure. Only valid cases of this session are touched. A new session joins the newest segment, except where there
is nothing comparable, where a person reseats, where a regression is accepted, or where an improvement was measured
again: each of these moves the level, so the session opens a segment, and the spread of the earlier ones is kept. A
change that may be another machine's joins nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.changes import CaseUpdate, Edit, Rewrite, Update, moved_figures
from pytest_inferbench.baselines.fingerprint import MACHINE_CHANGED
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.place import Mode, Place, aside_of, is_regressed, left_out, opening_line, place_of
from pytest_inferbench.baselines.proposal import Budgets, file_text, lacks_budgets, proposed_budgets
from pytest_inferbench.baselines.telling import to_tell
from pytest_inferbench.document.run import Moved
from pytest_inferbench.policy import gates
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.lines import Aside, Line
    from pytest_inferbench.baselines.schema import Baseline


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
    baseline = baseline if started is None else _known_at(baseline, started)
    added: list[Line] = []
    said: list[CaseUpdate] = []
    proposals: dict[str, Budgets] = {}
    for candidate in candidates:
        accepted = baseline.of(candidate.key)
        refusal = _refusal(baseline, candidate, run_id, mode, accept_regressions=accept_regressions)
        if refusal:
            added += (out := left_out(accepted, candidate, run_id, date))
            more = f"; {len(out[0].sessions)} that waited are left out" if out else ""
            said.append(_case_update(baseline, candidate.key, f"not recorded: {refusal}{more}"))
            continue
        place = place_of(baseline, candidate, mode)
        joins = place.how is None
        gated = gates(policy_layers(baseline.file, candidate.key, candidate.policy)).value
        aside = aside_of(candidate) if joins and accepted.sessions else {}
        session = candidate.to_session(run_id, date, place.segment or run_id, gated, aside, accepted.arguments)
        lines = (*opening_line(candidate, run_id, date, place), session)
        added += lines
        after = accepted.with_lines(lines)
        waited = _waiting_counts(accepted, gated) if joins else {}
        words, figures = _headline(candidate, after, place, aside, waited), moved_figures(accepted, after, gated)
        update = _case_update(baseline, candidate.key, words, figures)
        said.append(to_tell(update, candidate.result.checks, opens=not joins, waits=bool(aside or waited)))
        if _wants_budgets(baseline, candidate.key) and (baseline.text is None or len(after.segment) == 1):
            proposals[candidate.key] = proposed_budgets(after.segment, gated, candidate.direction)
    file, notes = _propose(baseline, {key: budgets for key, budgets in proposals.items() if budgets})
    lines_of = {baseline.hardware: Edit(tuple(added))}
    return Update(baseline.file.model, baseline.file.backend, lines_of, file, tuple(said), notes)


def _known_at(baseline: Baseline, moment: datetime) -> Baseline:
    known = {key: each.of_segments_before(moment) for key, each in baseline.accepted.items()}
    return replace(baseline, accepted=known)


def _refusal(baseline: Baseline, candidate: Candidate, run_id: str, mode: Mode, *, accept_regressions: bool) -> str:
    result = candidate.result
    if result.invalid or result.verdict is Verdict.INVALID:
        return "the measurement is invalid"
    if is_regressed(candidate) and not accept_regressions:
        return "it regressed; --accept-regressions records it all the same"
    notes = [note for check in result.checks if check.comparison for note in check.comparison.notes]
    if MACHINE_CHANGED in notes and mode is not Mode.RESEAT:
        return "the machine changed, and its figures with it; --baseline-mode reseat accepts its level"
    if any(session.id == run_id for session in baseline.of(candidate.key).sessions):
        return f"run {run_id} is already in {baseline.lines_name}"
    return ""


def _headline(
    candidate: Candidate, after: Accepted, place: Place, aside: Mapping[str, Aside], waited: Mapping[str, int]
) -> str:
    said = f"{candidate.result.verdict.label}, session {len(after.segment)} of segment {after.numbers[-1]}"
    waits = ", ".join(f"{gate} (looks {way})" for gate, way in aside.items())
    joined = ", ".join(f"{gate} ({count})" for gate, count in waited.items() if gate not in aside)
    parts = [
        place.why,
        f"waiting for further days: {waits}" if waits else "",
        f"what waited has joined: {joined}" if joined else "",
    ]
    why = "; ".join(part for part in parts if part)
    return f"{said}: {why}" if why else said


def _waiting_counts(accepted: Accepted, gated: Iterable[str]) -> dict[str, int]:
    """How many sessions wait in each gate; those in which none does are left out."""
    return {gate: len(found) for gate in gated if (found := accepted.waiting(gate))}


def _case_update(baseline: Baseline, key: str, said: str, figures: tuple[Moved, ...] = ()) -> CaseUpdate:
    return CaseUpdate(baseline.file.model, baseline.file.backend, baseline.hardware, key, said, figures)


def _wants_budgets(baseline: Baseline, key: str) -> bool:
    entry = baseline.file.cases.get(key)
    return entry is None or lacks_budgets(entry.budgets, entry.hardware, baseline.hardware)


def _propose(baseline: Baseline, proposals: Mapping[str, Budgets]) -> tuple[Rewrite | None, tuple[str, ...]]:
    """People's file where there is none yet, and how many budgets stand in it, or could stand in the one there is."""
    if not proposals:
        return None, ()
    count = f"{sum(map(len, proposals.values()))} budgets for {len(proposals)} case{'s' * (len(proposals) != 1)}"
    if baseline.text is None:
        text = file_text(baseline.file.model, baseline.file.backend, baseline.hardware, proposals)
        return Rewrite(None, text), (f"{count} proposed in {baseline.name}, in force from now on: review them",)
    return None, (f"{count} could stand in {baseline.name}: `inferbench baselines propose` prints them",)
