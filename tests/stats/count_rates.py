"""The false alarms of a gate on the error rate, measured on the shipped rule; run as a program it prints the table.

PYTHONPATH=src:. python tests/stats/count_rates.py > tests/golden/stats/counts.txt
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy import special

from pytest_inferbench.stats.count_power import detectable_rate
from pytest_inferbench.stats.count_test import PastCounts, counts_called, summarise_counts
from pytest_inferbench.stats.rule import Rule
from stats.false_alarm_rates import ALPHA, seeded

DRAWS = 2000
SESSIONS = (1, 3, 8, 20)
GATES = (1, 20)
REQUESTS = 200
MEAN = 0.02
STEP = 0.01


@dataclass(frozen=True)
class Clumps:
    """How the error rate of sessions scatters when nothing has changed: a beta distribution of a mean of 2 %.

    Attributes:
        correlation: of two requests of one session.
        share: the share of that scatter that sessions of one day have in common.
        ceiling: what the family-wise rate of false alarms is held to.
    """

    correlation: float
    share: float
    ceiling: float = ALPHA

    @property
    def factor(self) -> float:
        """The overdispersion of a session."""
        return 1 + (REQUESTS - 1) * self.correlation


WORLDS = (
    Clumps(0.0, 0.0),
    Clumps(0.005, 0.3),
    Clumps(0.01, 0.3),
    Clumps(0.01, 0.6),
    Clumps(0.02, 0.3, 0.08),
    Clumps(0.02, 0.6, 0.13),
)


@dataclass(frozen=True)
class Cell:
    """One measured rate."""

    gates: int
    n: int
    rate: float
    ceiling: float

    @property
    def error(self) -> float:
        return math.sqrt(self.rate * (1 - self.rate) / draws_of(self.gates))

    @property
    def limit(self) -> float:
        """What the rate may come to by chance where the ceiling holds."""
        return self.ceiling + 3 * math.sqrt(self.ceiling * (1 - self.ceiling) / draws_of(self.gates))


def draws_of(gates: int) -> int:
    return DRAWS if gates == 1 else DRAWS // 2


def draw_counts(
    world: Clumps, rng: np.random.Generator, shape: tuple[int, int], n: int, k: int, mean: float = MEAN
) -> tuple[np.ndarray, np.ndarray]:
    """Events of n accepted sessions and of k sessions of one later day, shape (draws, gates, sessions)."""
    days, servers = rng.standard_normal((*shape, n + 1)), rng.standard_normal((*shape, n + k))
    day = np.concatenate([days, np.repeat(days[..., -1:], k - 1, axis=-1)], axis=-1)
    at = special.ndtr(math.sqrt(world.share) * day + math.sqrt(1 - world.share) * servers)
    if world.correlation and mean:
        size = 1 / world.correlation - 1
        rates = special.betaincinv(mean * size, (1 - mean) * size, at)
    else:
        rates = np.full(at.shape, mean)
    events = rng.binomial(REQUESTS, rates).astype(float)
    return events[..., :n], events[..., n:]


def past_of(history: np.ndarray) -> PastCounts:
    return summarise_counts(history, np.full(history.shape, float(REQUESTS)), [1] * history.shape[-1])


def measure(world: Clumps) -> list[Cell]:
    """The world's rows."""
    cells = []
    for gates in GATES:
        for n in SESSIONS:
            rng = seeded("counts", world.correlation, world.share, gates, n)
            history, now = draw_counts(world, rng, (draws_of(gates), gates), n, 2)
            called = counts_called(now, np.full(now.shape, float(REQUESTS)), past_of(history), Rule(gates=gates), STEP)
            cells.append(Cell(gates, n, float(called.any(axis=-1).mean()), world.ceiling))
    return cells


def power(gates: int, before: float) -> float:
    """The share of days with the stated overdispersion that are called, at the rate that would have been seen."""
    rng, rule = seeded("count power", gates, before), Rule(gates=gates)
    history = np.full((1, 1, 8), before * REQUESTS)
    past = past_of(history)
    one = PastCounts(*(float(np.squeeze(x)) for x in (past.events, past.trials, past.factor, past.df)))
    seen = detectable_rate(REQUESTS, one, rule, STEP)
    world = Clumps((one.factor - 1) / (REQUESTS - 1), rule.shared)
    _, now = draw_counts(world, rng, (DRAWS, 1), 8, 2, seen)
    called = counts_called(now, np.full(now.shape, float(REQUESTS)), past, rule, STEP)
    return float(called.mean())


def lines(world: Clumps, cells: list[Cell]) -> list[str]:
    """The table's rows of one world, a line for each number of gates."""
    rows = []
    for gates in GATES:
        figures = "  ".join(f"{cell.rate:.4f} ({cell.error:.4f})" for cell in cells if cell.gates == gates)
        name = f"{world.correlation:<11} {world.factor:9.1f} {world.share:8.0%}"
        rows.append(f"{name} {gates:3d}  {figures}   {world.ceiling:.2f}")
    return rows


def head() -> list[str]:
    columns = "  ".join(f"n = {n}".ljust(15) for n in SESSIONS)
    return [
        f"Family-wise false alarms (SE) of gates on the error rate: {MEAN:.0%} of {REQUESTS} requests, beta-binomial,",
        "one confirmation, c taken as .5, alpha .05; every gate of the run is one on an error rate.",
        "",
        f"{'correlation':<11} {'variance':>9} {'of a day':>8} {'m':>3}  {columns}  ceiling",
    ]


if __name__ == "__main__":
    rows = [line for world in WORLDS for line in lines(world, measure(world))]
    sys.stdout.write("\n".join([*head(), *rows]) + "\n")
