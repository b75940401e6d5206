"""The run's summary for a terminal: what a person reads in five seconds.

Limits: the first line answers "is it all right?"; then one row a case; then why a row is bad and what to do. No line is
wider than the terminal, and without colours nothing is lost.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report import wording
from pytest_inferbench.report.columns import Line, table
from pytest_inferbench.report.escape import shorten, wrap
from pytest_inferbench.report.explain import Entry, explanations
from pytest_inferbench.report.headline import failing, headline
from pytest_inferbench.report.naming import common

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

LEAST_WIDTH = 40
_INDENT = "  "
_COMMA = ", "


def render_summary(document: RunDocument, width: int, colour: bool) -> str:
    """The summary as lines without a final newline.

    Args:
        document: the run document.
        width: the terminal's columns; below 40 the lines are made for 40.
        colour: whether to use ANSI colours; the text is the same without them.
    """
    width = max(width, LEAST_WIDTH)
    lines = [_text(line) for line in _headline(document, width)]
    cases = document.cases
    if cases:
        lines += [_text([(shorten(common(cases), width), wording.QUIET)]), _text([])]
        lines += [_text(line) for line in table(cases, width, failing(document))]
    bad = None
    for entry in explanations(document):
        if bad != (bad := entry.style == wording.BAD):
            lines.append(_text([]))  # a blank line before the reasons for failure, and one after them
        lines += _wrap_entry(entry, width)
    return _draw(lines, width, colour=colour)


def _headline(document: RunDocument, width: int) -> list[Line]:
    """The counts in words, `3 within budget, 1 OVER BUDGET, 1 new`, broken between counts where it must be."""
    lines: list[Line] = [[]]
    taken = 0
    for part, style in headline(document):
        if taken and taken + len(part) + len(_COMMA) > width:
            lines[-1].append((",", ""))
            lines.append([])
            taken = 0
        if taken:
            lines[-1].append((_COMMA, ""))
        lines[-1].append((part, style))
        taken += len(part) + len(_COMMA)
    return lines


def _console(width: int, *, colour: bool) -> Console:
    from rich.console import Console  # noqa: PLC0415 - rich is loaded only when a report is drawn

    # Everything that rich would otherwise take from the process (its environment, its terminal) is stated.
    return Console(
        file=StringIO(),
        width=width,
        height=1,
        force_terminal=colour,
        force_interactive=False,
        force_jupyter=False,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        _environ={},
    )


def _text(spans: Line) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text.assemble(*spans)


def _wrap_entry(entry: Entry, width: int) -> list[Text]:
    first, *rest = wrap(f"{entry.label} {entry.text}", width, _INDENT)
    start: Line = [(entry.label, entry.style), (first.removeprefix(entry.label), "")]
    return [_text(start), *(_text([(line, "")]) for line in rest)]


def _draw(lines: list[Text], width: int, *, colour: bool) -> str:
    console = _console(width, colour=colour)
    for line in lines:
        line.rstrip()
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=True)
    return captured.get().removesuffix("\n")
