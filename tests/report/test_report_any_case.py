"""Whatever a case result holds, it can be written, validated, read again and drawn."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.cells import cell_len

from made.cases import document
from pytest_inferbench.document.codec import read_document
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.report.budget_table import budget_table
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.report.properties import junit_properties
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict
from report.report_strategies import case_results

_ANY = settings(deadline=None, derandomize=True, max_examples=60)
_SEVERAL = st.lists(case_results, max_size=3).map(tuple)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(run_schema())


@_ANY
@given(results=_SEVERAL)
def test_every_document_survives_its_text_and_fits_the_schema(validator, results) -> None:
    """A run of any cases reads back as it was written, and the JSON Schema accepts it."""
    run = document(results)
    text = to_text(run)
    assert read_document(text, "run.json") == run
    validator.validate(json.loads(text))


@_ANY
@given(results=_SEVERAL, width=st.integers(40, 200))
def test_no_line_of_any_summary_is_wider_than_the_terminal(results, width) -> None:
    """Rows and reasons keep to the width, counted in terminal cells, and hold no control character."""
    text = render_summary(document(results), width, colour=False)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert text.replace("\n", "").isprintable()


@_ANY
@given(results=_SEVERAL)
def test_colours_add_nothing_but_colours(results) -> None:
    """Without its colour codes the coloured summary is the plain one."""
    run = document(results)
    coloured = render_summary(run, 100, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_summary(run, 100, colour=False)


@_ANY
@given(result=case_results)
def test_any_case_has_properties_and_a_budget_table(result) -> None:
    """Property values are plain decimals or one line of text, and the table has one line a failed budget."""
    for name, value in junit_properties(result):
        assert value.isprintable()
        if name.startswith(("ttft_ms", "client.")):
            assert re.fullmatch(r"-?\d+(\.\d+)?", value)
    over = [check for check in result.checks if check.kind == "budget" and check.verdict is Verdict.OVER_BUDGET]
    assert budget_table(result).count("\n  ") == (
        len(over) + 1 + sum(bool(check.note) for check in over) if over else 0
    )
