"""The summary's table: one row a case, never wider than it may be and never wrapped.

Limits: where there is not room for everything, whole columns go, the least needed first (`_DROPPED`), and then names
are shortened; a figure is shown whole or not at all. What names the row, and its verdict, always stay. The figures of a
column have one number of decimals (`figures.column`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.report import wording
from pytest_inferbench.report.apart import shorten_apart
from pytest_inferbench.report.escape import cells, pad, shorten, visible
from pytest_inferbench.report.figures import ABSENT, align, column
from pytest_inferbench.report.naming import cell_name, differing
from pytest_inferbench.report.sought import own_figure
from pytest_inferbench.stats.verdict import Verdict

Span = tuple[str, str]  # text and its rich style
Line = list[Span]

_GAP = "  "
_RULE = "─"

# Names give way to figures down to the first width, and to nothing beyond the second.
_COMFORT = {"case": 17, "cell": 21}
_ROOMY = {"case": 26, "cell": 26}
_LEAST = {"case": 12, "cell": 11}

# What goes first, with the widths that names keep meanwhile.
_DROPPED: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("tpot_p95", _ROOMY),
    ("ttft_p95", _ROOMY),
    ("client", _ROOMY),
    ("requests", _COMFORT),
    ("request_per_s", _COMFORT),
    ("errors", _LEAST),
    ("tpot_p50", _LEAST),
    ("output", _LEAST),
    ("ttft_p50", _LEAST),
    ("sought", _LEAST),
)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: its two header lines and what it shows of the cases; words stand left, figures right."""

    name: str
    head: tuple[str, str]
    texts: Callable[[Sequence[CaseResult]], list[str]]
    figure: bool = True


def _each(text: Callable[[CaseResult], str]) -> Callable[[Sequence[CaseResult]], list[str]]:
    return lambda cases: [text(case) for case in cases]


def _metric(metric: str, statistic: str) -> Callable[[Sequence[CaseResult]], list[str]]:
    def texts(cases: Sequence[CaseResult]) -> list[str]:
        unit = next((case.metrics[metric].unit for case in cases if metric in case.metrics), "")
        return column([case.figure(f"{metric}.{statistic}") for case in cases], unit)

    return texts


def _requests(case: CaseResult) -> str:
    counts = (case.metrics[metric].n for metric in ("e2e_ms", "ttft_ms") if metric in case.metrics)
    return next((f"{count:,}" for count in counts if count is not None), ABSENT)


def _client(cases: Sequence[CaseResult]) -> list[str]:
    return column([case.client.self_error_ms for case in cases], "ms")


def _has_failures(case: CaseResult) -> bool:
    return bool(case.figure("error_rate"))


def _seeks(case: CaseResult) -> bool:
    return own_figure(case) != ABSENT


def _self_checked(case: CaseResult) -> bool:
    return case.client.self_error_ms is not None


_CASE = _Column("case", ("", "case"), _each(lambda case: visible(case.case)), figure=False)
_FIGURES = (
    _Column("requests", ("", "requests"), _each(_requests)),
    _Column("ttft_p50", ("TTFT", "p50 ms"), _metric("ttft_ms", "p50")),
    _Column("ttft_p95", ("TTFT", "p95 ms"), _metric("ttft_ms", "p95")),
    _Column("tpot_p50", ("TPOT", "p50 ms"), _metric("tpot_ms", "p50")),
    _Column("tpot_p95", ("TPOT", "p95 ms"), _metric("tpot_ms", "p95")),
    _Column("output", ("output", "tok/s"), _metric("output_tok_per_s", "value")),
    _Column("request_per_s", ("", "req/s"), _metric("request_per_s", "value")),
    _Column("sought", ("", "found"), _each(own_figure), figure=False),
    _Column("errors", ("errors", "%"), _metric("error_rate", "value")),
    _Column("client", ("client", "adds ms"), _client),
)


