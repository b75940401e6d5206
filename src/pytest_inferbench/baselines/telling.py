"""What people are told at once of an update: what it did, in one line a case or less.

Limits: pure. What came as expected is counted; a case that did not has a line of its own, with the figures that moved.
The whole is in the run document and in its Markdown.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.changes import shown_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_inferbench.baselines.changes import CaseUpdate
    from pytest_inferbench.document.figures import Check
    from pytest_inferbench.document.run import Moved


def told_lines(cases: Sequence[CaseUpdate]) -> list[str]:
    """What an update did, for a terminal: cases that came as expected together, then each of the others.

    `44 cases on lab-1: OK, session 5 of segment 1`, `single on lab-1: OK, session 1 of segment 2: reseated (v0.8.1 ->
    v0.9.0); ttft_ms.p50 41.0 -> 43.0`.
    """
    together: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        if case.expected:
            together.setdefault((case.hardware, case.said), []).append(case.key)
    lines = [f"{_count_cases(keys)} on {hardware}: {said}" for (hardware, said), keys in together.items()]
    return [*lines, *(_line(case) for case in cases if not case.expected)]


def to_tell(update: CaseUpdate, checks: Iterable[Check], *, opens: bool, waits: bool) -> CaseUpdate:
    """The update of a recorded case with what of it people are told: all of a new level, else what left its noise.

    Args:
        update: with the accepted figures before and after.
        checks: the session's comparisons, which know each gate's scatter; where one does not, its margin stands for it.
        opens: whether the session opened a segment.
        waits: whether it waits for further days, or what waited has joined.
    """
    found = {check.metric: check.comparison for check in checks if check.comparison}
    scatter = {metric: each.margin if each.sd is None else each.sd for metric, each in found.items()}
    told = update.figures if opens else tuple(each for each in update.figures if _is_beyond(each, scatter))
    return replace(update, told=told, expected=not (opens or waits or told))


def _is_beyond(figure: Moved, scatter: Mapping[str, float | None]) -> bool:
    if figure.old is None or figure.new is None:
        return figure.new is None
    if figure.old <= 0 or figure.new <= 0:
        return figure.old != figure.new
    noise = scatter.get(figure.metric)
    return noise is not None and abs(math.log(figure.new / figure.old)) > noise


def _count_cases(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{len(keys)} cases"


def _line(case: CaseUpdate) -> str:
    moved = ", ".join(f"{each.metric} {shown_figure(each.old)} -> {shown_figure(each.new)}" for each in case.told)
    return f"{case.key} on {case.hardware}: {case.said}{'; ' if moved else ''}{moved}"
