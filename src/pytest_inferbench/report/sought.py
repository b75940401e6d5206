"""What a case was run for, where that is neither a latency nor a throughput: its own figure in a few words.

Limits: one figure a case, with its unit; "-" where the case has none of its own.
"""

from __future__ import annotations

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.report.figures import ABSENT, column, exact, quantity
from pytest_inferbench.units import percent

_PLAIN = {
    "max_streams": "carries {}",
    "max_rate": "carries {}",
    "cold_start_s": "starts in {}",
}
_DRIFTS = {"ttft_drift": "TTFT", "tpot_drift": "TPOT"}
_HITS, _PREFIX = "server_prefix_hit_rate", "prefix"


def own_figure(case: CaseResult) -> str:
    """`carries 12 streams`, `starts in 2.31 s`, `TTFT drifts +1.2 %` (a soak's worse drift), `74 % cached`."""
    for name, words in _PLAIN.items():
        if (value := case.figure(name)) is not None:
            unit = case.metrics[name].unit
            return words.format(f"{exact(value)} {unit}" if value == int(value) else quantity(value, unit))
    drifts = [(value, what) for name, what in _DRIFTS.items() if (value := case.figure(name)) is not None]
    if drifts:
        drift, what = max(drifts)
        return f"{what} drifts {percent(drift)}"
    if case.workload.get("kind") == _PREFIX and (hits := case.figure(_HITS)) is not None:
        (share,) = column([hits], case.metrics[_HITS].unit)
        return f"{share} % cached"
    return ABSENT
