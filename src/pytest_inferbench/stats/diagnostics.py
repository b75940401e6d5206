"""Whether accepted sessions look like independent draws around one level: warnings, never verdicts.

Idea: the gates of a case were measured in the same sessions, so their order is tested once, on all of them together:
one false warning a case, and far more to tell from than a single gate has.
Limits: a warning is a Note with its figure and what it does to the verdict. Thresholds are at about 1 in 100 false
warnings; a sample too short to tell gives none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import normal_critical, t_critical
from pytest_inferbench.stats.sample import Note, relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats

_LEVEL = 0.01
_LEAST_SESSIONS = 8
_LEAST_SD = 0.001  # below, the order is that of rounding errors


def drift(logs: Floats) -> tuple[float, float]:
    """Least-squares trend from first to last session, and its t statistic on n - 2 degrees of freedom."""
    n = len(logs)
    at = np.arange(n) - (n - 1) / 2
    slope = float((at * logs).sum() / (at**2).sum())
    rest = logs - logs.mean() - slope * at
    error = math.sqrt(float((rest**2).sum()) / (n - 2) / float((at**2).sum()))
    return slope * (n - 1), slope / error if error > 0 else math.copysign(math.inf, slope)


def resemblance(logs: Floats) -> tuple[float, float]:
    """Correlation of each session with the one before over all gates (gates, n), and its z score; NaN without scatter.

    The score has the exact mean and variance under all orders of the sessions, so gates may move together as they like.
    """
    away = logs - logs.mean(axis=1, keepdims=True)
    power = (away**2).sum(axis=1, keepdims=True)
    away = away / np.sqrt(np.where(power > 0, power, math.nan))
    n, gram = logs.shape[1], away.T @ away
    total, own = float(np.trace(gram)), float((np.diag(gram) ** 2).sum())
    apart = float((gram**2).sum()) - own
    found = float(np.diag(gram, 1).sum())
    mean = -total / n
    far = (total**2 - 2 * apart - 4 * (own - apart)) / (n * (n - 1) * (n - 2) * (n - 3))
    near = (own - apart) / (n * (n - 1) * (n - 2))
    square = (n - 1) * apart / (n * (n - 1)) + 2 * (n - 2) * near + (n - 2) * (n - 3) * far
    spread = math.sqrt(max(square - mean**2, 0.0))
    return found / total, (found - mean) / spread if spread > 0 else math.nan


def order_notes(gates: Sequence[Floats]) -> tuple[Note, ...]:
    """What the order of a case's sessions says against them; from 8 sessions on.

    Args:
        gates: the oriented logs of each gate's current segment, oldest first; those of as many sessions as the longest
            are looked at.
    """
    longest = max((len(logs) for logs in gates), default=0)
    scattering = [logs for logs in gates if len(logs) == longest >= _LEAST_SESSIONS and float(logs.std()) >= _LEAST_SD]
    if not scattering:
        return ()
    logs = np.stack(scattering)
    together = ((logs - logs.mean(axis=1, keepdims=True)) / logs.std(axis=1, keepdims=True)).mean(axis=0)
    _, t = drift(together)
    if abs(t) > float(t_critical(_LEVEL / 2, longest - 2)):
        trend = float(np.mean([drift(each)[0] for each in logs]))
        way = "worse" if t > 0 else "better"
        return (
            Note(
                "drift",
                f"the accepted sessions drift: {100 * relative(abs(trend)):.1f} % {way} from the first of {longest} to "
                "the last, and the comparison is with their mean",
            ),
        )
    r, z = resemblance(logs)
    if z > float(normal_critical(_LEVEL)):
        return (
            Note(
                "history_correlated",
                f"successive accepted sessions resemble each other (correlation {r:.2f} over {longest}): "
                "false alarms come more often than stated",
            ),
        )
    return ()


def step(logs: Floats) -> tuple[int, float] | None:
    """Where the sessions of a segment step from one level to another, and by how much; None where they do not.

    The place before which the step is, and its oriented size; at least two sessions lie on either side.
    """
    n = len(logs)
    places = range(2, n - 1)
    if n < _LEAST_SESSIONS or float(logs.std()) < _LEAST_SD:
        return None
    found = max(places, key=lambda at: abs(_split(logs, at)[1]))
    size, t = _split(logs, found)
    return (found, size) if abs(t) > float(t_critical(_LEVEL / 2 / len(places), n - 2)) else None


def _split(logs: Floats, at: int) -> tuple[float, float]:
    """The size of a step before a place, and its t statistic."""
    before, after = logs[:at], logs[at:]
    rest = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    size = float(after.mean() - before.mean())
    error = math.sqrt(rest / (len(logs) - 2) * (1 / len(before) + 1 / len(after)))
    return size, size / error if error > 0 else math.copysign(math.inf, size)
