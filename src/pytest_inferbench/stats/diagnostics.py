"""Whether accepted sessions look like independent draws around one level: warnings, never verdicts.

Law: a warning is a Note with its figure and what it does to the verdict. Thresholds are at about 1 in 100 false
warnings; a sample too short to tell gives none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import normal_critical, t_critical
from pytest_inferbench.stats.sample import Note, relative

if TYPE_CHECKING:
    from pytest_inferbench.stats.distributions import Floats

_LEVEL = 0.01
_LEAST_SESSIONS = 8
_LEAST_SD = 0.001  # below, the order is that of rounding errors


def lag1(logs: Floats) -> float:
    """Correlation of each session with the one before; NaN without scatter."""
    away = logs - logs.mean()
    power = float((away**2).sum())
    return float((away[1:] * away[:-1]).sum()) / power if power > 0 else math.nan


def drift(logs: Floats) -> tuple[float, float]:
    """Least-squares trend from first to last session, and its t statistic on n - 2 degrees of freedom."""
    n = len(logs)
    at = np.arange(n) - (n - 1) / 2
    slope = float((at * logs).sum() / (at**2).sum())
    rest = logs - logs.mean() - slope * at
    error = math.sqrt(float((rest**2).sum()) / (n - 2) / float((at**2).sum()))
    return slope * (n - 1), slope / error if error > 0 else math.copysign(math.inf, slope)


def history_notes(logs: Floats) -> tuple[Note, ...]:
    """What the order of a segment's sessions (oriented logs, oldest first) says against them; from 8 sessions on."""
    n = len(logs)
    if n < _LEAST_SESSIONS or float(logs.std()) < _LEAST_SD:
        return ()
    trend, t = drift(logs)
    if abs(t) > float(t_critical(_LEVEL / 2, n - 2)):
        way = "worse" if trend > 0 else "better"
        return (
            Note(
                "drift",
                f"the accepted sessions drift: {100 * relative(abs(trend)):.1f} % {way} from the first of {n} to the"
                " last, and the comparison is with their mean",
            ),
        )
    # Independent sessions have E[r] = -1/n, SD about 1/sqrt(n).
    r = lag1(logs)
    if r > -1 / n + float(normal_critical(_LEVEL)) / math.sqrt(n):
        return (
            Note(
                "history_correlated",
                f"successive accepted sessions resemble each other (correlation {r:.2f} over {n}): "
                "false alarms come more often than stated",
            ),
        )
    return ()
