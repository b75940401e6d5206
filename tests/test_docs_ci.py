"""What docs/ci.md and docs/reports.md name: options that exist, and every format that can be written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_inferbench.options import OPTIONS
from pytest_inferbench.report.formats import FORMATS

DOCS = Path(__file__).parents[1] / "docs"
OTHERS = {"--junitxml", "--clear", "--quiet", "--format", "--output"}  # of pytest, venv, pip and `inferbench runs`


def options(text: str) -> set[str]:
    """Options of pytest in the recipes, and in lines that call it."""
    recipes = [block for _, block in re.findall(r"```(\w+)\n(.*?)```", text, flags=re.DOTALL)]
    calls = re.findall(r"pytest benchmarks[^`'\n]*", text)
    return {word for command in (*recipes, *calls) for word in re.findall(r"(?<=\s)--[a-z-]+", command)}


@pytest.mark.parametrize("page", ["ci.md", "reports.md"])
def test_every_option_that_is_named_exists(page) -> None:
    """An option in a recipe is one of pytest's or of the table."""
    known = {name for option in OPTIONS for name in (option.flag, option.canonical)} | OTHERS
    assert options((DOCS / page).read_text(encoding="utf-8")) <= known


def test_every_format_is_described() -> None:
    """docs/reports.md has each option that writes a report."""
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    assert [form.name for form in FORMATS if f"`--bench-{form.name}`" not in text] == []
