"""A case's figures as properties of its JUnit test case (pytest's `--junitxml`).

Law: the unit is in the name and the value is a plain decimal, so that a CI system can chart it without parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.report.change import compared
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import plain
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATISTICS = ("n", "mean", "p50", "p90", "p95", "p99")
_SELF_ERROR = "self_error_ms"


def junit_properties(case: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values for `user_properties`: the verdict, what was measured, then each figure that exists.

    Args:
        case: `CaseResult.to_json()`.
    """
    cell = [(name, visible(case[name])) for name in ("case", "model", "backend", "variant", "version", "hardware")]
    digest = case["workload"].get("hash")
    return [
        ("verdict", Verdict(case["verdict"]).label),
        *((name, text) for name, text in cell if text),
        *([] if digest is None else [("workload.hash", visible(str(digest)))]),
        *_figures(case["metrics"]),
        *_client(case["client"]),
    ]


def comparison_properties(case: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values for the `user_properties` of a case's regression item."""
    named = [("case", visible(case["case"]))]
    for check in compared(case):
        found, metric = check["comparison"], visible(check["metric"])
        named.append((f"{metric}.verdict", Verdict(check["verdict"]).label))
        named += [(f"{metric}.{name}", _decimal(found[name])) for name in ("ratio", "detectable") if name in found]
    return named


def _figures(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    named = []
    for metric, summary in metrics.items():
        if "value" in summary:
            named.append((metric, _decimal(summary["value"])))
        named += [(f"{metric}.{name}", _decimal(summary[name])) for name in _STATISTICS if name in summary]
    return named


def _client(client: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"client.{_SELF_ERROR}", _decimal(client[_SELF_ERROR]))] if _SELF_ERROR in client else []


def _decimal(value: float) -> str:
    return format(plain(value), "f")
