"""Rounded figures: what equal ones say of the noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.ties import rounding_step, rounding_variance
from pytest_inferbench.units import Direction


@pytest.mark.parametrize(
    ("figures", "step"),
    [
        ([12.0, 13.0, 12.0], 1.0),
        ([12.0, 17.0, 12.0], 5.0),
        ([12.0, 12.0, 12.0], 1.0),
        ([12.5, 12.5], 0.1),
        ([0.25, 0.25, 0.5], 0.25),
        ([41.1234567, 41.1234567], 1e-6),
        ([12.0], 1.0),
    ],
)
def test_the_step_is_the_smallest_difference(figures, step):
    """Of distinct figures; of equal ones the last decimal they are written with."""
    assert rounding_step(np.asarray(figures)) == pytest.approx(step)


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=6))
def test_no_figure_makes_it_fall_over(figures):
    """The variance is a number, and no more than a step as large as the figures themselves leaves."""
    assert 0 <= float(rounding_variance(np.asarray(figures))) <= 1 / 12


def test_equal_sessions_keep_the_variance_of_their_rounding():
    """Three sessions that were counted, and are equal, scatter by a step / sqrt(12); distinct ones as they do."""
    tied = read_history([Past(12.0)] * 3, Direction.LOWER, 20)
    assert (tied.variance, tied.df) == (pytest.approx((1 / 12) ** 2 / 12), 2)
    distinct = read_history([Past(12.0), Past(13.0), Past(14.0)], Direction.LOWER, 20)
    assert distinct.variance == pytest.approx(np.log([12.0, 13.0, 14.0]).var(ddof=1))
    # Rounds that differ say how fine the figures are; sessions that are equal by chance scatter as they do.
    fine = read_history([Past(12.0, rounds=(11.9, 12.0, 12.3))] * 3, Direction.LOWER, 20)
    assert fine.variance == pytest.approx((0.1 / 12.05) ** 2 / 12, rel=0.02)
