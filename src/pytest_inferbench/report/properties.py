"""A case's figures as properties of its JUnit test case (pytest's `--junitxml`).

Limits: the unit is in the name and the value is a plain decimal, so that a CI system can chart it without parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Summary
from pytest_inferbench.report.change import gates_of
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import plain

if TYPE_CHECKING:
    from collections.abc import Mapping


def junit_properties(case: CaseResult) -> list[tuple[str, str]]:
    """Names and values for `user_properties`: the verdict, what was measured, then each figure that exists."""
    cell = [
        (name, visible(getattr(case, name))) for name in ("case", "model", "backend", "variant", "version", "hardware")
    ]
    added = case.client.self_error_ms
    digest = case.workload_hash
    return [
        ("verdict", case.verdict.label),
        *((name, text) for name, text in cell if text),
        *([] if digest is None else [("workload.hash", visible(digest))]),
        *_figures(case.metrics),
        *([] if added is None else [("client.self_error_ms", _decimal(added))]),
    ]


def comparison_properties(case: CaseResult) -> list[tuple[str, str]]:
    """Names and values for the `user_properties` of a case's regression item."""
    named = [("case", visible(case.case))]
    for gate in gates_of(case):
        (check, found), metric = gate, gate.metric
        named.append((f"{metric}.verdict", check.verdict.label))
        figures = {"ratio": found.ratio, "detectable": found.detectable}
        named += [(f"{metric}.{name}", _decimal(figure)) for name, figure in figures.items() if figure is not None]
    return named


def _figures(metrics: Mapping[str, Summary]) -> list[tuple[str, str]]:
    named = []
    for metric, summary in metrics.items():
        figures = summary.statistics()
        if "value" in figures:
            named.append((metric, _decimal(figures.pop("value"))))
        counted = {} if summary.n is None else {"n": summary.n}
        named += [(f"{metric}.{name}", _decimal(figure)) for name, figure in (counted | figures).items()]
    return named


def _decimal(value: float) -> str:
    return format(plain(value), "f")
