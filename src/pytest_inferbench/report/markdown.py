"""The run as Markdown for the summary of a CI step: verdicts first, the table, then what needs attention.

Limits: below `LIMIT` bytes whatever the run holds (GitHub cuts a summary at 1 MiB): failing cases are kept first, and
what was left out is counted. Names are shown as the characters they are made of, in `<code>`, where no renderer makes
links, mentions or emoji of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.run import AcceptedCase, RunDocument
from pytest_inferbench.report import wording
from pytest_inferbench.report.columns import whole_table
from pytest_inferbench.report.comparison_table import fact_lines, steps_of
from pytest_inferbench.report.escape import GLUE, shorten, visible
from pytest_inferbench.report.explain import Entry, explanations
from pytest_inferbench.report.figures import number
from pytest_inferbench.report.headline import failing, headline
from pytest_inferbench.report.naming import common
from pytest_inferbench.stats.verdict import Verdict

LIMIT = 1_000_000
_TABLE_SHARE = 0.6
_NAME = 160  # cells of a name; the document has it whole
_STEPS = 5  # cases whose commands are told
_SAID = 300  # cells of what is said of an update, cut at its end
_SPECIAL = re.compile(r"[\\`*{}\[\]|~$]|:(?=//)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_MARKS = {wording.BAD: "❌", wording.UNDECIDED: "⚠️", wording.GOOD: "✅", wording.QUIET: ""}


def to_markdown(document: RunDocument, limit: int = LIMIT) -> str:
    """The summary, shorter than `limit` bytes (10,000 or more)."""
    head = list(_head(document))
    steps = _steps(document.cases)
    room = limit - _size(head) - _size(steps)
    rows = _table(document.cases, failing(document), int(room * _TABLE_SHARE))
    accepted = _accepted_table(document, int(room * _TABLE_SHARE / 2))
    entries = [_entry(entry) for entry in explanations(document)]
    kept = _fit(entries, room - _size(rows) - _size(accepted) - 200)
    notes = [entries[index] for index in kept]
    if len(kept) < len(entries):
        notes.append(f"- … and {len(entries) - len(kept):,} more, which are in `run.json`")
    return "\n".join([*head, *rows, *steps, *accepted, *(["", "### Notes", ""] if notes else []), *notes]) + "\n"


def _head(document: RunDocument) -> Iterator[str]:
    parts = headline(document)
    styles = [style for _, style in parts]
    worst = next(style for style in (wording.BAD, wording.UNDECIDED, wording.GOOD) if style in styles)
    yield f"## {_MARKS[worst]} {', '.join(text for text, _ in parts)}"
    yield ""
    if document.cases:
        yield f"{code(shorten(common(document.cases), _NAME * 2))}, run {code(document.run_id)}"
        yield ""


def _table(cases: Sequence[CaseResult], strict: frozenset[Verdict], room: int) -> list[str]:
    if not cases:
        return []
    heads, texts = whole_table(cases, strict)
    styles = [wording.style(case.verdict, strict) for case in cases]
    rule = ["--:" if head.figure else ":--" for head in heads]
    rows = [_row([code(shorten(name, _NAME)), *figures]) for name, figures in _name_rows(texts, styles)]
    return [
        _row([head.text for head in heads]),
        _row(rule),
        *_cases(rows, room, [style == wording.BAD for style in styles]),
    ]


def _cases(rows: Sequence[str], room: int, first: Sequence[bool] = ()) -> list[str]:
    """The rows that fit into `room` bytes, in their order; what was left out is counted."""
    kept = _fit(rows, room, first)
    left = len(rows) - len(kept)
    last = ["", f"… and {left:,} more cases, which are in `run.json`"] if left else []
    return [*(rows[index] for index in sorted(kept)), *last]


def _steps(cases: Sequence[CaseResult]) -> list[str]:
    """Where to look and what to run after what failed: of the first cases; the others' tests say the same of them."""
    failed = [case for case in cases if case.next_steps]
    lines: list[str] = []
    for case in failed[:_STEPS]:
        steps = fact_lines(steps_of(case))
        lines += ["", f"{code(shorten(case.case, _NAME))}:", "", "<pre>", *map(plain, map(visible, steps)), "</pre>"]
    left = len(failed) - _STEPS
    more = [] if left <= 0 else ["", f"… and {left:,} more, whose tests say it"]
    return ["", "### What to do", *lines, *more] if lines else []


def _accepted_table(document: RunDocument, room: int) -> list[str]:
    """What `--update-baselines` made of the accepted figures."""
    updates = document.accepted
    if not updates:
        return []
    rows = [_row([code(shorten(f"{each.case} on {each.hardware}", _NAME)), *_figure_cells(each)]) for each in updates]
    head = [_row(["case", "baseline", "accepted before → now"]), _row([":--"] * 3)]
    return ["", "### Accepted", "", *head, *_cases(rows, room)]


def _figure_cells(update: AcceptedCase) -> list[str]:
    figures = (f"{each.metric} {_figure(each.old)} → {_figure(each.new)}" for each in update.figures)
    return [plain(shorten(visible(update.said), _SAID, end=0.0)), plain("; ".join(map(visible, figures)))]


def _figure(value: float | None) -> str:
    return "none" if value is None else number(value)


def _name_rows(texts: Sequence[Sequence[str]], styles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for (name, *figures, verdict), style in zip(texts, styles, strict=True):
        strong = f"**{verdict}**" if style == wording.BAD else verdict
        yield name, [*(plain(shorten(text, _NAME)) for text in figures), f"{_MARKS[style]} {strong}"]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _entry(entry: Entry) -> str:
    mark = f"{_MARKS[entry.style]} **{entry.label}**" if entry.style == wording.BAD else entry.label
    return f"- {mark} {plain(entry.text.replace(GLUE, ' '))}"


def _fit(lines: Sequence[str], room: int, first: Sequence[bool] = ()) -> list[int]:
    """Indices of the lines that fit into `room` bytes, those marked in `first` before the others."""
    order = sorted(range(len(lines)), key=lambda index: not (first and first[index]))
    kept = []
    for index in order:
        room -= _size([lines[index]])
        if room < 0:
            break
        kept.append(index)
    return kept


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode(errors="replace")) + 1 for line in lines)


def code(text: str) -> str:
    """The text as code, in one line."""
    return f"<code>{plain(visible(text))}</code>"


def plain(text: str) -> str:
    """Text that no Markdown renderer makes anything of: what could be read as markup is a character reference."""
    escaped = html.escape(text, quote=False)
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", escaped)
