"""The order within pairs: estimated over all gates, taken out of them, and no more than is sure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.order import common_order, order_effect, take_out
from pytest_inferbench.stats.paired import log_ratios
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import seeded, standard_error
from stats.golden_table import differing, golden
from stats.order_rates import ALPHA, DRAWS, Machine, measure, pairs, power, table

LOWER, HIGHER = Direction.LOWER, Direction.HIGHER
SECOND = (True, False, False, True, True, False)
SLOWER = 1.06


def made(change=1.0, away=0.0, count=6, slower=SLOWER):
    """Times of arm A and of arm B, which is `change` times A, on a machine whose second server is slower."""
    return [
        (
            40.0 * (1 if last else slower),
            40.0 * change * (slower if last else 1) * (1 + away * (-1) ** (number // 2)),
        )
        for number, last in enumerate(SECOND[:count])
    ]


def rates(times):
    """The same as a throughput."""
    return [(1e5 / a, 1e5 / b) for a, b in times]


@pytest.mark.parametrize("count", [4, 5, 6])
def test_what_the_order_does_is_told_from_what_changed(count):
    """Without noise all of the 6 % is found and taken out, and each pair then has the change between the arms."""
    slower, same = made(1.1, count=count), made(1.0, count=count)
    second = SECOND[:count]
    order = common_order([(slower, LOWER), (rates(same), HIGHER)], second)
    assert (order.effect, order.taken_out) == (pytest.approx(0.06), pytest.approx(0.06))
    assert [b / a for a, b in take_out(slower, LOWER, second, order)] == pytest.approx([1.1] * count)
    assert [b / a for a, b in take_out(rates(same), HIGHER, second, order)] == pytest.approx([1.0] * count)


def test_it_is_said_once_it_matters():
    """A sentence names what was found and what is taken out; less than 1 % is not worth one."""
    order = common_order([(made(), LOWER)], SECOND)
    assert order.note.message == (
        "the second server of a pair was 6.0 % slower, over all gates; 6.0 % are taken out, the rest could be noise"
    )
    assert "5.7 % faster" in common_order([(made(slower=1 / SLOWER), LOWER)], SECOND).note.message
    assert common_order([(made(slower=1.005), LOWER)], SECOND).note is None


def test_what_could_be_noise_stays():
    """Pairs that scatter by more than the order's effect keep it whole, and no sentence is made of it."""
    order = common_order([(made(away=0.2, slower=1.02), LOWER)], SECOND)
    assert order.taken_out == 0
    assert order.note is None
    assert take_out(made(), LOWER, SECOND, order) == made()


def test_other_gates_make_it_sure():
    """Two gates whose noise is opposite show an effect that neither shows alone."""
    one, other = made(away=0.04), made(away=-0.04)
    assert common_order([(one, LOWER)], SECOND).taken_out < 0.03
    assert common_order([(one, LOWER), (other, LOWER)], SECOND).taken_out > 0.05


def test_neither_the_loudest_nor_the_quietest_gate_decides():
    """One gate without any effect, however quiet, and a very loud one hardly move what the others agree on."""
    usual = [(made(away=sign * 0.01), LOWER) for sign in (1, -1, 1, -1)]
    with_quiet = common_order([*usual, (made(slower=1.0), LOWER)], SECOND)
    with_loud = common_order([*usual, (made(away=0.5, slower=1.3), LOWER)], SECOND)
    assert 0.03 < with_quiet.effect < 0.06
    assert with_loud.effect == pytest.approx(0.06, abs=0.005)


def test_a_gate_that_lacks_a_pair_tells_what_it_can():
    """Figures that are absent are left out of the estimate and stay absent."""
    gappy = [(None, 40.0), *made()[1:]]
    order = common_order([(gappy, LOWER), (made(), LOWER)], SECOND)
    assert order.taken_out == pytest.approx(0.06)
    assert take_out(gappy, LOWER, SECOND, order)[0][0] is None


def test_without_an_order_nothing_is_taken_out():
    """No gate, an order that is not known, a neutral metric and three pairs: the pairs stay as they were measured."""
    assert common_order([], SECOND) is None
    assert common_order([(made(), LOWER)], ()) is None
    assert common_order([(made(), Direction.NEUTRAL)], SECOND).taken_out == 0
    assert common_order([(made(count=3), LOWER)], SECOND[:3]).taken_out == 0
    assert take_out(made(), LOWER, (), None) == made()


figure = st.one_of(st.none(), st.just(0.0), st.floats(0.5, 200.0))
gates = st.lists(st.lists(st.tuples(figure, figure), min_size=8, max_size=8), min_size=1, max_size=5)


@given(gates, st.lists(st.booleans(), min_size=8, max_size=8))
def test_no_more_is_taken_out_than_is_there_and_swapped_arms_find_the_same(rows, second):
    """Any figures: the part is of the effect's sign and within it; arms named the other way round have the same."""
    order = common_order([(row, LOWER) for row in rows], second)
    assert abs(order.taken_out) <= abs(order.effect) + 1e-12
    assert order.taken_out * order.effect >= 0
    swapped = common_order([([(b, a) for a, b in row], LOWER) for row in rows], [not last for last in second])
    assert swapped.effect == pytest.approx(order.effect, rel=1e-6, abs=1e-9)
    for row in rows:
        kept = log_ratios(take_out(row, LOWER, second, order), LOWER)
        assert len(kept) == len(log_ratios(row, LOWER))


@given(st.lists(st.tuples(st.floats(0.5, 200.0), st.floats(0.5, 200.0)), min_size=6, max_size=6))
def test_balanced_pairs_keep_their_mean(row):
    """Where each order comes as often, taking it out moves no estimate, only the scatter."""
    order = common_order([(row, LOWER)], SECOND)
    before, after = log_ratios(row, LOWER), log_ratios(take_out(row, LOWER, SECOND, order), LOWER)
    assert after.mean() == pytest.approx(before.mean(), abs=1e-9)
    assert after.var() <= before.var() + 1e-9


@pytest.mark.parametrize("common", [0.0, 0.8])
@pytest.mark.parametrize("count", [5, 8, 12])
def test_where_there_is_no_effect_hardly_a_run_takes_any_out(count, common):
    """The estimate's error counts luck that all gates share: at most one run in ten takes anything out."""
    differences, side = pairs(Machine(common=common), seeded("no order", count, common), 20, DRAWS, 0.04)
    taken_out = order_effect(differences[..., :count], side[:, :count])[1]
    assert (taken_out != 0).mean() <= 0.1 + 3 * standard_error(0.1, DRAWS)


def test_runs_keep_their_level_and_their_table():
    """Taking the order out calls no more false alarms than alpha, and all figures are as documented."""
    measured = measure()
    limit = ALPHA + 3 * standard_error(ALPHA, DRAWS)
    assert not [cell for cell, rates_ in measured.items() if max(rates_) > limit]
    assert not differing(table(measured), golden("pair_runs.txt"), "pair_runs.txt")


@pytest.mark.parametrize(("sd", "machine"), [(0.02, Machine(0.06)), (0.04, Machine(0.06)), (0.04, Machine(0.06, 0.8))])
def test_a_slower_second_server_costs_little_power(sd, machine):
    """Of +7 % among 20 gates nine tenths are called of what is called where the second server is as fast."""
    slower, as_fast = (power(each, 20, sd, 0.07)[0] for each in (machine, replace(machine, slower=0.0)))
    assert slower > 0.9 * as_fast
