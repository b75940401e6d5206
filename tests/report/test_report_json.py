"""The document's text."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_cases import HOSTILE_CASE, RUNS, WIDE_CASE, document

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.json_report import to_text


def test_text_looks_as_agreed(golden) -> None:
    """Field order, indentation and absent fields are those of the golden file."""
    golden("all_well.json", to_text(RUNS["all_well"]))


def test_text_is_ascii_with_one_newline_at_its_end() -> None:
    """Whatever the names are, the file is ASCII and ends as text files do."""
    text = to_text(document((HOSTILE_CASE, WIDE_CASE)))
    assert text.isascii()
    assert text.endswith("}\n")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), r"environment\.gpus\[1\]\.power is nan; expected a finite number"),
        (float("inf"), r"environment\.gpus\[1\]\.power is inf; expected a finite number"),
        (Path("x"), r"environment\.gpus\[1\]\.power is .*Path\('x'\) \(\w+\); expected a JSON type"),
        ({1: 2}, r"environment\.gpus\[1\]\.power has the key 1; expected a string"),
    ],
    ids=["nan", "inf", "path", "key"],
)
def test_what_json_cannot_hold_is_refused_by_its_place(value, said) -> None:
    """A figure that is no number, or an object of ours, is an error that says where it stands."""
    run = document((), environment={"gpus": [{}, {"power": value}]})
    with pytest.raises(InferbenchError, match=said):
        to_text(run)
