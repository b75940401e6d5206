"""Judging by requests or rounds must fail here, or the harness could not tell a good rule from a bad one."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from pytest_inferbench.stats.distributions import t_tail
from stats.false_alarm_rates import ALPHA, seeded, standard_error

DRAWS = 400
SESSION_SD, RESTART_SD, ROUND_SD, REQUEST_SD = 0.04, 0.02, 0.01, 0.15
ROUNDS, REQUESTS, RESTARTS, SESSIONS = 5, 40, 5, 8
MUST_FAIL = 0.10


def requests(rng: np.random.Generator, servers: int) -> np.ndarray:
    """Oriented logs (draws, servers, rounds, requests): one session a server."""
    shape = (DRAWS, servers)
    level = SESSION_SD * rng.standard_normal(shape) + RESTART_SD * rng.standard_normal(shape)
    rounds = level[..., None] + ROUND_SD * rng.standard_normal((*shape, ROUNDS))
    return rounds[..., None] + REQUEST_SD * rng.standard_normal((*shape, ROUNDS, REQUESTS))


def mann_whitney_p(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """One-sided p-values of `new` being larger, normal approximation, rows are experiments."""
    both = np.concatenate([old, new], axis=-1)
    ranks = both.argsort(axis=-1).argsort(axis=-1) + 1
    n, m = old.shape[-1], new.shape[-1]
    u = ranks[..., n:].sum(axis=-1) - m * (m + 1) / 2
    return ndtr((n * m / 2 - u) / np.sqrt(n * m * (n + m + 1) / 12))


def welch_p(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """One-sided p-values of `new` being larger, rows are experiments."""
    a, b = (part.var(axis=-1, ddof=1) / part.shape[-1] for part in (old, new))
    df = (a + b) ** 2 / (a**2 / (old.shape[-1] - 1) + b**2 / (new.shape[-1] - 1))
    return t_tail((new.mean(axis=-1) - old.mean(axis=-1)) / np.sqrt(a + b), df)


def rate(p: np.ndarray) -> float:
    return float((p < ALPHA).mean())


def test_pooled_requests_fail():
    """A Mann-Whitney test over pooled requests of two unchanged sessions calls far more than it says."""
    figures = requests(seeded("mann-whitney"), 2).reshape(DRAWS, 2, -1)
    assert rate(mann_whitney_p(figures[:, 0], figures[:, 1])) > MUST_FAIL


def test_rounds_of_one_server_fail():
    """Welch's test over the rounds of two unchanged servers calls far more than it says."""
    rounds = np.median(requests(seeded("welch"), 2), axis=-1)
    assert rate(welch_p(rounds[:, 0], rounds[:, 1])) > MUST_FAIL


def test_restarts_against_one_stored_session_fail():
    """Restarts of one day as the sample against one stored session miss what days do."""
    rng = seeded("restarts")
    days = SESSION_SD * rng.standard_normal((DRAWS, 2, 1))
    restarts = days + RESTART_SD * rng.standard_normal((DRAWS, 2, RESTARTS))
    assert rate(welch_p(restarts[:, 0], restarts[:, 1])) > MUST_FAIL


def test_an_interval_over_sessions_passes():
    """The same world judged by one figure a session and Student's prediction interval keeps its level."""
    sessions = np.median(requests(seeded("prediction"), SESSIONS + 1).reshape(DRAWS, SESSIONS + 1, -1), axis=-1)
    old, new = sessions[:, :-1], sessions[:, -1]
    t = (new - old.mean(axis=-1)) / (old.std(axis=-1, ddof=1) * np.sqrt(1 + 1 / SESSIONS))
    assert rate(t_tail(t, SESSIONS - 1)) <= ALPHA + 3 * standard_error(ALPHA, DRAWS)


def test_interleaved_pairs_pass():
    """The same restarts in pairs of one day keep their level: the day cancels."""
    rng = seeded("paired")
    difference = RESTART_SD * np.sqrt(2) * rng.standard_normal((DRAWS, RESTARTS))
    t = difference.mean(axis=-1) / (difference.std(axis=-1, ddof=1) / np.sqrt(RESTARTS))
    assert rate(t_tail(t, RESTARTS - 1)) <= ALPHA + 3 * standard_error(ALPHA, DRAWS)