def table(cases: Sequence[CaseResult], width: int, strict: frozenset[Verdict] = frozenset()) -> list[Line]:
    """The header, a rule and one line for each case, each at most `width` cells (40 or more) wide.

    The cell has a column only where the cases are of several, failed requests and a case's own figure (`sought`) only
    where a case has some, and the client's own error only where it was measured. Verdicts that are `strict` fail too.
    """
    columns = {each.name: each for each in _of_interest(cases, strict)}
    texts = {name: align(each.texts(cases)) if each.figure else each.texts(cases) for name, each in columns.items()}
    widths = _fit({name: _natural(each, texts[name]) for name, each in columns.items()}, width)
    shown = [columns[name] for name in widths]
    heads = [
        [(_GAP.join(_set(each, each.head[line], widths[each.name]) for each in shown), wording.HEADING)]
        for line in (0, 1)
    ]
    rule = [(_RULE * _width_of(widths, {}), wording.QUIET)]
    texts |= {each.name: shorten_apart(texts[each.name], widths[each.name]) for each in shown if not each.figure}
    rows = []
    for index, case in enumerate(cases):
        *figures, verdict = [_set(each, texts[each.name][index], widths[each.name]) for each in shown]
        rows.append([(_GAP.join([*figures, ""]), ""), (verdict, wording.style(case.verdict, strict))])
    return [*heads, rule, *rows]


@dataclass(frozen=True, slots=True)
class Head:
    """One column's head in one line, and whether the column holds figures."""

    text: str
    figure: bool


def whole_table(
    cases: Sequence[CaseResult], strict: frozenset[Verdict] = frozenset()
) -> tuple[list[Head], list[list[str]]]:
    """Heads and rows of the same table at any width; the first column names the case, the last is its verdict."""
    columns = _of_interest(cases, strict)
    texts = [each.texts(cases) for each in columns]
    heads = [Head(" ".join(each.head).strip().replace("/ ", "/"), each.figure) for each in columns]
    return heads, [list(row) for row in zip(*texts, strict=True)]


def _of_interest(cases: Sequence[CaseResult], strict: frozenset[Verdict]) -> list[_Column]:
    apart = differing(cases)
    head = ("/".join([*apart[:-1], ""]), "".join(apart[-1:]))
    cell = _Column("cell", head, _each(lambda case: cell_name(case, apart) or ABSENT), figure=False)
    words = _each(lambda case: wording.word(case.verdict, strict))
    verdict = _Column("verdict", ("", "verdict"), words, figure=False)
    of_some = {"errors": _has_failures, "client": _self_checked, "sought": _seeks}
    silent = {name for name, speaks in of_some.items() if not any(map(speaks, cases))}
    figures = [each for each in _FIGURES if each.name not in silent]
    return [_CASE, *([cell] if apart else []), *figures, verdict]


def _natural(shown: _Column, texts: Sequence[str]) -> int:
    return max(cells(text) for text in (*shown.head, *texts))


def _set(shown: _Column, text: str, width: int) -> str:
    return pad(shorten(text, width), width, right=shown.figure)


def _fit(natural: Mapping[str, int], width: int) -> dict[str, int]:
    """The width of each column that has room, by name, in order."""
    kept = dict(natural)
    for name, names in _DROPPED:
        if _width_of(kept, names) <= width:
            break
        kept.pop(name, None)
    spare = width - _width_of(kept, _LEAST)
    fitted = {name: min(wanted, _LEAST.get(name, wanted)) for name, wanted in kept.items()}
    for goal in (_COMFORT, natural):
        for name in _LEAST:
            if name in kept:
                growth = min(spare, max(0, min(kept[name], goal[name]) - fitted[name]))
                fitted[name] += growth
                spare -= growth
    return fitted


def _width_of(widths: Mapping[str, int], names: Mapping[str, int]) -> int:
    return sum(min(width, names.get(name, width)) for name, width in widths.items()) + len(_GAP) * (len(widths) - 1)
