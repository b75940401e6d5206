"""Rows on standard output: the same words whether a row needs a layout or not."""

from __future__ import annotations

import pytest

from pytest_inferbench.cli.table import print_rows


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """A terminal of 30 columns that knows no colours."""
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_plain_rows_stand_in_columns(capsys):
    """A column is as wide as its longest cell, wide characters counted as they are shown; no blanks at the end."""
    print_rows([["a", "1", "x"], ["日本", "22", ""]], ["name", "n", "rest"])
    assert capsys.readouterr().out == "name  n   rest\na     1   x\n日本  22\n"


def test_the_last_column_takes_more_lines_where_it_needs_them(capsys):
    """Words go below one another, and the rows around are as they are."""
    print_rows([["a", "x"], ["b", "one two three four five six seven"], ["c", "y\nz"]])
    assert capsys.readouterr().out == "a  x\nb  one two three four five six\n   seven\nc  y\n   z\n"


def test_no_figure_is_cut(capsys):
    """Rather a line that is too long for the terminal."""
    print_rows([["1" * 40, "one two three"]])
    assert capsys.readouterr().out.splitlines()[0] == "1" * 40 + "  one two"


def test_colours_where_a_style_is_asked_for(capsys, monkeypatch):
    """Only the cells that have one, and the head."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    print_rows([["a", "bad"], ["b", "good"]], ["n", "is"], {"bad": "red"})
    head, bad, good = capsys.readouterr().out.splitlines()
    assert ("\x1b[1m" in head, "\x1b[31mbad" in bad, good) == (True, True, "b  good")
