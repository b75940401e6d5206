"""The run in Bencher Metric Format: https://bencher.dev/docs/reference/bencher-metric-format (adapter `json`).

Limits: a benchmark is a tracked case, a measure one figure of it, with the lowest and the highest of its rounds.
Measures are named by their slug (`ttft-ms-p50`), in the unit that the name says; a share is a fraction.
"""

from __future__ import annotations

import json

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.tracked import Figure, figures, tracked_cases


def to_bencher(document: RunDocument) -> str:
    """The tracked cases; `{}` where there is none."""
    named = {name: _measures(case) for name, case in tracked_cases(document)}
    return json.dumps({name: measures for name, measures in named.items() if measures}, indent=2) + "\n"


def _measures(case: CaseResult) -> dict[str, dict[str, float]]:
    return {figure.name.replace("_", "-").replace(".", "-"): _metric(figure) for figure in figures(case)}


def _metric(figure: Figure) -> dict[str, float]:
    bounds = {"lower_value": figure.lowest, "upper_value": figure.highest}
    return {"value": figure.value, **{name: bound for name, bound in bounds.items() if bound is not None}}
