"""What the page's plots draw, as JSON types: numbers chosen from the run document and the request records.

Limits: pure; what was not observed is no plot. Every drawing has a bound: a curve has at most `CURVE` points, a
timeline as many requests as `detail` says (the first ones, and it says how many there are). Times are seconds after the
case's first send, for all plots of a case alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import GateComparison
from pytest_inferbench.document.observed import Series
from pytest_inferbench.metrics.formulas import RequestView
from pytest_inferbench.metrics.table import METRICS, SampleMetric
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import RequestRecord
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.naming import PARTS, cell_name
from pytest_inferbench.report.sidecar import CaseRecords

CURVE = 200
BINS = 160
_DIGITS = 5
# What a sweep moves load by; cases of a test that differ in anything else are no points of one curve.
_LOAD = frozenset(
    {"streams", "rate", "to_rate", "batch_size", "conversations", "requests", "batches", "seconds", "hash"}
)
_OUTPUT = ("output_tok_per_s", "output_tok_per_s_run")  # the second where there is no steady window, as in an open loop
_DISTRIBUTIONS = ("ttft_ms", "tpot_ms", "chunk_gap_ms", "e2e_ms")
_MOST, _FEWEST, _IN_ALL = 600, 60, 60_000


def detail_for(cases: int) -> int:
    """Points of one drawing in a page of so many cases, so that the page stays small."""
    return max(_FEWEST, min(_MOST, _IN_ALL // max(cases, 1)))


def case_plots(case: CaseResult, records: CaseRecords | None, detail: int) -> dict[str, Any]:
    """The plots that a case has something for: `ecdf`, `timeline`, `tokens`, `series`, `changes`, `history`."""
    plots: dict[str, Any] = {}
    if records is not None:
        requests = [record for round_ in records.rounds for record in round_.requests]
        origin = _origin(case, requests)
        if origin is not None:
            views = _views(case, records)
            plots["ecdf"] = [curve for metric in _DISTRIBUTIONS if (curve := _curve(metric, views, records))]
            plots["timeline"] = _timeline(requests, origin, detail)
            plots["tokens"] = _tokens(views, records, origin)
    plots["series"] = [*_server_series(case, detail), *_gpu_series(case, detail)]
    plots["changes"] = _changes(case)
    plots["history"] = _history(case)
    return {name: plot for name, plot in plots.items() if plot}


def sweeps(cases: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Throughput against latency: one plot for each test that was measured under several loads, a line for each cell.

    A test's points are its cases (`concurrency[c01]`, `concurrency[c08]`), in the order they ran. Those of one `group`
    differ in load alone; only they are joined.
    """
    tests: defaultdict[str, list[CaseResult]] = defaultdict(list)
    for case in cases:
        tests[case.case.partition("[")[0]].append(case)
    plots = [_sweep(test, found) for test, found in tests.items()]
    return [plot for plot in plots if any(_has_curve(line["points"]) for line in plot["lines"])]


def _has_curve(points: Sequence[Mapping[str, Any]]) -> bool:
    return len({point["group"] for point in points}) < len(points)


def _sweep(test: str, cases: Sequence[CaseResult]) -> dict[str, Any]:
    drawn = [case for case in cases if case.figure("ttft_ms.p50") is not None]
    # One figure for all points of a plot: the first that every case has.
    output = next((name for name in _OUTPUT if all(case.figure(name) is not None for case in drawn)), _OUTPUT[0])
    drawn = [case for case in drawn if case.figure(output) is not None]
    lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    asked: list[dict[str, Any]] = []
    for case in drawn:
        beside = {name: value for name, value in case.workload.items() if name not in _LOAD}
        asked += [beside] if beside not in asked else []
        lines[cell_name(case, PARTS)].append(_point(case, output, asked.index(beside)))
    return {
        "test": visible(test),
        "output": "output tok/s" if output == _OUTPUT[0] else "output tok/s of the whole run",
        "lines": [{"cell": cell, "points": points} for cell, points in lines.items()],
        "slo_ttft_ms": sorted({limits["ttft_ms"] for case in drawn if "ttft_ms" in (limits := case.slo or {})}),
    }


