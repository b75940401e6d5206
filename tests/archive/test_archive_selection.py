"""A run knows which of its tests have ended."""

from __future__ import annotations

import pytest

from pytest_inferbench.archive.selection import Selection

PASSED = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]


@pytest.mark.parametrize(
    ("phases", "left"),
    [
        (PASSED, 0),
        (PASSED[:2], 1),
        ([("setup", "failed")], 0),  # of a test that was not run, too
        ([("setup", "skipped"), ("teardown", "passed")], 0),
        ([("???", "failed")], 0),  # xdist's report of one that took its worker down
        ([("setup", "passed"), ("call", "rerun"), ("teardown", "passed")], 1),
        ([("setup", "passed"), ("call", "rerun"), ("teardown", "passed"), *PASSED], 0),
        ([], 1),
    ],
)
def test_what_has_ended(phases, left):
    """A test has ended with its teardown, or where it could not begin; not while a plugin runs it again."""
    selection = Selection()
    selection.add(["a"])
    selection.add(["a"])  # as another worker says it
    for when, outcome in phases:
        selection.note("a", when, outcome)
    assert selection.left == left
