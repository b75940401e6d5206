"""Whole runs of pairs, as `judge.pairs.look` judges them, where second servers are slower; prints the table.

PYTHONPATH=src:. python tests/stats/order_rates.py > tests/golden/stats/pair_runs.txt
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from pytest_inferbench.stats.detectable import POWER
from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.moderation import STATED_SD, fit_priors, posterior
from pytest_inferbench.stats.order import order_effect
from pytest_inferbench.stats.paired import pair_hurdle, pair_level, pair_variance
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from stats.false_alarm_rates import seeded, standard_error

DRAWS = 2000
PLAN = Looks(5, 12)
GATES = (3, 20)
IN_A_CASE = 3  # gates of one case do not steady each other
SPREAD = 0.5
ALPHA = 0.05


@dataclass(frozen=True)
class Machine:
    """What pairs are measured on.

    Attributes:
        slower: how much slower the second server of a pair is.
        common: share of a pair's noise that all gates have in common.
    """

    slower: float = 0.0
    common: float = 0.0

    @property
    def name(self) -> str:
        noise = f"{self.common:.0%} of it common" if self.common else "each its own"
        return f"{self.slower:3.0%}  {noise:<17}"


MACHINES = tuple(Machine(slower, common) for slower in (0.0, 0.06) for common in (0.0, 0.8))


def pairs(machine: Machine, rng: np.random.Generator, gates: int, draws: int, sd: float):
    """Oriented log-ratios (draws, gates, pairs), and whether B was the second: +1, else -1; in blocks of two."""
    own = sd * np.exp(SPREAD * rng.standard_normal((draws, gates, 1)))
    noise = math.sqrt(1 - machine.common) * rng.standard_normal((draws, gates, PLAN.most))
    noise += math.sqrt(machine.common) * rng.standard_normal((draws, 1, PLAN.most))
    first = np.where(rng.random((draws, PLAN.most // 2)) < 0.5, 1.0, -1.0)
    side = np.stack([first, -first], axis=-1).reshape(draws, PLAN.most)
    return own * noise + math.log1p(machine.slower) * side[:, None, :], side


def spread(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(SD, degrees of freedom, those of the prior) of every gate, as the paired engine has them."""
    gates, n = differences.shape[-2:]
    case = np.arange(gates) // IN_A_CASE
    own = pair_variance(differences)
    scale, prior_df = np.ones_like(own), np.zeros_like(own)
    if gates > IN_A_CASE:
        others = (case[:, None] != case[None, :]).astype(float)
        scale, prior_df = fit_priors(own, np.asarray(float(n - 1)), others, STATED_SD[Kind.TYPICAL])
    variance, df = posterior(own, n - 1, scale, prior_df)
    return np.sqrt(variance), df, prior_df


