"""The paired engine's false alarms and what looking costs, measured on the shipped rule; prints the table.

PYTHONPATH=src:. python tests/stats/pair_rates.py > tests/golden/stats/pairs.txt
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.perf.proof.worlds import heavy

from pytest_inferbench.stats.moderation import STATED_DF, STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.paired import pair_hurdle, pair_level, pair_variance
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from stats.false_alarm_rates import seeded, standard_error
from stats.null_worlds import normal, skewed

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWS = 2000
PLANS = (Looks(5, 5), Looks(5, 8), Looks(5, 12), Looks(12, 12))
SD = 0.04  # of one pair's log-ratio
NO_MARGIN = 0.0  # the level is claimed without the margin's help


class Steadied(StrEnum):
    """What a gate's spread is steadied with."""

    NOTHING = "nothing"
    TRUTH = "truth"  # a prior that is true: SDs are drawn from it
    OTHERS = "others"  # the other gates' pairs; SDs are log-normal, which no prior here is


@dataclass(frozen=True)
class Noise:
    """Where pairs come from."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    by: Steadied = Steadied.NOTHING
    spread: float = 0.0
    ceiling: float = 0.05


def difference(draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]):
    """One arm's noise less the other's: what pairing makes of any distribution, symmetric about 0."""
    return lambda rng, shape: (draw(rng, shape) - draw(rng, shape)) / math.sqrt(2)


NOISES = (
    Noise("normal", normal),
    Noise("t3 in each arm", difference(heavy)),
    Noise("skewed in each arm", difference(skewed)),
    Noise("true prior", normal, Steadied.TRUTH),
    Noise("pooled, equal SDs", normal, Steadied.OTHERS),
    Noise("pooled, log-normal", normal, Steadied.OTHERS, spread=0.5, ceiling=0.06),
)


def pairs(noise: Noise, rng: np.random.Generator, shape: tuple[int, ...], sd: float = SD) -> np.ndarray:
    """Log-ratios (..., pairs); under a true prior each gate has its own SD drawn from it."""
    gate = (*shape[:-1], 1)
    scale = sd * np.exp(noise.spread * rng.standard_normal(gate))
    if noise.by is Steadied.TRUTH:
        scale *= np.sqrt(STATED_DF / rng.chisquare(STATED_DF, gate))
    return scale * noise.draw(rng, shape)


def prior(by: Steadied, variance: np.ndarray, df: int) -> tuple[np.ndarray, np.ndarray]:
    """Prior (variance, degrees of freedom) of every gate."""
    if by is Steadied.OTHERS:
        gates = variance.shape[-1]
        return fit_priors(variance, np.asarray(float(df)), 1 - np.eye(gates), STATED_SD[Kind.TYPICAL])
    return np.full(variance.shape, SD**2), np.full(variance.shape, STATED_DF if by is Steadied.TRUTH else 0.0)


def ends(differences: np.ndarray, rule: Rule, looks: Looks, by: Steadied) -> tuple[np.ndarray, np.ndarray]:
    """(whether each gate is called a regression at any look, the pairs it took), shape (draws, gates)."""
    called = np.zeros(differences.shape[:-1], dtype=bool)
    took = np.full(differences.shape[:-1], looks.most)
    for n in range(looks.fewest, looks.most + 1):
        seen = differences[..., :n]
        own = pair_variance(seen)
        scale, prior_df = prior(by, own, n - 1)
        variance, df = posterior(own, n - 1, scale, prior_df)
        hurdle = np.empty_like(variance)
        for whole in np.unique(np.floor(prior_df)):
            some = np.floor(prior_df) == whole
            level = pair_level(n, rule, looks, float(whole))
            hurdle[some] = pair_hurdle(np.sqrt(variance[some]), df[some], n, level, rule)[0]
        crossed = ~called & (seen.mean(axis=-1) > hurdle)
        took[crossed] = n
        called |= crossed
    return called, took


def false_alarms(noise: Noise, looks: Looks, gates: int) -> float:
    rng = seeded("pairs", noise.name, looks, gates)
    differences = pairs(noise, rng, (DRAWS, gates, looks.most))
    called, _ = ends(differences, Rule(gates=gates, margin=NO_MARGIN), looks, noise.by)
    return float(called.any(axis=-1).mean())


def power(by: Steadied, looks: Looks, gates: int, change: float, sd: float) -> tuple[float, float]:
    """(share called, mean pairs taken) of a true change of every gate, log-normal SDs, margin 5 %."""
    rng = seeded("pair power", looks, gates, change, sd)
    noise = Noise("power", normal, spread=0.5)
    differences = pairs(noise, rng, (DRAWS // gates, gates, looks.most), sd) + math.log1p(change)
    called, took = ends(differences, Rule(gates=gates), looks, by)
    return float(called.mean()), float(took.mean())


def measure() -> dict[tuple[Noise, int], list[float]]:
    """Family-wise false-alarm rates by noise and number of gates, one for each plan."""
    return {
        (noise, gates): [false_alarms(noise, plan, gates) for plan in PLANS]
        for noise in NOISES
        for gates in ((4, 20) if noise.by is Steadied.OTHERS else (1, 20))
    }


def table(measured: dict[tuple[Noise, int], list[float]]) -> list[str]:
    """The false alarms as measured, and the power of every plan."""
    plans = [f"{plan.fewest} to {plan.most}" for plan in PLANS]
    rows = [
        f"Family-wise false alarms of pairs, {DRAWS} draws each (SE); alpha .05, no margin.",
        "",
        f"{'noise':<20}  m  " + "  ".join(name.ljust(15) for name in plans),
    ]
    for (noise, gates), rates in measured.items():
        cells = "  ".join(f"{rate:.4f} ({standard_error(rate, DRAWS):.4f})" for rate in rates)
        rows.append(f"{noise.name:<20} {gates:2d}  {cells}")
    rows += [
        "",
        "Called, and mean pairs taken; margin 5 %, median SD of a pair's log-ratio as given, log-normal between gates.",
        "",
        "  SD  m  spread  change  " + "  ".join(name.ljust(10) for name in plans),
    ]
    for sd in (0.02, 0.04):
        for gates, by, spread in (
            (1, Steadied.NOTHING, "own"),
            (20, Steadied.NOTHING, "own"),
            (20, Steadied.OTHERS, "pooled"),
        ):
            for change in (0.07, 0.10, 0.20):
                cells = "  ".join("{:.2f} ({:4.1f})".format(*power(by, plan, gates, change, sd)) for plan in PLANS)
                rows.append(f"{sd:4.0%} {gates:2d}  {spread:<6}  {change:4.0%}   {cells}")
    return rows


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(measure())) + "\n")
