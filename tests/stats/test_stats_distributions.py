"""The distributions are the textbook's."""

from __future__ import annotations

import sys
from subprocess import run

import numpy as np
import pytest
from scipy.special import ndtr

from pytest_inferbench.stats.distributions import (
    chi_square_critical,
    f_critical,
    normal_critical,
    t_critical,
    t_tail,
    trigamma,
    trigamma_inverse,
)


def test_published_points():
    """Points from printed tables."""
    assert float(t_critical(0.025, 8)) == pytest.approx(2.306, abs=5e-4)
    assert float(t_critical(0.005, 3)) == pytest.approx(5.841, abs=5e-4)
    assert float(normal_critical(0.05)) == pytest.approx(1.645, abs=5e-4)
    assert float(chi_square_critical(0.05, 10)) == pytest.approx(18.307, abs=5e-4)
    assert f_critical(0.05, 5, 10) == pytest.approx(3.326, abs=5e-4)


@pytest.mark.parametrize("tail", [1e-9, 1e-4, 0.05, 0.5, 0.9])
def test_points_and_tails_are_inverse(tail):
    """A point's tail is the level it was asked for, far out too."""
    df = np.asarray([1.0, 3.0, 27.5])
    np.testing.assert_allclose(t_tail(t_critical(tail, df), df), tail, rtol=1e-6)
    np.testing.assert_allclose(ndtr(-normal_critical(tail)), tail, rtol=1e-6)


def test_trigamma_and_its_inverse():
    """Trigamma of 1 is pi^2 / 6, and the inverse gives back what went in over the range that occurs."""
    assert float(trigamma(1.0)) == pytest.approx(np.pi**2 / 6)
    y = np.linspace(0.05, 8.0, 200)
    np.testing.assert_allclose(trigamma(trigamma_inverse(y)), y, rtol=1e-9)


def test_scipy_is_loaded_when_the_first_distribution_is_asked_for():
    """A third of a second, which collecting and listing need not wait for."""
    code = (
        "import sys, pytest_inferbench.bench.verdicts, pytest_inferbench.bench.mistakes;"
        "print({'scipy', 'httpx'} & sys.modules.keys())"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
