"""The history gate's power, measured on the shipped rule beside the change it says it would see; prints the table.

PYTHONPATH=src:. python tests/stats/power_rates.py > tests/golden/stats/power.txt
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np

from pytest_inferbench.stats.detectable import detectable
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.two_stage import hurdles, is_called
from stats.false_alarm_rates import seeded, spreads
from stats.null_worlds import World, draw

DRAWS = 2000
CHANGES = (0.03, 0.05, 0.10, 0.20)
SAYS = 100  # draws over which the stated detectable change is averaged
WORLD = World("power", share=0.5)


def powers(sd: float, n: int, gates: int, confirmations: int = 1) -> tuple[list[float], float]:
    """(share of a run's gates called at each of CHANGES, median stated detectable change)."""
    rule = Rule(gates=gates, confirmations=confirmations)
    rng = seeded("power", sd, n, gates, confirmations)
    # Equal SDs: the table is of a known noise, the spread between gates is the other tables' matter.
    history, now = draw(replace(WORLD, spread=0), rng, (DRAWS // gates * 2, gates), n, 1 + confirmations, sd)
    location, own, df = spreads(history)
    away = now - location[..., None]
    limits = hurdles(own, df, n, away, rule)
    shares = [float(is_called(away + math.log1p(change), limits).mean()) for change in CHANGES]
    stated = [
        detectable(s, d, n, rule) for s, d in zip(own.ravel()[:SAYS].tolist(), df.ravel()[:SAYS].tolist(), strict=True)
    ]
    return shares, math.expm1(float(np.median(stated)))


def table() -> list[str]:
    rows = [
        "Share called by the history gate, true c .5, as assumed, margin 5 %; and what the rule says it would see.",
        "",
        "   SD   n   m  confirmed   " + "  ".join(f"+{change:.0%}".rjust(5) for change in CHANGES) + "   would see",
    ]
    for sd in (0.014, 0.028, 0.04):
        for gates in (1, 20):
            for n in (1, 3, 8, 20):
                for confirmations in (0, 1, 2):
                    shares, stated = powers(sd, n, gates, confirmations)
                    cells = "  ".join(f"{share:5.2f}" for share in shares)
                    rows.append(f"{sd:5.1%}  {n:2d}  {gates:2d}  {confirmations:9d}   {cells}   {stated:+9.1%}")
    return rows


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
