"""Stories of nights: what is called of a change that comes, goes or stays, and how many nights are red for nothing.

Limits: played on `nightly.Store`; a story changes one case of three gates, and every run of a story is drawn alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from benchmarks.perf.proof.nightly import Store, judge_night
from benchmarks.perf.proof.worlds import GATES_A_CASE

from pytest_inferbench.stats.rule import Rule

_SPREAD, _SHARE = 0.5, 0.5


@dataclass(frozen=True)
class Story:
    """One story.

    Attributes:
        name: as the table shows it.
        first: sessions that are accepted before it begins.
        change: of one case, as a worsening; negative is faster.
        nights: for how many nights; what is faster is back to the old level then.
    """

    name: str
    first: int
    change: float
    nights: int


@dataclass(frozen=True)
class Told:
    """How often it is called.

    Attributes:
        at_once: on the first night on which it is true.
        within_three, within_ten: by then.
    """

    at_once: float
    within_three: float
    within_ten: float


def red_nights(gates: int, sd: float, runs: int, nights: int = 60, *, former: bool = False) -> np.ndarray:
    """Share of runs that are red on each night after the eighth; nothing has changed."""
    called = _played(f"red {gates} {sd}", gates, sd, runs, (8, nights), lambda _: 0.0, former=former)
    return np.asarray(called.any(axis=-1).mean(axis=-1))


def told(story: Story, gates: int, sd: float, runs: int, *, former: bool = False) -> Told:
    """Tell a story: a worsening is called when it comes, an improvement when it is lost.

    Args:
        story: which.
        gates: of each run.
        sd: the median SD of a session.
        runs: how many are drawn.
        former: recorded as it was: whatever is not called joins the level, and nothing waits.
    """
    size = math.copysign(math.log1p(abs(story.change)), story.change)
    lost = story.nights if story.change < 0 else 0
    nights = lost + 10

    def level(night: int) -> float:
        return size if night >= 0 and (story.change > 0 or night < story.nights) else 0.0

    called = _played(story.name, gates, sd, runs, (story.first, nights), level, former=former)
    hits = called[lost:, :, :GATES_A_CASE].any(axis=-1)
    return Told(*(float(hits[:upto].any(axis=0).mean()) for upto in (1, 3, 10)))


def _played(
    name: str,
    gates: int,
    sd: float,
    runs: int,
    nights: tuple[int, int],
    level: Callable[[int], float],
    *,
    former: bool,
) -> np.ndarray:
    """What is called on each night after those that are accepted as they are: (nights, runs, gates)."""
    rng = np.random.default_rng(crc32(name.encode()))
    own = sd * np.exp(_SPREAD * rng.standard_normal((runs, gates)))[..., None]
    rule, k = Rule(gates=gates), 2
    store = Store(runs, np.arange(gates) // GATES_A_CASE, sum(nights))
    called = []
    for night in range(-nights[0], nights[1]):
        day = math.sqrt(_SHARE) * rng.standard_normal((runs, gates, 1))
        sessions = own * (day + math.sqrt(1 - _SHARE) * rng.standard_normal((runs, gates, k)))
        sessions[:, :GATES_A_CASE] += level(night)
        if store.night == 0:
            store.start(sessions[..., 0])
            continue
        found = judge_night(store, sessions, rule)
        none = np.zeros_like(found.regressed)
        if night >= 0:
            called.append(found.regressed)
        if night < 0 or former:
            found = replace(found, opens=none, returns=none, aside=np.zeros_like(found.aside))
        if night < 0:
            found = replace(found, regressed=none)
        store.record(sessions[..., 0], found)
    return np.stack(called)