def _point(case: CaseResult, output: str, group: int) -> dict[str, Any]:
    label = case.case.partition("[")[2].removesuffix("]")
    figures = {
        "output": case.figure(output),
        "ttft_p50": case.figure("ttft_ms.p50"),
        "ttft_p95": case.figure("ttft_ms.p95"),
        "tpot_p50": case.figure("tpot_ms.p50"),
    }
    known = {name: _short(x) for name, x in figures.items() if x is not None}
    return {"label": visible(label) or "-", "group": group, **known}


def _origin(case: CaseResult, requests: Sequence[RequestRecord]) -> int | None:
    """The zero of the time axis in nanoseconds: the document's own, else the first send."""
    if case.timeline is not None:
        return case.timeline.origin_ns
    sent = [record.sent_ns for record in requests if record.sent_ns is not None]
    return min(sent, default=None)


def _views(case: CaseResult, records: CaseRecords) -> list[tuple[tuple[int, int], RequestView]]:
    """Every counted request with its place in the records."""
    known = case.token_method in set(TokenMethod)
    method = TokenMethod(case.token_method) if known else TokenMethod.CHUNKS
    return [
        ((index, position), view)
        for index, round_ in enumerate(records.rounds)
        for position, view in enumerate(request_views(round_.requests, method))
        if view.record.counted
    ]


def _curve(
    name: str, views: Sequence[tuple[tuple[int, int], RequestView]], records: CaseRecords
) -> dict[str, Any] | None:
    """An empirical distribution by its quantiles: `x[i]` is the figure below which a share i / (len - 1) lies."""
    metric = METRICS[name]
    if not isinstance(metric, SampleMetric):
        return None
    between = name == "chunk_gap_ms"  # needs every arrival
    usable = (view for place, view in views if view.completed and not (between and place in records.thinned))
    samples = sorted(chain.from_iterable(metric.formula(view) for view in usable))
    if not samples:
        return None
    last, count = len(samples) - 1, min(CURVE, len(samples))
    drawn = [samples[round(index * last / max(count - 1, 1))] for index in range(count)]
    return {"metric": name, "unit": metric.unit.symbol, "n": len(samples), "x": [_short(x) for x in drawn]}


def _timeline(requests: Sequence[RequestRecord], origin: int, detail: int) -> dict[str, Any]:
    """Requests as `[lane, sent, first output, end, failed]`; a lane is one stream, the seconds may be null."""
    sent = sorted((record for record in requests if record.sent_ns is not None), key=lambda record: record.sent_ns or 0)
    drawn = sent[:detail]
    lanes = {lane: index for index, lane in enumerate(sorted({(each.worker, each.stream) for each in drawn}))}
    bars = [
        [
            lanes[record.worker, record.stream],
            _seconds(record.sent_ns, origin),
            _seconds(record.output_ns[0] if record.output_ns else None, origin),
            _seconds(record.end_ns, origin),
            int(record.failure is not None),
        ]
        for record in drawn
    ]
    return {"lanes": len(lanes), "requests": bars, "of": len(requests)} if bars else {}


def _tokens(views: Sequence[tuple[tuple[int, int], RequestView]], records: CaseRecords, origin: int) -> dict[str, Any]:
    """Output tokens a second in `BINS` equal parts of the time; a chunk's tokens count when it arrives."""
    chunks = [
        (arrival - origin, view.output_tokens / len(view.record.output_ns))
        for place, view in views
        if view.output_tokens is not None and place not in records.thinned
        for arrival in view.record.output_ns
    ]
    end = max((at for at, _ in chunks), default=0)
    if end <= 0:
        return {}
    width = end / BINS
    counts = [0.0] * BINS
    for at, tokens in chunks:
        counts[max(0, min(BINS - 1, int(at / width)))] += tokens
    seconds = width / NS_PER_S
    thinned = {"thinned": len(records.thinned)} if records.thinned else {}
    return {"width_s": _short(seconds), "rate": [_short(count / seconds) for count in counts], **thinned}


