"""Counts of the house that only ever go down: who raises one has put something where it does not belong."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "pytest_inferbench"
TYPED = {"report", "plugin", "archive", "judge", "bench"}
"""The rooms that read a run document, whose fields are to be attributes and not strings."""

MOST_PLUGIN_LINES = 2_300
MOST_STRING_SUBSCRIPTS = 55


def room(path: Path) -> str:
    return path.relative_to(SRC).parts[0]


def test_the_plugin_is_thin() -> None:
    """What knows no pytest lives elsewhere, so what does stays small."""
    lines = sum(path.read_text().count("\n") for path in (SRC / "plugin").rglob("*.py"))
    assert lines <= MOST_PLUGIN_LINES, f"plugin/ has {lines} lines"


def test_fields_are_read_by_name() -> None:
    """`case["verdict"]` is checked by nobody; `case.verdict` is, by mypy."""
    found = [
        node
        for path in SRC.rglob("*.py")
        if room(path) in TYPED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ]
    assert len(found) <= MOST_STRING_SUBSCRIPTS, f"{len(found)} string subscripts"
