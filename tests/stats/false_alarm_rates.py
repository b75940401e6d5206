"""The history gate's false-alarm rates, measured on the shipped rule; run as a program it prints the table.

PYTHONPATH=src:. python tests/stats/false_alarm_rates.py > tests/golden/stats/false_alarms.txt
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from benchmarks.perf.proof.worlds import heavy

from pytest_inferbench.stats.days import Plan, plan
from pytest_inferbench.stats.moderation import STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, ASSUMED_SHARED, Kind, Rule
from pytest_inferbench.stats.two_stage import hurdles, is_called
from stats.null_worlds import World, bimodal, draw_heard, skewed

DRAWS = 2000
SESSIONS = (1, 3, 5, 8, 20)
GATES = (1, 20)
SDS = (0.02, 0.04)
ALPHA = 0.05

# (world, ceiling): the nominal level where it is claimed, and a documented ceiling where an assumption is broken.
WORLDS = (
    (World("equal SDs, share 0", spread=0, share=0), ALPHA),
    (World("equal SDs, share .3", spread=0, share=0.3), ALPHA),
    (World("equal SDs, share .6", spread=0, share=0.6), 0.06),
    (World("equal SDs, share 1", spread=0, share=1), 0.12),
    (World("log-normal SDs, share 0", share=0), ALPHA),
    (World("log-normal SDs, share .3"), ALPHA),
    (World("log-normal SDs, share .6", share=0.6), 0.06),
    (World("log-normal SDs, share 1", share=1), 0.12),
    (World("one day moves all gates", common=0.8), ALPHA),
    (World("sessions skewed", noise=skewed), 0.15),
    (World("sessions t3", noise=heavy), 0.09),
    (World("sessions bimodal", noise=bimodal), 0.12),
    (World("session + restart + 5 rounds", rounds=5), ALPHA),
    (World("rounds AR(1) .3", rounds=5, round_correlation=0.3), ALPHA),
    (World("rounds AR(1) .6", rounds=5, round_correlation=0.6), ALPHA),
    (World("3 rounds of SD 10 %", rounds=3, round_sd=0.10), ALPHA),
    (World("3 rounds of SD 40 %", rounds=3, round_sd=0.40), ALPHA),
    (World("days AR(1) .3", day_correlation=0.3), 0.06),
    (World("ties: rounded to 1 %", grid=0.01), ALPHA),
)


@dataclass(frozen=True)
class Cell:
    """One measured rate."""

    world: str
    sd: float
    gates: int
    n: int
    rate: float
    ceiling: float

    @property
    def error(self) -> float:
        """Standard error of the rate."""
        return standard_error(self.rate)

    @property
    def limit(self) -> float:
        """What the rate may come to by chance where the ceiling holds."""
        return self.ceiling + 3 * standard_error(self.ceiling)


def standard_error(rate: float, draws: int = DRAWS) -> float:
    return math.sqrt(rate * (1 - rate) / draws)


def nights(segments: list[int]) -> Plan:
    """A session a night, each of its segment; the last one's is the current."""
    days, level = tuple(range(len(segments))), tuple(each == segments[-1] for each in segments)
    return plan(tuple(segments), days, level, ASSUMED_SHARED, ASSUMED_DOUBT)


def spreads(history: np.ndarray, heard: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Location, moderated SD and its degrees of freedom of every gate, as the shipped gate has them."""
    gates, n = history.shape[-2:]
    made = nights([0] * n)
    others = 1 - np.eye(gates)
    variance = made.variance(history)
    scale, prior_df = fit_priors(variance, np.asarray(made.df), others, STATED_SD[Kind.TYPICAL])
    variance, total = posterior(variance, made.df, np.maximum(scale, heard), prior_df)
    return made.level(history), np.sqrt(variance), total


def regressions(history: np.ndarray, now: np.ndarray, rule: Rule, heard: np.ndarray | float = 0.0) -> np.ndarray:
    """What the shipped rule calls, shape (draws, gates); `heard`: what the rounds say."""
    location, sd, df = spreads(history, heard)
    away = now - location[..., None]
    return is_called(away, hurdles(sd, df, history.shape[-1], away, rule))


def seeded(*labels: object) -> np.random.Generator:
    """A generator that depends on what it is for, not on the order of the cells."""
    return np.random.default_rng(crc32(repr(labels).encode()))


def measure(world: World, ceiling: float) -> list[Cell]:
    """The world's rows."""
    cells = []
    for sd in SDS:
        for gates in GATES:
            for n in SESSIONS:
                rng = seeded(world.name, sd, gates, n)
                history, now, heard = draw_heard(world, rng, (DRAWS, gates), n, 2, sd)
                rate = float(regressions(history, now, Rule(gates=gates), heard).any(axis=-1).mean())
                cells.append(Cell(world.name, sd, gates, n, rate, ceiling))
    return cells


def lines(cells: list[Cell]) -> list[str]:
    """The table's rows of one world: a line for each SD and number of gates."""
    rows = []
    for sd in SDS:
        for gates in GATES:
            row = [cell for cell in cells if (cell.sd, cell.gates) == (sd, gates)]
            figures = "  ".join(f"{cell.rate:.4f} ({cell.error:.4f})" for cell in row)
            rows.append(f"{row[0].world:<29} {sd:4.0%} {gates:3d}  {figures}   {row[-1].ceiling:.2f}")
    return rows


def head() -> list[str]:
    columns = "  ".join(f"n = {n}".ljust(15) for n in SESSIONS)
    return [
        f"Family-wise false alarms, {DRAWS} draws each (SE); one confirmation, c taken as .5, margin 5 %, alpha .05.",
        "",
        f"{'nothing has changed; ...':<29} {'SD':>4} {'m':>3}  {columns}  ceiling",
    ]


if __name__ == "__main__":
    rows = [line for world, ceiling in WORLDS for line in lines(measure(world, ceiling))]
    sys.stdout.write("\n".join([*head(), *rows]) + "\n")
