"""Names that are too long for their column."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.cases import case, document
from pytest_inferbench.report.apart import shorten_apart
from pytest_inferbench.report.escape import cells, shorten
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["single", "batch[b04]"], ["single", "batch[b04]"]),
        (["a_very_long_name[c08]", "a_very_long_name[c16]"], ["a_very_l…08]", "a_very_l…16]"]),
        (["long_context[k32-warm-cache]", "long_context[k64-warm-cache]"], ["long…32-war…", "long…64-war…"]),
        (["long_context[k032-warm-cache]", "long_context[k031-warm-cache]"], ["long…032-wa…", "long…031-wa…"]),
        (["x" * 30 + "a" + "y" * 30, "x" * 30 + "b" + "y" * 30], ["…ayyyyyyyyy…", "…byyyyyyyyy…"]),
    ],
    ids=["short", "ends", "middle", "number", "deep"],
)
def test_names_keep_what_tells_them_apart(names, shown) -> None:
    """What they have in common is cut, the longest part first; of what else is too long the part that differs stays."""
    assert shorten_apart(names, 12) == shown


def test_a_sweep_keeps_every_parameter_that_it_moves() -> None:
    """Each number of a sweep's case is read whole; the words between them, which all have, are cut."""
    loads = [(streams, tokens) for streams in ("01", "04", "16") for tokens in (16, 64)]
    names = [f"concurrency_sweep[streams-{streams}-output_tokens-{tokens}]" for streams, tokens in loads]
    shown = shorten_apart(names, 26)
    assert shown[:2] == ["concurrenc…01-output_t…16]", "concurrenc…01-output_t…64]"]
    assert [tuple(re.findall(r"\d+", name)) for name in shown] == [(a, str(b)) for a, b in loads]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    names=st.lists(st.text(alphabet="ab並", min_size=1, max_size=30), min_size=1, max_size=8),
    width=st.integers(8, 20),
)
def test_different_names_stay_different_in_their_width(names, width) -> None:
    """Whatever the names, none is wider than its column, the same name looks the same, and no other does."""
    shown = shorten_apart(names, width)
    assert all(cells(text) <= width for text in shown)
    assert len(set(shown)) == len(set(names))


def test_a_name_that_is_alone_keeps_both_ends() -> None:
    """One long name is shortened in its middle, as everywhere else."""
    name = "concurrency_of_very_many_users[c08]"
    assert shorten_apart([name], 16) == [shorten(name, 16)]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_rows_of_a_narrow_table_can_be_told_apart(width) -> None:
    """Cases whose names differ in their middle alone have different rows in a narrow terminal."""
    names = [f"long_context_of_documents[{tokens}k-prefill-heavy]" for tokens in (32, 64, 128)]
    rows = render_summary(document(tuple(case(name, Verdict.OK) for name in names)), width, colour=False).splitlines()
    assert len({row.split("  ")[0] for row in rows[-3:]}) == 3
