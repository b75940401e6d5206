"""Budgets to begin with: the worst round that was accepted, and some room; text for people's file.

Limits: pure. A file is written only where there is none; for one that people own, the text is theirs to paste.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from pytest_inferbench.baselines.figures import round_figure
from pytest_inferbench.baselines.schema import SCHEMA
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from pytest_inferbench.baselines.lines import Session

MARGIN: Final = 1.5
"""A proposed budget leaves this factor to the worst round: it is there for what no history is needed to see."""

Budgets = dict[str, dict[str, float]]
"""metric -> bound -> limit."""

_HEAD: Final = """\
Proposed from what was accepted first: review these limits. This file is yours, and nothing writes to it again. A limit
may be a share, too: {max: +25 %}. What is accepted lies in the folder beside it: `inferbench baselines show`."""


def proposed_budgets(
    segment: Sequence[Session], gates: Iterable[str], direction: Callable[[str], Direction]
) -> Budgets:
    """A limit for each gated figure that the sessions of a segment have.

    Args:
        segment: accepted sessions of one case.
        gates: its gated figures.
        direction: which way a figure is better; a neutral one gets no limit.
    """
    budgets: Budgets = {}
    for gate in gates:
        figures = [figure for session in segment for figure in session.rounds.get(gate, ()) if figure]
        if figures and direction(gate) is Direction.LOWER:
            budgets[gate] = {"max": round_figure(max(figures) * MARGIN)}
        elif figures and direction(gate) is Direction.HIGHER:
            budgets[gate] = {"min": round_figure(min(figures) / MARGIN)}
    return budgets


def lacks_budgets(general: Collection[object], by_hardware: Mapping[str, Collection[object]], hardware: str) -> bool:
    """Whether all budgets that a case has in people's file are of other hardware, where other limits hold.

    Args:
        general: its budgets on any hardware.
        by_hardware: those on each hardware that it names; one that is named without budgets is to have none.
        hardware: where it was measured.
    """
    return not general and hardware not in by_hardware and any(by_hardware.values())


def file_text(model: str, backend: str, hardware: str, cases: Mapping[str, Budgets]) -> str:
    """A new file of people's with these budgets on one hardware."""
    file = CommentedMap(schema=SCHEMA, model=model, backend=backend, cases=_cases(hardware, cases))
    file.yaml_set_start_comment(_HEAD)
    return _text(file)


def paste_text(hardware: str, cases: Mapping[str, Budgets]) -> str:
    """The same cases as text to paste at the end of a file that has others."""
    lines = _text(_cases(hardware, cases)).splitlines(keepends=True)
    return "".join(f"  {line}" for line in lines)


def paste_hardware(hardware: str, budgets: Budgets) -> str:
    """One hardware's budgets as text to paste below the `hardware:` of a case."""
    return "".join(f"      {line}" for line in _text(_on(hardware, budgets)).splitlines(keepends=True))


def _cases(hardware: str, cases: Mapping[str, Budgets]) -> dict[str, Any]:
    return {key: {"hardware": _on(hardware, budgets)} for key, budgets in cases.items()}


def _on(hardware: str, budgets: Budgets) -> dict[str, Any]:
    return {hardware: {"budgets": _one_line(budgets)}}


def _one_line(budgets: Budgets) -> CommentedMap:
    line = CommentedMap(
        {
            metric: {bound: int(limit) if limit.is_integer() else limit for bound, limit in bounds.items()}
            for metric, bounds in budgets.items()
        }
    )
    line.fa.set_flow_style()
    return line


def _text(tree: Any) -> str:  # noqa: ANN401 - any YAML value
    yaml, stream = YAML(), StringIO()
    yaml.width = 10_000
    yaml.dump(tree, stream)
    return stream.getvalue()
