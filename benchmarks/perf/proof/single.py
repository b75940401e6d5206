"""What single parts of the rule bring, before -> now: the family, the notes, the share of a day, the tails.

Limits: each is a function that yields lines; draws are seeded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.perf.proof.rates import shipped
from benchmarks.perf.proof.worlds import autoregressive, sessions

from pytest_inferbench.stats.diagnostics import order_notes
from pytest_inferbench.stats.moderation import STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.site import drawn_share
from pytest_inferbench.stats.two_stage import hurdles, is_called

PAIRS = 12


def family(part: int) -> Iterator[str]:
    """Twenty jobs of one case each: alpha by job, and by the suite's 60 gates."""
    for gates in (3, 60):
        drawn = sessions(np.random.default_rng(8), 20000 // part, 3, 8, 2, 0.028)
        alarms = float(shipped(drawn, Rule(gates=gates))(0.0).any(axis=-1).mean())
        yield f"20 jobs of one case, alpha shared by {gates} gates: {1 - (1 - alarms) ** 20:.2f} of nights are red"


def notes(part: int) -> Iterator[str]:
    """Notes on the order of 20 sessions, 7 cases of 3 gates: tested gate by gate, and once a case."""
    rng, runs = np.random.default_rng(13), 400 // part
    for name, correlation in (("independent", 0.0), ("AR(1) .5", 0.5)):
        cases = 0.02 * autoregressive(rng.standard_normal((runs, 7, 3, 20)), correlation)
        each = [[bool(order_notes([gate])) for case in run for gate in case] for run in cases]
        once = [[bool(order_notes(list(case))) for case in run] for run in cases]
        was, now = (float(np.asarray(found).any(axis=1).mean()) for found in (each, once))
        yield (
            f"{name} nights, a note on their order: {was:.2f} -> {now:.2f} of runs, "
            f"{np.mean(each):.2f} of gates -> {np.mean(once):.2f} of cases"
        )


def share(part: int) -> Iterator[str]:
    """C from an A/A run of 12 pairs: from each gate alone, and from all 21 together; SD 2.8 %, 8 sessions."""
    rng, gates = np.random.default_rng(9), 21
    for true in (0.8, 0.2):
        drawn = sessions(rng, 2000 // part, gates, 8, 2, 0.028, share=true)
        own = drawn.history.var(axis=-1, ddof=1)
        restart = own * (1 - true) * rng.chisquare(PAIRS, own.shape) / PAIRS
        alone = drawn_share(restart[..., None], PAIRS, own[..., None], 7)[0]
        pooled = drawn_share(restart, PAIRS, own, 7)[0][:, None]
        rows = []
        for c in (alone, pooled):
            scale, prior_df = fit_priors(own, np.asarray(7.0), 1 - np.eye(gates), STATED_SD[Kind.TYPICAL])
            variance, df = posterior(own, 7.0, scale, prior_df)
            away = drawn.now - drawn.history.mean(axis=-1)[..., None]
            shared: Any = c  # of each gate; the rule's functions are elementwise
            limits = hurdles(np.sqrt(variance), df, 8, away, replace(Rule(gates=gates), shared=shared))
            alarms = is_called(away, limits).any(axis=-1).mean()
            rows.append((alarms, is_called(away + math.log1p(0.1), limits).mean()))
        (was, few), (now, more) = rows
        yield f"true share {true}: c of each gate -> all: alarms {was:.3f} -> {now:.3f}, +10 % {few:.2f} -> {more:.2f}"


def tails(part: int) -> Iterator[str]:
    """The p95 of 5 rounds of 100 log-normal(.5) requests: the median of the rounds' own, and that of all requests."""
    figures = np.exp(0.5 * np.random.default_rng(15).standard_normal((8000 // part, 5, 100)))
    median = np.median(np.percentile(figures, 95, axis=2), axis=1)
    whole = np.percentile(figures.reshape(len(figures), -1), 95, axis=1)
    yield f"p95 of 5 x 100 requests: SD {np.log(median).std():.1%} -> {np.log(whole).std():.1%}"
