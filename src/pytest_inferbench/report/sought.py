"""What a case was run for, where that is neither a latency nor a throughput: its own figure in a few words.

Law: one figure a case, with its unit; "-" where the case has none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_inferbench.report.figures import ABSENT, exact, quantity
from pytest_inferbench.units import percent

_PLAIN = {
    "max_streams": "carries {}",
    "max_rate": "carries {}",
    "cold_start_s": "starts in {}",
}
_DRIFTS = {"ttft_drift": "TTFT", "tpot_drift": "TPOT"}
_HITS, _PREFIX = "server_prefix_hit_rate", "prefix"


def sought(case: Mapping[str, Any]) -> str:
    """`carries 12 streams`, `starts in 2.31 s`, `TTFT +1.2 %, TPOT +0.3 %` (a soak's drift), `74 % cached`."""
    metrics = case["metrics"]
    for name, words in _PLAIN.items():
        if (value := metrics.get(name, {}).get("value")) is not None:
            unit = metrics[name]["unit"]
            return words.format(f"{exact(value)} {unit}" if value == int(value) else quantity(value, unit))
    drifts = {what: metrics[name]["value"] for name, what in _DRIFTS.items() if "value" in metrics.get(name, {})}
    if drifts:
        return ", ".join(f"{what} {percent(drift)}" for what, drift in drifts.items())
    if case["workload"].get("kind") == _PREFIX and "value" in metrics.get(_HITS, {}):
        return f"{quantity(metrics[_HITS]['value'], metrics[_HITS]['unit'])} cached"
    return ABSENT
