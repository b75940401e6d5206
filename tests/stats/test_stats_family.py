"""The run's error rate as it is reported."""

from __future__ import annotations

import pytest

from pytest_inferbench.stats.family import family
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import Prior
from pytest_inferbench.stats.rule import DEFAULTS, Kind, Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.units import Direction

RULE = Rule(gates=20)


def judged(sd: float, history=(40.0, 40.2, 39.9)):
    past = read_history([Past(value) for value in history], Direction.LOWER, 20)
    return judge([40.0], past, RULE, Prior(sd, 10.0, 5)).false_alarm


def test_the_level_is_divided_by_the_gates():
    """Twenty gates at .05 are .0025 each, at most 5 false alarms in 100 runs."""
    found = family(RULE, [])
    assert (found.gates, found.alpha, found.alpha_each) == (20, 0.05, 0.0025)
    assert found.at_most_per_100 == pytest.approx(5.0)
    assert found.expected_per_100 is None


def test_noisy_gates_use_their_level_up_and_quiet_ones_do_not():
    """Twenty gates of 10 % noise expect the full 5 in 100; at .5 % noise the margin leaves next to none."""
    assert family(RULE, [judged(0.10)] * 20).expected_per_100 == pytest.approx(5.0)
    assert family(RULE, [judged(0.005)] * 20).expected_per_100 < 0.1


def test_gates_that_were_not_judged_do_not_count():
    """A new gate cannot raise a false alarm."""
    assert family(RULE, [judged(0.10), judged(0.10, history=())]).expected_per_100 == pytest.approx(0.25)


def test_one_gate_is_screened_more_loosely_than_it_is_decided():
    """Stage 1 is never as strict as stage 2: .10 for one gate, alpha from two gates on."""
    assert Rule(gates=1).alpha_screen == pytest.approx(0.10)
    assert Rule(gates=2).alpha_screen == Rule(gates=50).alpha_screen == pytest.approx(0.05)


def test_tails_have_wider_defaults():
    """Tails: margin 10 %, resolve 30 %; all else 5 and 20 %."""
    assert (DEFAULTS[Kind.TAIL].margin, DEFAULTS[Kind.TAIL].resolve) == (0.10, 0.30)
    assert (DEFAULTS[Kind.TYPICAL].margin, DEFAULTS[Kind.TYPICAL].resolve) == (0.05, 0.20)
