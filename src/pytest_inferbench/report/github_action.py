"""The run for github-action-benchmark: a file for its `customSmallerIsBetter`, another for `customBiggerIsBetter`.

Limits: an entry is one figure of a tracked case; a share is in per cent, as its unit says.
https://github.com/benchmark-action/github-action-benchmark, section "Custom benchmarks".
"""

from __future__ import annotations

import json
from typing import Any

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import quantity
from pytest_inferbench.report.tracked import Figure, figures, tracked_cases
from pytest_inferbench.units import RATIO


def to_github_action(document: RunDocument, direction: str) -> str:
    """The figures of which less ("lower") or more ("higher") is better; `[]` where there is none."""
    entries = [
        _entry(name, case, figure)
        for name, case in tracked_cases(document)
        for figure in figures(case)
        if figure.direction == direction
    ]
    return json.dumps(entries, indent=2) + "\n"


def _entry(name: str, case: CaseResult, figure: Figure) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": f"{name} {figure.name}",
        "unit": figure.unit,
        "value": figure.value * 100 if figure.unit == RATIO.symbol else figure.value,
    }
    if figure.lowest is not None and figure.highest is not None:
        lowest, highest = (quantity(bound, figure.unit) for bound in (figure.lowest, figure.highest))
        entry["range"] = f"{lowest} to {highest} over {figure.rounds} rounds"
    about = {"verdict": case.verdict.label, "version": case.version, "hardware": case.hardware}
    entry["extra"] = "\n".join(f"{key}: {visible(text)}" for key, text in about.items() if text)
    return entry
