"""The run as an OpenMetrics text page, for a push gateway or the textfile collector of a node exporter.

Limits: the text follows OpenMetrics 1.0: base units (seconds, ratios) in the name and in `# UNIT`, one family after the
other, `# EOF` at the end. A distribution is a summary with its quantiles, a single figure a gauge, a verdict a state
set. What was not measured has no sample. No label and no figure is of the run itself: a series would end with each, and
what compares two pages would find a change in it always. When a page came, a gateway and a collector know themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Summary
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.escape import visible
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

_LABELS = ("case", "model", "backend", "version", "variant", "hardware")
# Unit symbol -> ending of the metric's own name, base unit in OpenMetrics' words, and what a figure is multiplied by.
_UNITS: Mapping[str, tuple[str, str, float]] = {
    "ms": ("_ms", "seconds", 1e-3),
    "s": ("_s", "seconds", 1.0),
    "%": ("_ratio", "ratio", 1.0),
    "J/tok": ("", "", 1.0),
}
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99"}

Named = Sequence[tuple[str, CaseResult]]


def to_openmetrics(document: RunDocument) -> str:
    """The page. Cases that share every label are told apart by a `number` label."""
    named = _label_cases(document.cases)
    lines = [
        "# TYPE inferbench_run_interrupted gauge",
        "# HELP inferbench_run_interrupted Whether the run ended before its last case.",
        f"inferbench_run_interrupted {int(document.interrupted)}",
        *_verdicts(named),
    ]
    metrics = dict.fromkeys(metric for _, case in named for metric in case.metrics)
    for metric in metrics:
        lines += _family(metric, named)
    return "\n".join([*lines, "# EOF"]) + "\n"


def _label_cases(cases: Sequence[CaseResult]) -> list[tuple[str, CaseResult]]:
    """Each case with its labels as text."""
    seen: dict[str, int] = {}
    named = []
    for case in cases:
        labels = ",".join(_label(name, getattr(case, name)) for name in _LABELS)
        seen[labels] = seen.get(labels, 0) + 1
        again = f',number="{seen[labels]}"' if seen[labels] > 1 else ""
        named.append((labels + again, case))
    return named


def _verdicts(named: Named) -> Iterator[str]:
    yield "# TYPE inferbench_verdict stateset"
    yield "# HELP inferbench_verdict The case's verdict."
    for labels, case in named:
        for verdict in Verdict:
            state = int(case.verdict == verdict.value)
            yield f'inferbench_verdict{{{labels},inferbench_verdict="{verdict.value}"}} {state}'


def _family(metric: str, named: Named) -> Iterator[str]:
    """One metric of every case that has it; its name, type and unit are the first case's."""
    having = [(labels, case.metrics[metric]) for labels, case in named if metric in case.metrics]
    unit = having[0][1].unit
    ending, base, factor = _UNITS.get(unit, ("", "", 1.0))
    name = f"inferbench_{metric.removesuffix(ending)}" + (f"_{base}" if base else "")
    quantiles = any(summary.n is not None for _, summary in having)
    yield f"# TYPE {name} {'summary' if quantiles else 'gauge'}"
    if base:
        yield f"# UNIT {name} {base}"
    direction = having[0][1].direction
    better = "" if direction is Direction.NEUTRAL else f", {direction} is better"
    yield f"# HELP {name} {metric} of pytest-inferbench{better}."
    for labels, summary in having:
        if summary.unit == unit:
            yield from _samples(name, labels, summary, factor, quantiles=quantiles)


def _samples(name: str, labels: str, summary: Summary, factor: float, *, quantiles: bool) -> Iterator[str]:
    if not quantiles:
        if summary.value is not None:
            yield f"{name}{{{labels}}} {_number(summary.value * factor)}"
        return
    figures = summary.statistics()
    for statistic, quantile in _QUANTILES.items():
        if figures.get(statistic, -1) >= 0:  # the standard forbids others
            yield f'{name}{{{labels},quantile="{quantile}"}} {_number(figures[statistic] * factor)}'
    if summary.n is not None:
        yield f"{name}_count{{{labels}}} {summary.n}"
    total = figures.get("mean", -1.0) * (summary.n or 0) * factor
    if summary.n is not None and 0 <= total < math.inf:  # a sum may not fall, so a negative one is none
        yield f"{name}_sum{{{labels}}} {_number(total)}"


def _number(value: float) -> str:
    return repr(float(f"{value:.12g}"))


def _label(name: str, value: str) -> str:
    return f'{name}="{visible(value).replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
