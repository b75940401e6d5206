"""The history gate calls no more false alarms than it says, in every world of the table."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_inferbench.stats.moderation import fit_priors, posterior
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.two_stage import hurdles, is_called, passes_screen
from stats.false_alarm_rates import (
    ALPHA,
    DRAWS,
    SDS,
    SESSIONS,
    WORLDS,
    head,
    lines,
    measure,
    nights,
    regressions,
    seeded,
    spreads,
    standard_error,
)
from stats.golden_table import differing, golden
from stats.null_worlds import World, draw

WORLD = World("log-normal SDs, share .3")
LIMIT = ALPHA + 3 * standard_error(ALPHA)


@pytest.mark.parametrize(
    ("number", "world", "ceiling"), [(i, w, c) for i, (w, c) in enumerate(WORLDS)], ids=[w.name for w, _ in WORLDS]
)
def test_false_alarms_stay_below_the_ceiling_and_in_the_table(number, world, ceiling):
    """Family-wise false alarms are within 3 SE of the level or ceiling, and as the golden table has them."""
    cells = measure(world, ceiling)
    over = [cell for cell in cells if cell.rate > cell.limit]
    assert not over
    rows = lines(cells)
    start = len(head()) + number * len(rows)
    assert not differing(rows, golden("false_alarms.txt")[start : start + len(rows)], f"false_alarms.{number}.txt")


def test_the_table_has_every_world_and_says_what_it_is():
    """The golden table is the head and four lines for each world, nothing else."""
    table = golden("false_alarms.txt")
    assert table[: len(head())] == head()
    assert len(table) == len(head()) + 4 * len(WORLDS)


@pytest.mark.parametrize("n", SESSIONS)
def test_a_new_segment_keeps_its_level_with_the_old_one_s_spread(n):
    """Sessions after an accepted upgrade of 30 % are judged at the level with the spread of 8 sessions before it."""
    rng = seeded("segments", n)
    history, now = draw(WORLD, rng, (DRAWS, 20), 8 + n, 2, 0.04)
    history[..., :8] -= 0.3
    made = nights([0] * 8 + [1] * n)
    scale, prior_df = fit_priors(made.variance(history), np.asarray(made.df), 1 - np.eye(20), 0.03)
    variance, total = posterior(made.variance(history), made.df, scale, prior_df)
    rule = Rule(gates=20)
    away = now - made.level(history)[..., None]
    alarms = is_called(away, hurdles(np.sqrt(variance), total, n, away, rule))
    assert (made.n, made.df) == (pytest.approx(n), 7 + n - 1)
    assert alarms.any(axis=-1).mean() <= LIMIT


def test_new_cases_among_established_ones_keep_the_level():
    """Twenty cases with one session each, their spread taken from twenty with 20 sessions, are judged at the level."""
    rng = seeded("new cases")
    old, _ = draw(WORLD, rng, (DRAWS, 20), 20, 1, 0.04)
    new, now = draw(WORLD, rng, (DRAWS, 20), 1, 2, 0.04)
    variance = np.concatenate([old.var(axis=-1, ddof=1), np.zeros((DRAWS, 20))], axis=-1)
    scale, prior_df = fit_priors(variance, np.repeat([19.0, 0.0], 20), 1 - np.eye(40), 0.03)
    rule = Rule(gates=20)
    limits = hurdles(np.sqrt(scale[:, 20:]), prior_df[:, 20:], 1, now - new, rule)
    rate = is_called(now - new, limits).any(axis=-1).mean()
    assert 0.005 < rate <= LIMIT


@pytest.mark.parametrize("gates", [2, 4])
def test_a_small_pool_keeps_the_level(gates):
    """With one or three other gates to pool, false alarms stay below .06: the level and the price of a wrong prior."""
    for n in SESSIONS[1:]:
        rng = seeded("small pool", gates, n)
        history, now = draw(WORLD, rng, (DRAWS, gates), n, 2, 0.04)
        rate = regressions(history, now, Rule(gates=gates)).any(axis=-1).mean()
        assert rate <= 0.06 + 3 * standard_error(0.06)


@pytest.mark.parametrize("gates", [1, 20])
def test_a_history_that_kept_only_what_passed_keeps_the_level(gates):
    """A history grown by the rule itself, never taking in what it called, does not feed on its own selection."""
    rng = seeded("grown", gates)
    sessions, now = draw(WORLD, rng, (DRAWS, gates), 20, 2, 0.04)
    rule = Rule(gates=gates)
    kept = sessions[..., :5].copy()
    for at in range(5, 20):
        fresh = sessions[..., at : at + 1]
        alarms = regressions(kept, fresh, rule)[..., None]
        # A called session is left out: the gate's next one takes its place, here its own mean.
        kept = np.concatenate([kept, np.where(alarms, kept.mean(axis=-1, keepdims=True), fresh)], axis=-1)
    assert regressions(kept, now, rule).any(axis=-1).mean() <= LIMIT


@pytest.mark.parametrize("sd", SDS)
def test_screening_leans_to_neither_side(sd):
    """At stage 1, under no change, regressions and improvements come equally often."""
    rng = seeded("screening", sd)
    history, now = draw(WORLD, rng, (DRAWS, 20), 8, 1, sd)
    location, own, df = spreads(history)
    away = now - location[..., None]
    limits = hurdles(own, df, 8, away, Rule(gates=20))
    worse, better = int(passes_screen(away, limits).sum()), int(passes_screen(-away, limits).sum())
    # Within 4 SD of a fair split of all that screened.
    assert worse + better > 400
    assert abs(worse - better) <= 4 * np.sqrt(worse + better)


def test_confirmations_of_two_keep_the_level():
    """With two confirmations the mean of three sessions is judged at the same level."""
    for n in SESSIONS:
        rng = seeded("two confirmations", n)
        history, now = draw(WORLD, rng, (DRAWS, 20), n, 3, 0.04)
        assert regressions(history, now, Rule(gates=20, confirmations=2)).any(axis=-1).mean() <= LIMIT


def test_no_confirmation_keeps_the_level():
    """A server we do not own is judged on one session at alpha / m, at the same level."""
    for n in SESSIONS:
        rng = seeded("no confirmation", n)
        history, now = draw(WORLD, rng, (DRAWS, 20), n, 1, 0.04)
        assert regressions(history, now, Rule(gates=20, confirmations=0)).any(axis=-1).mean() <= LIMIT
