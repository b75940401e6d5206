"""The document's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from made.cases import document
from pytest_inferbench.document.environment import Environment, GpuModel
from pytest_inferbench.document.run import Setting
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.json_report import to_text
from report.report_cases import HOSTILE_CASE, RUNS, WIDE_CASE


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
    ("place", "changes"),
    [
        (
            r"environment\.gpus\[1\]\.power_limit_w",
            lambda value: {"environment": Environment(gpus=(GpuModel("a"), GpuModel("b", power_limit_w=value)))},
        ),
        (r"settings\[0\]\.value\.power", lambda value: {"settings": [Setting("a", {"power": value}, "default")]}),
    ],
    ids=["figure", "setting"],
)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "is nan; expected a finite number"),
        (float("inf"), "is inf; expected a finite number"),
        (Path("x"), r"is .*Path\('x'\) \(\w+\); expected a JSON type"),
        ({1: 2}, "has the key 1; expected a string"),
        (pytest, r"is <module 'pytest' .* \(module\); expected a JSON type"),
    ],
    ids=["nan", "inf", "path", "key", "object"],
)
def test_what_json_cannot_hold_is_refused_by_its_place(place, changes, value, said) -> None:
    """A figure that is no number, or an object of ours, is an error that says where it stands."""
    with pytest.raises(InferbenchError, match=f"{place} {said}"):
        to_text(document((), **changes(value)))
