"""The plan of a dry run on a terminal, and the time that earlier runs vouch for."""

from __future__ import annotations

import pytest

from made.cases import case
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.report.plan_text import Earlier, PlannedCell, expected_seconds, render_plan
from pytest_inferbench.units import duration


def earlier(walls, rounds=5, ready=None):
    server = ServerAccount(ready_seconds=ready)
    return Earlier(case("x", rounds=tuple({"wall_s": wall} for wall in walls), server=server), rounds)


def test_a_case_takes_as_long_a_round_as_before():
    """Rounds of this run times a round's mean, the start of the server once, the longest that was seen."""
    assert expected_seconds([earlier([2.0, 4.0] * 2 + [3.0], ready=1.0)], 10) == 31.0
    assert expected_seconds([earlier([1.0] * 5, ready=7.0), earlier([2.0] * 5, ready=9.0)], 5) == 24.0
    assert expected_seconds([earlier([1.0] * 5)], 5) == 5.0


def test_a_case_that_said_its_own_rounds_says_them_again():
    """Its number was another than its run's, so this run's does not count either."""
    assert expected_seconds([earlier([1.0] * 3, rounds=5)], 10) == 3.0


def test_nothing_known_takes_no_time_that_could_be_told():
    """No figure is printed where there is none."""
    lines = render_plan([PlannedCell("a-b-c", ("x",), ())], 5, 80)
    assert not any(line.startswith("  takes") for line in lines)
    assert " ".join(" ".join(lines).split()).endswith(
        "1 cell, 1 test; 1 without an earlier run to tell the time by. Nothing was started."
    )


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_every_line_fits_and_nothing_is_lost(width):
    """Long words are cut over lines; what a name holds cannot move the cursor."""
    cell = PlannedCell(
        "llama-b1-tiny",
        ("concurrency[c08]", "single\x1b[31m"),
        (("runs", "/a/very/long/path/" * 12 + " --model x"), ("port", "a free one"), ("sets", "")),
        trouble="it is not installed here, and the way to install it is a long story " * 3,
        seconds=130.0,
        known=1,
    )
    lines = render_plan([cell], 5, width)
    assert all(len(line) <= max(width, 40) for line in lines)
    assert "\x1b" not in "".join(lines)
    assert "/a/very/long/path/" * 12 in "".join(line.strip() for line in lines)
    assert lines[0] == "llama-b1-tiny"
    assert "  port     a free one" in lines
    assert not any(line.startswith("  sets") for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "takes about 2 min for 1 of 2 tests" in text
    assert "cannot run here: it is not installed here" in text
    assert "1 cell, 2 tests; about 2 min for 1 of them, one after the other; 1 without an earlier run" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7199, "120 min"), (8000, "2 h 13 min")]
)
def test_times_are_for_people(seconds, text):
    """No more digits than matter."""
    assert duration(seconds) == text
