"""The recipes of docs/ci.md: their options exist, and each file that a CI system reads is one that a step writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pytest_inferbench.options import OPTIONS
from pytest_inferbench.report.formats import FORMATS

DOCS = Path(__file__).parents[1] / "docs"
PYTESTS = {"--junitxml"}
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (DOCS / "ci.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def options(text: str) -> set[str]:
    """Options of pytest in the recipes, and in lines that call it."""
    recipes = [block for _, block in re.findall(r"```(\w+)\n(.*?)```", text, flags=re.DOTALL)]
    calls = re.findall(r"pytest benchmarks[^`'\n]*", text)
    return {word for command in (*recipes, *calls) for word in re.findall(r"(?<=\s)--[a-z-]+", command)}


@pytest.mark.parametrize("page", ["ci.md", "reports.md"])
def test_every_option_that_is_named_exists(page) -> None:
    """An option in a recipe is one of pytest's or of the table."""
    known = {name for option in OPTIONS for name in (option.flag, option.canonical)} | PYTESTS
    assert options((DOCS / page).read_text(encoding="utf-8")) <= known


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=["github", "gitlab", "jenkins"])
def test_every_file_that_is_read_is_written(language, text) -> None:
    """A path below `out/` that some step reads is an option's value in the same recipe, or a folder of such."""
    if language == "yaml":
        assert YAML(typ="safe").load(text)
    written = set(re.findall(r"--[a-z-]+=(out/[\w./-]+)", text))
    folders = {form.files for form in FORMATS if len(form.files) > 1}
    written |= {f"{path}/{name}" for path in list(written) for files in folders for name in files}
    read = set(re.findall(r"(?<![=\w])out/[\w-]+(?:/[\w-]+)*\.\w+", text)) - written
    assert {path for path in read if not path.endswith("-history.json")} == set(), "these are kept by the action itself"


def test_every_format_is_described() -> None:
    """docs/reports.md has each option that writes a report."""
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    assert [form.name for form in FORMATS if f"`--bench-{form.name}`" not in text] == []
