"""Where a session goes: into the level, beside it, or into a segment of its own.

Limits: pure; from what is accepted and from what the session's verdicts say. Whether it is recorded at all is
`update`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.fingerprint import of_session
from pytest_inferbench.baselines.lines import BETTER, FIRST, WORSE, Aside, How, LeftOut, Segment
from pytest_inferbench.stats.comparison import Record
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.fingerprint import Fingerprint
    from pytest_inferbench.baselines.lines import Session
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
class Place:
    """Where a session goes: its segment, how and why that is opened, and which sessions that waited go there too.

    `how` is None where the segment is there already; a segment of "" is named by the run that opens it.
    """

    segment: str
    how: How | None = None
    why: str = ""
    takes: tuple[Session, ...] = ()


def place_of(baseline: Baseline, candidate: Candidate, mode: Mode) -> Place:
    """Where a session goes that is recorded.

    Args:
        baseline: both files as read.
        candidate: the session.
        mode: append or reseat.
    """
    accepted = baseline.of(candidate.key)
    new = comparable(baseline, candidate.key, candidate.fingerprint, candidate.policy).new
    if not accepted.sessions:
        return Place(accepted.segments[-1].id if accepted.segments else FIRST, None, new or "")
    upgrade = _what_changed(of_session(accepted.sessions[-1]), candidate.fingerprint)
    if new is not None:
        return Place("", "changed", new)
    if is_regressed(candidate):
        how: How = "reseat" if mode is Mode.RESEAT else "accept"
        return Place(
            "", how, f"the regression is accepted ({upgrade})", _waiting(accepted, regressed_gates(candidate), WORSE)
        )
    if mode is Mode.RESEAT:
        return Place("", "reseat", f"reseated ({upgrade})")
    return _by_its_verdicts(accepted, candidate, upgrade)


def _by_its_verdicts(accepted: Accepted, candidate: Candidate, upgrade: str) -> Place:
    if improved := _recorded_as(candidate, Record.OPENS):
        why = f"{', '.join(improved)} improved ({upgrade})"
        return Place("", "improved", why, _waiting(accepted, improved, BETTER))
    if returned := _recorded_as(candidate, Record.RETURNS):
        return Place("", "returned", f"the improvement of {', '.join(returned)} did not last")
    return Place(accepted.sessions[-1].segment)


def _waiting(accepted: Accepted, gates_: Iterable[str], way: Aside) -> tuple[Session, ...]:
    """The sessions that wait in one direction in any of these gates, oldest first."""
    found = {each.id: each for gate in gates_ for each in accepted.waiting(gate) if (each.aside or {}).get(gate) == way}
    return tuple(sorted(found.values(), key=lambda each: each.moment))


def left_out(accepted: Accepted, candidate: Candidate, run_id: str, date: str) -> tuple[LeftOut, ...]:
    """The line that says which sessions, recorded while it was not sure, belong to the regression of this one."""
    found = _waiting(accepted, regressed_gates(candidate), WORSE)
    if not found:
        return ()
    result = candidate.result
    why = f"{', '.join(regressed_gates(candidate))} regressed"
    ids = [each.id for each in found]
    return (LeftOut(id=run_id, date=date, case=result.case, variant=result.variant, sessions=ids, why=why),)


def _recorded_as(candidate: Candidate, what: Record) -> list[str]:
    """The gates whose comparison says so of the session."""
    return [
        check.metric
        for check in candidate.result.checks
        if check.comparison is not None and check.comparison.record == what
    ]


def aside_of(candidate: Candidate) -> dict[str, Aside]:
    """The gates in which the session has to wait."""
    worse = dict.fromkeys(_recorded_as(candidate, Record.WORSE), WORSE)
    return {**worse, **dict.fromkeys(_recorded_as(candidate, Record.BETTER), BETTER)}


def _what_changed(then: Fingerprint, now: Fingerprint) -> str:
    if "version" in {*then.unknown, *now.unknown}:
        return "the version is not known"
    if then.version != now.version:
        return f"{then.version} -> {now.version}"
    return "the same version" if then.server_args == now.server_args else "the same version, other server arguments"


def opening_line(candidate: Candidate, run_id: str, date: str, place: Place) -> tuple[Segment, ...]:
    """The line that opens the segment; none where it is there already."""
    if place.how is None:
        return ()
    result = candidate.result
    taken = [each.id for each in place.takes] or None
    line = Segment(
        id=run_id, date=date, case=result.case, variant=result.variant, how=place.how, why=place.why, takes=taken
    )
    return (line,)


def is_regressed(candidate: Candidate) -> bool:
    """Whether anything of it regressed."""
    return candidate.result.verdict is Verdict.REGRESSED or bool(regressed_gates(candidate))


def regressed_gates(candidate: Candidate) -> tuple[str, ...]:
    """The gates that regressed."""
    return tuple(check.metric for check in candidate.result.checks if check.verdict is Verdict.REGRESSED)
