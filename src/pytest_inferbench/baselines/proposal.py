"""What a case's entry in the YAML file becomes with a new session, and what people are told of it.

Law: pure. Budgets and gates that people wrote stay theirs; only a case's first session proposes some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_inferbench.baselines.check import effective_budgets
from pytest_inferbench.baselines.figures import figure_text, round_figure
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.schema import HardwareEntry
from pytest_inferbench.baselines.session import Accepted, Session, accepted_entries, derive_accepted
from pytest_inferbench.baselines.yaml_text import OneLine
from pytest_inferbench.config.document import DEFAULT
from pytest_inferbench.policy import gates
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_inferbench.baselines.candidate import Candidate
    from pytest_inferbench.baselines.schema import Baseline

PROPOSAL_MARGIN: Final = 1.2
"""A proposed budget leaves this factor to the worst round of the first session."""

PROPOSED: Final = "proposed from the first session; review"


def proposed_entry(
    baseline: Baseline, candidate: Candidate, segment: Sequence[Session]
) -> tuple[dict[str, Any], list[str]]:
    """What to lay over the case in the YAML file, and one line for people for each figure that changes.

    Args:
        baseline: the files as they are.
        candidate: the new result.
        segment: the case's current segment, the new session last.
    """
    key, hardware, session = candidate.key, baseline.hardware, segment[-1]
    case = baseline.file.cases.get(key)
    gated = gates(policy_layers(baseline.file, key, candidate.policy))
    measured = [gate for gate in gated.value if session.value(gate) is not None]
    entry = (case.hardware.get(hardware) if case else None) or HardwareEntry()
    accepted = derive_accepted(segment, gated.value)
    written: dict[str, Any] = {}
    budgets = _budgets(candidate, session, measured)
    if entry.accepted is None and budgets and not effective_budgets(baseline.file, key, hardware):
        written["budgets"] = OneLine(budgets, PROPOSED)
    written["accepted"] = OneLine(accepted_entries(accepted))
    # A new case shows its gates where only the built-in ones hold, so that people see what there is to change.
    shown = case is None and gated.source == DEFAULT
    planned: dict[str, Any] = {"gates": OneLine(measured)} if shown else {}
    planned["hardware"] = {hardware: written}
    return planned, [*changes(entry.accepted, accepted), *_told(budgets if "budgets" in written else {})]


def changes(old: Accepted | None, new: Accepted) -> list[str]:
    """`old -> new` of each accepted figure, a line each."""
    before = old.figures if old else {}
    names = dict.fromkeys([*before, *new.figures])
    return [f"  {name}: {_shown(before.get(name))} -> {_shown(new.figures.get(name))}" for name in names]


def _budgets(candidate: Candidate, session: Session, measured: Iterable[str]) -> dict[str, dict[str, float]]:
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


def _told(budgets: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        f"  proposed budget {metric}: {bound} {figure_text(limit)}"
        for metric, bounds in budgets.items()
        for bound, limit in bounds.items()
    ]


def _shown(figure: float | None) -> str:
    return "none" if figure is None else figure_text(figure)
