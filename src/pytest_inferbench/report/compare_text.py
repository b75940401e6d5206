"""A comparison of runs as rows of words, and those as Markdown, CSV and a page.

Limits: the same cells in every format; what was not measured is "-", and a row that was not judged says why.
"""

from __future__ import annotations

import csv
import json
from io import StringIO

from pytest_inferbench.report import wording
from pytest_inferbench.report.apart import shorten_apart
from pytest_inferbench.report.element import Child, element, raw, table, to_html
from pytest_inferbench.report.figures import ABSENT, column
from pytest_inferbench.report.html_report import TONES, asset
from pytest_inferbench.report.markdown import code, plain
from pytest_inferbench.report.side_by_side import Row, SideBySide
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import would_have_seen
from pytest_inferbench.units import percent

_NAME = 34
_ROOM = 2  # columns that a terminal has room for in full
_ALPHABET = 26
_SMALL, _LARGE = 0.1, 1000


def heads(found: SideBySide) -> list[str]:
    """The names of the columns."""
    return ["case", "figure", "unit", *found.columns, "verdict"]


def cells(row: Row, *, brief: bool = False) -> list[str]:
    """A row's words: figures with their ratio to the first column, and what is said of the last one.

    Args:
        row: the row.
        brief: only the last column has a ratio, and the verdict is a word.
    """
    first = len(row.values) - 1 if brief else 1
    figures = column(row.values, row.unit)
    texts = [
        figure + (f" ({times(ratio)})" if index >= first and ratio is not None else "")
        for index, (figure, ratio) in enumerate(zip(figures, row.ratios, strict=True))
    ]
    return [row.case, row.figure, row.unit, *texts, verdict_text(row, brief=brief)]


def times(ratio: float) -> str:
    """A ratio: `1.05x`.

    >>> times(1.0), times(0.0031)
    ('1.00x', '0.0031x')
    """
    return f"{ratio:.2f}x" if _SMALL <= ratio < _LARGE else f"{ratio:.3g}x"


def verdict_text(row: Row, *, brief: bool = False) -> str:
    """The verdict, and if not `brief` its interval and what would have been seen; or why there is none."""
    if row.found is None:
        return row.why_not or ABSENT
    parts = [wording.word(row.found.verdict)]
    if brief:
        return parts[0]
    if row.found.change is not None:
        low, high = (end - 1 for end in (row.found.change.low, row.found.change.high))
        parts.append(f"{percent(row.found.change.ratio - 1)} ({percent(low)} to {percent(high)})")
    if seen := would_have_seen(row.found.detectable, row.found.direction, row.found.verdict):
        parts.append(f"would have seen {seen}")
    return ", ".join(parts)


def to_markdown(found: SideBySide) -> str:
    """A table, and the notes below it."""
    names = heads(found)
    rule = [":--", ":--", ":--", *("--:" for _ in found.columns), ":--"]
    lines = [[plain(name) for name in names], rule]
    lines += [[code(row.case), *(plain(text) for text in cells(row)[1:])] for row in found.rows]
    table_ = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*table_, *(["", *(f"- {plain(note)}" for note in found.notes)] if found.notes else [])]) + "\n"


def to_csv(found: SideBySide) -> str:
    """Every figure with all its digits, a column a run or cell; ratios and verdicts after them."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    ratios = [f"ratio {name}" for name in found.columns[1:]]
    writer.writerow([*heads(found)[:-1], *ratios, "verdict", "said"])
    for row in found.rows:
        verdict = "" if row.found is None else row.found.verdict.value
        figures = ["" if value is None else value for value in (*row.values, *row.ratios[1:])]
        writer.writerow([row.case, row.figure, row.unit, *figures, verdict, verdict_text(row)])
    return out.getvalue()


def to_json(found: SideBySide) -> str:
    """The same as one object."""
    rows = [
        {
            "case": row.case,
            "figure": row.figure,
            "unit": row.unit,
            "values": row.values,
            "ratios": row.ratios,
            "said": verdict_text(row),
            **({"verdict": row.found.verdict.value} if row.found is not None else {}),
        }
        for row in found.rows
    ]
    return json.dumps({"columns": found.columns, "rows": rows, "notes": found.notes}, indent=2, allow_nan=False) + "\n"


def to_page(found: SideBySide) -> str:
    """A page with the table; no scripts."""
    rows: list[list[Child]] = [[*cells(row)[:-1], _verdict(row)] for row in found.rows]
    figures = [False, False, False, *(True for _ in found.columns), False]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element(
            "meta", **{"http-equiv": "Content-Security-Policy"}, content="default-src 'none'; style-src 'unsafe-inline'"
        ),
        element("title", f"Comparison of {', '.join(found.columns)}"),
        raw("style", asset("page.css")),
    )
    notes = element("ul", *(element("li", note) for note in found.notes), class_="notes") if found.notes else None
    ratio = element("p", f"1.05x: 5 % more than {found.columns[0]}.", class_="quiet")
    body = element("body", element("h1", "Runs side by side"), notes, ratio, table(heads(found), rows, figures=figures))
    return to_html(element("html", head, body, lang="en"))


def _verdict(row: Row) -> Child:
    verdict: Verdict | None = row.found.verdict if row.found is not None else None
    tone = "quiet" if verdict is None else TONES[wording.style(verdict)]
    return element("span", verdict_text(row), class_=tone)


def legend(found: SideBySide) -> list[tuple[str, str]]:
    """A letter for each column, whose names are too long for a terminal."""
    return list(zip(_letters(found), found.columns, strict=True))


def terminal_heads(found: SideBySide) -> list[str]:
    """The heads of `terminal_rows`."""
    return ["", *_letters(found), ""]


def terminal_rows(found: SideBySide) -> list[list[str]]:
    """A line with each case's name, its figures below it; briefly where there are more columns than two."""
    lines: list[list[str]] = []
    names = [row.case for row in found.rows]
    short = dict(zip(names, shorten_apart(names, _NAME), strict=True))
    case = None
    for row in found.rows:
        name, figure, unit, *words = cells(row, brief=_brief(found))
        if name != case:
            lines.append([short[name], *("" for _ in words)])
            case = name
        lines.append([f"  {figure} {unit if unit not in figure else ''}".rstrip(), *words])
    return lines


def styles(found: SideBySide) -> dict[str, str]:
    """The terminal style of what is said of each row."""
    return {
        verdict_text(row, brief=_brief(found)): wording.QUIET if row.found is None else wording.style(row.found.verdict)
        for row in found.rows
    }


def _brief(found: SideBySide) -> bool:
    return len(found.columns) > _ROOM


def _letters(found: SideBySide) -> list[str]:
    return [chr(ord("A") + index) if index < _ALPHABET else str(index + 1) for index in range(len(found.columns))]
