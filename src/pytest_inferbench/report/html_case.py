"""One case of the page: its judged figures, its plots, every metric, and how it was measured.

Limits: the figures are here as text, so that the page says everything without its plots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.figures import STATISTICS, Check
from pytest_inferbench.report import wording
from pytest_inferbench.report.budget_table import beyond, figure_text
from pytest_inferbench.report.change import PAIRS, Gate, interval, ratio, would_have_seen
from pytest_inferbench.report.comparison_table import steps_of
from pytest_inferbench.report.element import Child, element, table
from pytest_inferbench.report.figures import ABSENT, column, exact, quantity
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.stats.verdict import Verdict

_DIGITS = 5
_JUDGED = ("judged", "verdict", "now", "against", "change", "interval", "margin", "would have seen", "from")
_FIGURES = range(2, 8)
_SHARES = {"changes": "Change against the baseline", "ecdf": "Latency distributions"}
_TIMES = {"timeline": "Requests", "tokens": "Output tokens per second"}


def case_section(case: CaseResult, index: int, verdict: tuple[str, str], plots: Mapping[str, Any]) -> Element:
    """The case, folded; `index` is its place in the document, `verdict` the word and its class."""
    word, tone = verdict
    name = element(
        "summary",
        element("span", word, class_=f"verdict {tone}"),
        " ",
        element("span", case.case, class_="name"),
        " ",
        element("span", cell_name(case), class_="quiet"),
    )
    parts: list[Child] = [
        name,
        *_checks(case),
        *_steps(case),
        *_findings(case),
        _plots_and_figures(case, plots),
        *_notes(case),
    ]
    whole = to_json(case)
    names = ("id", "hardware", "invocation", "token_method", "workload", "slo", "client")
    how = {name: value for name in names if (value := whole.get(name))}
    server = {name: value for name, value in whole.get("server", {}).items() if not _has_series(value)}
    parts += [
        element("details", element("summary", "How it was measured"), nested_list(how)),
        element("details", element("summary", "Server"), nested_list(server)) if server else None,
    ]
    return element("details", *parts, class_=f"case {tone}", id=f"case-{index}", data_tone=tone, data_plots=str(index))


def nested_list(value: object) -> Element:
    """Any JSON value as lists within lists; what is empty is a dash, a figure has five digits."""
    if value in ({}, [], ""):
        return element("span", ABSENT)
    if isinstance(value, Mapping):
        pairs = [(element("dt", str(key)), element("dd", nested_list(item))) for key, item in value.items()]
        return element("dl", *(part for pair in pairs for part in pair))
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(item, str | int | float) for item in value):
            return element("span", ", ".join(map(_scalar, value)))
        return element("ul", *(element("li", nested_list(item)) for item in value))
    return element("span", _scalar(value))


def _scalar(value: object) -> str:
    return f"{float(f'{value:.{_DIGITS}g}'):.10g}" if isinstance(value, float) else str(value)


def _has_series(value: object) -> bool:
    return isinstance(value, Mapping) and "series" in value


def _checks(case: CaseResult) -> Iterator[Element]:
    """The judged figures in a table of what is known of any, and below it, as wide as the screen, their notes."""
    checks = case.checks
    if not checks:
        return
    rows: list[list[Child]] = []
    for check in checks:
        verdict = check.verdict
        shown = element("span", wording.word(verdict), class_=f"verdict {_tone(verdict)}")
        rows.append([check.metric, shown, _now(check), _against(check), *_change_cells(check), check.source or ABSENT])
    said = [place for place in range(len(_JUDGED)) if any(row[place] != ABSENT for row in rows)]
    heads, figures = [_JUDGED[place] for place in said], [place in _FIGURES for place in said]
    judged = table(heads, [[row[place] for place in said] for row in rows], figures=figures)
    yield element("div", judged, class_="judged")
    notes = [element("li", f"{check.metric}: {check.note}") for check in checks if check.note]
    if notes:
        yield element("ul", *notes, class_="notes quiet")


def _steps(case: CaseResult) -> Iterator[Element]:
    """Where to look and what to run, ready to be copied."""
    lines = [(element("dt", label), element("dd", element("code", text))) for label, text in steps_of(case)]
    if lines:
        yield element("dl", *(part for line in lines for part in line), class_="steps")


def _now(check: Check) -> str:
    return f"{figure_text(check)} {check.unit}".rstrip() if check.value is not None else ABSENT


def _against(check: Check) -> str:
    """What a figure was held against: its limit, its baseline, or the other side of its pairs."""
    if check.limit is not None:
        return f"{check.bound or ''} {exact(check.limit, check.unit)} {check.unit}".strip()
    baseline = None if check.comparison is None else check.comparison.baseline
    if baseline is None:
        return ABSENT
    return f"{'A' if check.kind == PAIRS else 'was'} {quantity(baseline, check.unit)}"


def _change_cells(check: Check) -> list[str]:
    """Change, interval, margin and what would have been seen; of a budget how far the figure is beyond it."""
    found = check.comparison
    if found is None:
        over = check.verdict is Verdict.OVER_BUDGET and check.value is not None
        return [f"{beyond(check)} beyond" if over else ABSENT, ABSENT, ABSENT, ABSENT]
    return [
        ratio(found),
        interval(found),
        f"{100 * found.margin:g} %",
        would_have_seen(Gate(check, found)),
    ]


def _tone(verdict: Verdict) -> str:
    return {wording.BAD: "bad", wording.UNDECIDED: "open"}.get(wording.style(verdict), "good")


def _findings(case: CaseResult) -> Iterator[Element]:
    items = [
        element(
            "li",
            element("strong", "INVALID" if finding.invalid else "warning", class_="bad" if finding.invalid else "open"),
            f" {finding.message} → {finding.remedy}",
        )
        for finding in case.validity
    ]
    if items:
        yield element("ul", *items, class_="notes")


def _plots_and_figures(case: CaseResult, plots: Mapping[str, Any]) -> Element:
    """Plots of shares and the figures in one column; plots over time in another, equal times under each other."""
    shares = [_frame(title, kind) for kind, title in _SHARES.items() if kind in plots]
    shares += [
        _frame(f"History of {gate['metric']}", "history", part=str(place))
        for place, gate in enumerate(plots.get("history", ()))
    ]
    times = [_frame(title, kind) for kind, title in _TIMES.items() if kind in plots]
    if "timeline" in plots:
        shown, whole = len(plots["timeline"]["requests"]), plots["timeline"]["of"]
        words = "pale from the send to the first token, full to the last; red failed"
        times.insert(1, element("p", f"{words}. {shown:,} of {whole:,} requests are drawn.", class_="quiet"))
    if "thinned" in plots.get("tokens", {}):
        words = f"{plots['tokens']['thinned']:,} requests whose single arrivals were not kept are left out."
        times.append(element("p", words, class_="quiet"))
    for place, series in enumerate(plots.get("series", ())):
        times += _series(series, place)
    columns = [element("div", *parts) for parts in ((*shares, *_metrics(case)), times) if parts]
    return element("div", *columns, class_="plots")


def _series(series: Mapping[str, Any], place: int) -> Iterator[Element]:
    """One plot for each unit, named by what it shows, and what is not drawn."""
    units: dict[str, list[str]] = {}
    for line in series["lines"]:
        units.setdefault(line["unit"], []).append(line["name"])
    for unit, names in units.items():
        yield _frame(f"{series['title']}: {', '.join(names)}", "series", part=f"{place}:{unit}")
    if series["zero"]:
        words = f"{series['title']}: {', '.join(series['zero'])} not drawn, 0 in all samples"
        idle = "" if series["during"] else ", none of which was taken while requests ran"
        yield element("p", f"{words}{idle}.", class_="quiet")


def _frame(title: str, kind: str, part: str | None = None) -> Element:
    return element(
        "figure", element("figcaption", title), element("div", class_="plot", data_kind=kind, data_part=part)
    )


def _metrics(case: CaseResult) -> Iterator[Element]:
    rows: list[list[Child]] = []
    for metric, summary in case.metrics.items():
        count = f"{summary.n:,}" if summary.n is not None else ABSENT
        figures = column([getattr(summary, name) for name in STATISTICS], summary.unit)
        rows.append([metric, summary.unit, count, *figures])
    if rows:
        heads = ["metric", "unit", "n", *STATISTICS]
        yield table(heads, rows, figures=[False, False, True, *[True] * len(STATISTICS)])
    if case.rounds:
        names = list(dict.fromkeys(name for round_ in case.rounds for name in round_))
        units = {name: known.unit if (known := case.metrics.get(name.partition(".")[0])) else "" for name in names}
        lines = [[name, *column([each.get(name) for each in case.rounds], units[name])] for name in names]
        heads = ["metric", *(f"round {index + 1}" for index in range(len(case.rounds)))]
        rounds = table(heads, lines, figures=[False, *[True] * len(case.rounds)])
        yield element("details", element("summary", "Rounds"), rounds)


def _notes(case: CaseResult) -> Iterator[Element]:
    if case.notes:
        yield element("ul", *(element("li", note) for note in case.notes), class_="notes quiet")
