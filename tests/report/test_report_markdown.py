"""The CI step summary."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from made.cases import case, document
from pytest_inferbench.document.run import AcceptedCase, Moved
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.markdown import LIMIT, to_markdown
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE, INVALID, OVER, RUNS, WITHIN
from report.report_strategies import case_results

_MIB = 1024 * 1024
_RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def rows(text: str) -> list[list[str]]:
    """The cells of the table's rows as a reader sees them."""
    found, row, inside = [], [], False
    for token in _RENDERER.parse(text):
        inside = {"tbody_open": True, "tbody_close": False}.get(token.type, inside)
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and inside:
            row.append("".join(child.content for child in token.children if child.type in {"text", "text_special"}))
        elif token.type == "tr_close" and inside:
            found.append(row)
    return found


def tags(text: str) -> set[str]:
    """Every element that the rendered text has, raw HTML by its source."""
    flat = [child for token in _RENDERER.parse(text) for child in (token, *(token.children or ()))]
    raw = {token.content for token in flat if token.type in {"html_inline", "html_block"}}
    return raw | {token.tag for token in flat if token.tag}


def test_first_line_is_the_verdict() -> None:
    """A heading says how it went, with a mark for the worst."""
    assert to_markdown(document((WITHIN, OVER))).startswith("## ❌ 1 within budget, 1 OVER BUDGET\n")
    assert to_markdown(document((WITHIN,))).startswith("## ✅ 1 within budget\n")
    assert to_markdown(document(())).startswith("## ⚠️ no cases measured\n")


def test_an_interrupted_run_says_so_in_its_heading() -> None:
    """The summary of a run that was ended early cannot be taken for a whole one."""
    text = to_markdown(document((WITHIN,), interrupted=True))
    assert text.startswith("## ❌ 1 within budget, INTERRUPTED before the last case\n")


def test_hostile_names_are_shown_as_text() -> None:
    """Markup of any kind in a name is its characters, in one cell of one row."""
    name = HOSTILE[:30] + "<script>alert(1)</script> | `code` **b** _i_ [l](http://x) ![i](y) ~~s~~ &amp; $x$ \\| <!-- "
    text = to_markdown(document((case(name, Verdict.OK), WITHIN)))
    assert rows(text)[0][0] == visible(name)
    assert len(rows(text)[0]) == len(rows(text)[1])
    assert tags(text) <= {
        "h2",
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "code",
        "strong",
        "<code>",
        "</code>",
    }


@settings(deadline=None, derandomize=True, max_examples=60)
@given(results=st.lists(case_results, min_size=1, max_size=3).map(tuple))
def test_any_run_renders_to_one_row_a_case(results) -> None:
    """Whatever names and figures are, the table has its rows and nothing of them becomes markup."""
    text = to_markdown(document(results))
    assert len(rows(text)) == len(results)
    assert not {tag for tag in tags(text) if tag.startswith("<")} - {"<code>", "</code>"}


@pytest.mark.parametrize("name", ["concurrency[c08]", "|" * 500, "\u202e" * 500], ids=["usual", "pipes", "bidi"])
def test_five_hundred_cases_stay_below_the_limit(name) -> None:
    """500 cases with the longest names stay below 1 MiB; failing ones are there, and what is not is counted."""
    many = tuple(case(f"{name}{index:03d}", Verdict.OK, notes=(name * 3 + str(index),)) for index in range(499))
    text = to_markdown(document((*many, INVALID)))
    assert len(text.encode()) <= LIMIT < _MIB
    assert "INVALID" in text
    shown = len(rows(text))
    assert shown == 500 or f"… and {500 - shown:,} more cases" in text


def test_what_does_not_fit_is_counted_and_failures_come_first() -> None:
    """A small limit keeps the failing case of many, in the order they ran, and says how many are left out."""
    many = tuple(case(f"c{index:03d}", Verdict.WITHIN_BUDGET) for index in range(200))
    text = to_markdown(document((*many, OVER)), limit=10_000)
    assert len(text.encode()) <= 10_000
    seen = rows(text)
    assert seen[-1][0] == "concurrency[c08]"
    assert [row[0] for row in seen[:-1]] == [f"c{index:03d}" for index in range(len(seen) - 1)]
    assert f"… and {201 - len(seen)} more cases, which are in `run.json`" in text


def test_every_reason_is_there() -> None:
    """Over budget, invalid, errors, warnings and skips are told as in the terminal."""
    text = to_markdown(RUNS["every_outcome"])
    for label in (
        "**OVER BUDGET**",
        "**INVALID**",
        "**REGRESSED**",
        "**ERROR**",
        "inconclusive",
        "warning",
        "2 skipped",
    ):
        assert label in text


def test_what_was_accepted_stands_below_the_table() -> None:
    """After an update: what became of each case, and its figures before and after; what does not fit counted."""
    figures = (Moved("ttft_ms.p50", 41.04, 40.0), Moved("swap_ms", new=3.0))
    update = AcceptedCase("m", "b", "lab", "plain", "OK, session 2 of segment 1", figures)
    text = to_markdown(document((WITHIN,), accepted=[update]))
    _, _, section = text.partition("### Accepted\n\n")
    assert section.splitlines()[2] == (
        "| <code>plain on lab</code> | OK, session 2 of segment 1 | ttft_ms.p50 41.0 → 40.0; swap_ms none → 3.00 |"
    )
    assert "### Accepted" not in to_markdown(document((WITHIN,)))
    many = [replace(update, case=f"case{number}") for number in range(500)]
    short = to_markdown(document((WITHIN,), accepted=many), limit=10_000)
    assert "more cases, which are in `run.json`" in short
    assert len(short.encode()) < 10_000
