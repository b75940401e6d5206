"""Figures and text made fit for a report."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_inferbench.report import escape, figures
from pytest_inferbench.report.escape import GLUE, shorten, wrap
from pytest_inferbench.report.figures import ABSENT, align, beside_limit, column, exact, number, plain, quantity


@pytest.mark.parametrize("module", [figures, escape], ids=["figures", "escape"])
def test_examples_in_docstrings_are_true(module) -> None:
    """What a docstring shows is what the function gives."""
    outcome = doctest.testmod(module)
    assert outcome.attempted
    assert not outcome.failed


@pytest.mark.parametrize(
    ("value", "symbol", "shown"),
    [
        (0.0, "ms", "0"),
        (0.0004, "ms", "0.0004"),
        (-3e-9, "ms", "-3e-09"),
        (0.000004, "%", "0.0004"),
        (2.5e12, "tok/s", "2.5e+12"),
        (float("inf"), "ms", "inf"),
        (float("nan"), "ms", "nan"),
    ],
)
def test_no_figure_rounds_to_nothing_or_grows_without_end(value, symbol, shown) -> None:
    """Outside of the readable range an exponent is used; only 0 is printed as 0."""
    assert number(value, symbol) == shown


def test_quantity_carries_its_unit_and_absence_none() -> None:
    """A figure has its unit beside it, a missing one is a dash."""
    assert (quantity(0.012, "%"), quantity(None, "ms"), quantity(3, "")) == ("1.2 %", "-", "3.00")


def test_limits_are_printed_as_written() -> None:
    """A limit keeps all its digits, in per cent where its unit is."""
    assert (exact(1234.5, "tok/s"), exact(0.07, "%"), exact(250.0)) == ("1,234.5", "7", "250")


def test_figure_that_is_not_finite_is_still_printable() -> None:
    """Nothing that a failing test prints can itself fail."""
    assert (str(plain(float("inf"))), str(plain(float("nan")))) == ("Infinity", "NaN")


def test_near_miss_shows_the_digits_that_tell_it_from_the_limit() -> None:
    """A figure just over its limit never prints as the limit."""
    assert beside_limit(0.010004, 0.01, "%") == "1.0004"


@settings(deadline=None, derandomize=True)
@given(values=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_aligned_figures_have_one_place_for_the_point(values) -> None:
    """Set right, the whole digits of a column end in the same place."""
    texts = align([number(value, "ms") for value in values])
    width = max(map(len, texts), default=0)
    points = {text.rjust(width).find(".") for text in texts} - {-1}
    assert len(points) <= 1


@settings(deadline=None, derandomize=True)
@given(values=st.lists(st.none() | st.just(0.0) | st.floats(1e-3, 9e8), min_size=1, max_size=6))
def test_figures_of_a_column_have_one_number_of_decimals(values) -> None:
    """However far apart figures are, they have as many decimals, two digits are left of each, and only 0 reads as 0."""
    texts = column(values, "ms")
    assert len({len(text.partition(".")[2]) for text in texts if text not in {ABSENT, "0"}}) <= 1
    for value, text in zip(values, texts, strict=True):
        shown = None if text == ABSENT else float(text.replace(",", ""))
        assert shown == (value if not value else pytest.approx(value, rel=0.05))


@settings(deadline=None, derandomize=True)
@given(text=st.text(), width=st.integers(1, 20))
def test_shortened_text_fits_and_keeps_its_ends(text, width) -> None:
    """A shortened name is never wider than its room, and one that fits is left as it is."""
    shown = shorten(escape.visible(text), width)
    assert cell_len(shown) <= width
    assert "…" in shown or shown == escape.visible(text)


def test_shortening_keeps_what_tells_names_apart() -> None:
    """The parameter at a name's end survives."""
    assert shorten("concurrency[c08]", 12) == "concur…[c08]"


@settings(deadline=None, derandomize=True)
@given(text=st.text(), width=st.integers(4, 30))
def test_wrapped_text_loses_nothing_but_spaces(text, width) -> None:
    """Lines keep to the width, and together they are the text."""
    shown = escape.visible(text)
    lines = wrap(shown, width, "  ")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


def test_glued_words_stay_together() -> None:
    """A figure is not torn from its unit at the end of a line."""
    assert wrap(f"limit is 250{GLUE}ms", 11, "  ") == ["limit is", "  250 ms"]
