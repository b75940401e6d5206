"""What a case was run for, where that is neither a latency nor a throughput: its own figure in a few words.

Law: one figure a case, with its unit; "-" where the case has none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_inferbench.report.figures import ABSENT, column, exact, quantity
from pytest_inferbench.units import percent

_PLAIN = {
    "max_streams": "carries {}",
    "max_rate": "carries {}",
    "cold_start_s": "starts in {}",
}
_DRIFTS = {"ttft_drift": "TTFT", "tpot_drift": "TPOT"}
_HITS, _PREFIX = "server_prefix_hit_rate", "prefix"


def sought(case: Mapping[str, Any]) -> str:
    """`carries 12 streams`, `starts in 2.31 s`, `TTFT drifts +1.2 %` (a soak's worse drift), `74 % cached`."""
    metrics = case["metrics"]
    for name, words in _PLAIN.items():
        if (value := metrics.get(name, {}).get("value")) is not None:
            unit = metrics[name]["unit"]
            return words.format(f"{exact(value)} {unit}" if value == int(value) else quantity(value, unit))
    drifts = [(metrics[name]["value"], what) for name, what in _DRIFTS.items() if "value" in metrics.get(name, {})]
    if drifts:
        drift, what = max(drifts)
        return f"{what} drifts {percent(drift)}"
    if case["workload"].get("kind") == _PREFIX and "value" in metrics.get(_HITS, {}):
        (share,) = column([metrics[_HITS]["value"]], metrics[_HITS]["unit"])
        return f"{share} % cached"
    return ABSENT