def judged(differences: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """(+1 where a gate is called worse and -1 where better, whether it wants another pair) at one look."""
    n = differences.shape[-1]
    sd, df, prior_df = spread(differences)
    hurdle = np.empty_like(sd)
    for whole in np.unique(np.floor(prior_df)):
        some = np.floor(prior_df) == whole
        hurdle[some] = pair_hurdle(sd[some], df[some], n, pair_level(n, rule, PLAN, float(whole)), rule)[0]
    mean, seen = differences.mean(axis=-1), hurdle + t_critical(1 - POWER, df) * sd / math.sqrt(n)
    said = np.where(mean > hurdle, 1, np.where(-mean > hurdle, -1, 0))
    return said, (said == 0) & ((seen > math.log1p(rule.resolve)) | (mean > rule.log_margin))


def played(differences, side, rule: Rule, *, even: bool = True, again: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(whether each gate ends REGRESSED, the pairs that each run took).

    Args:
        differences: from `pairs`.
        side: the same.
        rule: of every gate.
        even: the order's effect is taken out.
        again: a gate that is OK is judged again while the run goes on.
    """
    said = np.zeros(differences.shape[:-1], dtype=int)
    wants = np.ones(said.shape, dtype=bool)
    took = np.full(len(said), PLAN.most)
    runs = np.ones(len(said), dtype=bool)
    for n in range(PLAN.fewest, PLAN.most + 1):
        seen = differences[runs][..., :n]
        if even:
            seen = seen - order_effect(seen, side[runs, :n])[1][:, None, None] * side[runs, None, :n]
        now, more = judged(seen, rule)
        open_ = (said[runs] == 0) if again else wants[runs]
        said[runs], wants[runs] = np.where(open_, now, said[runs]), np.where(open_, more, wants[runs])
        took[runs & ~wants.any(axis=-1)] = n
        runs = runs & wants.any(axis=-1)
        if not runs.any():
            break
    return said == 1, took


def false_alarms(machine: Machine, gates: int, *, even: bool) -> float:
    """Of whole runs, without the margin's help."""
    drawn = pairs(machine, seeded("orders", machine, gates), gates, DRAWS, 0.04)
    return float(played(*drawn, Rule(gates=gates, margin=0.0), even=even)[0].any(axis=-1).mean())


def power(machine: Machine, gates: int, sd: float, change: float, **how: bool) -> tuple[float, float]:
    """(share of gates called, mean pairs of a run) where every gate changed."""
    differences, side = pairs(machine, seeded("order power", machine, gates, sd), gates, DRAWS // gates * 2, sd)
    called, took = played(differences + math.log1p(change), side, Rule(gates=gates), **how)
    return float(called.mean()), float(took.mean())


def judged_on(sd: float, *, again: bool) -> str:
    """A run of 20 gates of which those of one case changed by 7 %, and one in which nothing did."""
    gates, rule = 20, Rule(gates=20)
    differences, side = pairs(Machine(), seeded("judged on", sd), gates, DRAWS, sd)
    alarm = played(differences, side, rule, again=again)[0].any(axis=-1).mean()
    differences[:, :IN_A_CASE] += math.log1p(0.07)
    called, took = played(differences, side, rule, again=again)
    return f"{alarm:.4f} ({standard_error(alarm, DRAWS):.4f})  {called[:, :IN_A_CASE].mean():.2f} ({took.mean():4.1f})"


def measure() -> dict[tuple[Machine, int], tuple[float, float]]:
    """False alarms with the order's effect left in and taken out."""
    cells = [(machine, gates) for machine in MACHINES for gates in GATES]
    return {
        (machine, gates): tuple(false_alarms(machine, gates, even=e) for e in (False, True)) for machine, gates in cells
    }


def table(measured: dict[tuple[Machine, int], tuple[float, float]]) -> list[str]:
    """The false alarms as measured, and the power."""
    rows = [
        f"Runs of 5 to 12 pairs, {DRAWS} draws each (SE); log-normal SDs, 3 gates a case, alpha .05.",
        "The second server of a pair is slower: that left in, and taken out as far as it is sure.",
        "",
        "False alarms at SD 4 %, without the margin:",
        "",
        "slower  noise of gates      m  left in          taken out",
    ]
    for (machine, gates), rates in measured.items():
        cells = "  ".join(f"{rate:.4f} ({standard_error(rate, DRAWS):.4f})" for rate in rates)
        rows.append(f"   {machine.name}  {gates:2d}  {cells}")
    rows += ["", "Gates called of those that changed by 7 %, margin 5 %, and mean pairs taken:", ""]
    rows += ["  SD  slower  noise of gates      m  left in      taken out"]
    for sd in (0.02, 0.04):
        for machine in MACHINES:
            for gates in GATES:
                cells = "  ".join(
                    "{:.2f} ({:4.1f})".format(*power(machine, gates, sd, 0.07, even=e)) for e in (False, True)
                )
                rows.append(f"{sd:4.0%}     {machine.name}  {gates:2d}  {cells}")
    rows += ["", "A gate that is OK is judged again while others want pairs; 20 gates, margin 5 %:", ""]
    rows += ["  SD            false alarms     one case of +7 % called, pairs"]
    for sd in (0.02, 0.04):
        rows += [
            f"{sd:4.0%}  {name}  {judged_on(sd, again=again)}"
            for name, again in (("stays OK", False), ("is again", True))
        ]
    return rows


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(measure())) + "\n")