def _server_series(case: CaseResult, detail: int) -> Iterator[dict[str, Any]]:
    observed = case.server.observed
    if observed is not None and observed.series is not None:
        yield from _thin_series("Server", observed.series, detail, case)


def _gpu_series(case: CaseResult, detail: int) -> Iterator[dict[str, Any]]:
    for device in case.gpu.devices if case.gpu is not None else ():
        if device.series is not None:
            yield from _thin_series(visible(f"GPU {device.index}, {device.name}"), device.series, detail, case)


def _thin_series(title: str, series: Series, detail: int, case: CaseResult) -> Iterator[dict[str, Any]]:
    """The lines that say something: one that is 0 throughout is named in `zero`.

    `during` is whether any sample was taken while requests ran: a page that is only read between rounds has an idle
    server on it.
    """
    step = -(-len(series.at_s) // detail) or 1
    lines = [
        {"name": _readable(name), "unit": line.unit, "values": [_short(x) for x in line.values[::step]]}
        for name, line in series.lines.items()
        if any(line.values)
    ]
    zero = [_readable(name) for name, line in series.lines.items() if not any(line.values)]
    rounds = () if case.timeline is None else case.timeline.rounds
    during = any(each.start_s < at < each.end_s for each in rounds for at in series.at_s)
    if series.at_s and series.lines:
        at = [_short(x) for x in series.at_s[::step]]
        yield {"title": title, "at": at, "lines": lines, "zero": zero, "during": during or not rounds}


def _readable(name: str) -> str:
    """A line's name in words: `requests running`, `generated tok/s`."""
    return visible(name).replace("_per_s", "/s").replace("_", " ")


def _changes(case: CaseResult) -> list[dict[str, Any]]:
    """Each gate's change against its history or pair: ratio, interval, margin and the sessions judged, as shares."""
    return [
        {
            "metric": visible(check.metric),
            "verdict": check.verdict,
            "change": moved.ratio - 1,
            "low": moved.low - 1,
            "high": moved.high - 1,
            "margin": found.margin,
            "direction": found.direction,
            "sessions": [ratio - 1 for ratio in found.sessions],
            "n": found.n,
        }
        for check in case.checks
        if (found := check.comparison) is not None and (moved := found.change) is not None
    ]


def _history(case: CaseResult) -> list[dict[str, Any]]:
    """Each gate's accepted sessions by segment, and this run's figure with its interval, in the metric's unit."""
    return [
        {
            "metric": visible(check.metric),
            "unit": check.unit,
            "verdict": check.verdict,
            "accepted": [[_short(each.value), each.segment] for each in found.accepted],
            "now": _short(check.value),
            **_level(found),
        }
        for check in case.checks
        if (found := check.comparison) is not None and found.accepted and check.value is not None
    ]


def _level(found: GateComparison) -> dict[str, float]:
    """What was accepted, and the interval of the change around it."""
    if found.baseline is None:
        return {}
    ends = {} if found.change is None else {"low": found.change.low, "high": found.change.high}
    around = {end: _short(found.baseline * at) for end, at in ends.items()}
    around = around if all(map(math.isfinite, around.values())) else {}
    return {"baseline": _short(found.baseline), **around}


def _seconds(at: int | None, origin: int) -> float | None:
    return None if at is None else round((at - origin) / NS_PER_S, 4)


def _short(value: float) -> float:
    """Five significant digits: more than a screen shows."""
    short = float(f"{value:.{_DIGITS}g}")
    return value if math.isinf(short) else short  # the greatest floats would be rounded to infinity
