"""What grows, as a table: a goal that is missed is seen, in the row and in the exit status."""

import pytest
from benchmarks.perf.scale.cells import models
from benchmarks.perf.scale.row import Row, table

from pytest_inferbench.config.parse import parse


def test_a_goal_is_of_the_larger_size():
    """What the usual size takes is shown, not judged; without a goal nothing is missed."""
    assert [Row("x", "s", 9.0, 1.9, 2.0).missed, Row("x", "s", 1.0, 2.1, 2.0).missed, Row("x", "s", 1, 2).missed] == [
        False,
        True,
        False,
    ]


def test_the_table_has_a_dash_for_what_was_not_measured():
    """Figures to the right, their goal and whether it is met behind them."""
    head, met, open_ = table(
        [Row("runs", "wall, s", 0.25, 1234.5, 2000), Row("a round", "bytes", None, 7, digits=0)]
    ).splitlines()
    assert head.split() == ["what", "figure", "1x", "10x", "goal", "at", "10x"]
    assert met.split() == ["runs", "wall,", "s", "0.25", "1,234.50", "2000", "met"]
    assert open_.split() == ["a", "round", "bytes", "-", "7"]


@pytest.mark.parametrize(("pairs", "cells"), [(5, 50), (50, 500)])
def test_the_config_has_as_many_cells_as_it_says(pairs, cells):
    """Two models a pair, each with its variants."""
    found = parse(models(pairs), "models.yaml").plain()["models"]
    assert sum(len(model["variants"]) for model in found) == cells
