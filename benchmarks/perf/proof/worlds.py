"""Worlds in which nothing has changed: how session figures come about, drawn by the thousand.

Limits: a world is data and one function; a draw depends on its generator alone. Figures are oriented logs, three gates
a case (a time to the first token, a time per token, a rate, if they differ at all).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

from pytest_inferbench.stats.rule import Kind, Rule

GATES_A_CASE = 3

Array: TypeAlias = np.ndarray
Noise: TypeAlias = Callable[[Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Draw:
    """What is drawn.

    Attributes:
        history: accepted sessions, (runs, gates, n), oldest first.
        now: sessions of one later day, (runs, gates, k).
        days: the day of each accepted session.
        rounds: the rounds' logs of all of those sessions, (runs, gates, n + k, rounds); None where sessions are drawn.
        rounded: whether the figures are whole numbers.
        machine: the parts of today's machine, where it is another one than the history's.
        gates_a_case: how many gates each case has; those of one case do not inform each other.
    """

    history: Array
    now: Array
    days: tuple[int, ...]
    rounds: Array | None = None
    rounded: bool = False
    machine: Mapping[str, str] | None = None
    gates_a_case: int = GATES_A_CASE


@dataclass(frozen=True)
class World:
    """One world.

    Attributes:
        name: as the table shows it.
        sd: median SD of a session.
        make: (generator, runs, gates, n, k, sd) -> what is drawn.
        rule: the gates' kind, margin and resolve.
        confirmations: sessions on a fresh server.
        exempt: what docs/verdicts.md calls it where its false alarms exceed the ceiling; "" where they do not.
    """

    name: str
    sd: float
    make: Callable[[Generator, int, int, int, int, float], Draw]
    rule: Rule = field(default_factory=Rule)
    confirmations: int = 1
    exempt: str = ""

    def draw(self, rng: Generator, runs: int, gates: int, n: int) -> Draw:
        """Draw histories of n sessions, and one later day."""
        return self.make(rng, runs, gates, n, 1 + self.confirmations, self.sd)


def normal(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Bell-shaped, unit variance."""
    return rng.standard_normal(shape)


def heavy(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Student's t with 3 degrees of freedom, unit variance."""
    return rng.standard_t(3, shape) / math.sqrt(3)


def long_tailed(rng: Generator, shape: tuple[int, ...]) -> Array:
    """A log-normal(.8) tail towards worse, unit variance."""
    raw = np.exp(0.8 * rng.standard_normal(shape))
    return (raw - math.exp(0.32)) / math.sqrt(math.exp(0.64) * (math.exp(0.64) - 1))


def autoregressive(innovations: Array, correlation: float) -> Array:
    """A stationary series of unit variance along the last axis, from independent innovations."""
    series = np.empty_like(innovations)
    series[..., 0] = innovations[..., 0]
    for at in range(1, innovations.shape[-1]):
        series[..., at] = correlation * series[..., at - 1] + math.sqrt(1 - correlation**2) * innovations[..., at]
    return series


def sessions(
    rng: Generator,
    runs: int,
    gates: int,
    n: int,
    k: int,
    sd: float,
    *,
    spread: float = 0.5,
    share: float = 0.5,
    correlated: float = 0.0,
    common: float = 0.0,
    noise: Noise = normal,
    by_metric: tuple[float, ...] = (),
    days: tuple[int, ...] | None = None,
) -> Draw:
    """A level, a day's part (`share` of the variance) and a server's own; SDs log-normal between gates.

    Args:
        rng: what it depends on.
        runs: how many are drawn.
        gates: of each run, three a case.
        n: accepted sessions.
        k: sessions of today.
        sd: the median SD of a session.
        spread: SD of log(SD) between gates.
        share: c.
        correlated: lag-1 correlation of successive days.
        common: share of both parts that all gates have in common.
        noise: of either part.
        by_metric: SDs of the three gates of a case instead.
        days: the day of each accepted session; None: each has its own.
    """
    own = sd * np.exp(spread * rng.standard_normal((runs, gates)))
    if by_metric:
        own = np.broadcast_to(np.asarray(by_metric)[np.arange(gates) % len(by_metric)], (runs, gates))
    numbers = tuple(range(n)) if days is None else days[:n]
    luck = noise(rng, (runs, gates, max(numbers) + 2))
    servers = noise(rng, (runs, gates, n + k))
    if common:
        luck = math.sqrt(common) * noise(rng, (runs, 1, luck.shape[-1])) + math.sqrt(1 - common) * luck
        servers = math.sqrt(common) * noise(rng, (runs, 1, n + k)) + math.sqrt(1 - common) * servers
    if correlated:
        luck = autoregressive(luck, correlated)
    day = luck[..., [*numbers, *([max(numbers) + 1] * k)]]
    figures = own[..., None] * (math.sqrt(share) * day + math.sqrt(1 - share) * servers)
    return Draw(figures[..., :n], figures[..., n:], numbers)


def busy(
    rng: Generator,
    runs: int,
    gates: int,
    n: int,
    k: int,
    sd: float,
    *,
    chance: float,
    stays: float,
    slower: float = 0.08,
    everywhere: bool = True,
) -> Draw:
    """A host that is busy on some days, and on a day's fresh server still with the chance `stays`."""
    made = sessions(rng, runs, gates, n, k, sd, share=0.3)
    shape = (runs, 1 if everywhere else gates)
    then = rng.random((*shape, n)) < chance
    moods = [rng.random(shape) < chance]
    for _ in range(k - 1):
        moods.append(np.where(rng.random(shape) < stays, moods[-1], rng.random(shape) < chance))
    extra = math.log1p(slower)
    return replace(made, history=made.history + extra * then, now=made.now + extra * np.stack(moods, -1))


def loud_rounds(
    rng: Generator, runs: int, gates: int, n: int, k: int, sd: float, *, round_sd: float, correlated: float
) -> Draw:
    """Sessions of five right-skewed rounds that resemble each other."""
    made = sessions(rng, runs, gates, n, k, sd, share=0.3)
    each = np.exp(0.5 * autoregressive(rng.standard_normal((runs, gates, n + k, 5)), correlated))
    each = (each - each.mean()) / each.std() * round_sd
    middle = np.median(each, axis=-1)
    return replace(made, history=made.history + middle[..., :n], now=made.now + middle[..., n:], rounds=each)


def whole_numbers(rng: Generator, runs: int, gates: int, n: int, k: int, sd: float, *, low: float, high: float) -> Draw:
    """Figures that are counted: whole numbers around a level between `low` and `high`."""
    made = sessions(rng, runs, gates, n, k, sd)
    level = rng.uniform(low, high, (runs, gates, 1))

    def counted(logs: Array) -> Array:
        return np.log(np.maximum(np.round(level * np.exp(logs)), 1))

    return replace(made, history=counted(made.history), now=counted(made.now), rounded=True)


def tail(
    rng: Generator,
    runs: int,
    gates: int,
    n: int,
    k: int,
    sd: float,
    *,
    quantile: float,
    requests: int,
    pareto: bool = False,
) -> Draw:
    """A tail over five rounds of so many log-normal(.5) requests (or Pareto(3) ones)."""
    made = sessions(rng, runs, gates, n, k, sd, spread=0.3)
    at = quantile * (requests - 1) + 1
    uniform = rng.beta(at, requests + 1 - at, (runs, gates, n + k, 5))
    each = -np.log1p(-uniform) / 3 if pareto else 0.5 * ndtri(uniform)
    middle = np.median(each, axis=-1)
    middle = middle - middle.mean()
    return replace(made, history=made.history + middle[..., :n], now=made.now + middle[..., n:], rounds=each)


def other_host(rng: Generator, runs: int, gates: int, n: int, k: int, sd: float, *, slower: float) -> Draw:
    """Another stepping under the same name, from today on."""
    made = sessions(rng, runs, gates, n, k, sd)
    return replace(made, now=made.now + math.log1p(slower), machine={"stepping": "8"})


def fleet(rng: Generator, runs: int, gates: int, n: int, k: int, sd: float, *, hosts: int, differ: float) -> Draw:
    """Some of several hosts under one name."""
    made = sessions(rng, runs, gates, n, k, sd)
    each = rng.normal(0, differ, (runs, hosts, 1)) + rng.normal(0, differ / 3, (runs, hosts, gates))
    drawn = rng.integers(0, hosts, (runs, n + 1))
    effect = np.take_along_axis(each, drawn[:, :, None], 1).transpose(0, 2, 1)
    return replace(made, history=made.history + effect[..., :n], now=made.now + effect[..., n:])


TAIL_RULE = Rule(kind=Kind.TAIL, margin=0.10, resolve=0.30)
# What docs/verdicts.md calls the worlds whose false alarms exceed the ceiling; its table says what helps.
LOUD = "sessions scatter by 11 %"
ALIKE = "nights resemble the night before"
SHARED = "a day's sessions share 80 % of their variance, not 50"
TAILED = "sessions have long tails"
TWO_SESSIONS = "gates differ much in noise, two sessions"
BUSY = "the host is busy on some days, for all gates"
MOODS = "the host is busy for one gate at a time"
AFTERNOON = "all sessions of one afternoon, share 80 %"


def _worlds() -> tuple[World, ...]:
    found = [World(f"normal, SD {sd:.1%}", sd, sessions) for sd in (0.014, 0.028, 0.056)]
    found += [
        World("normal, SD 11.0%", 0.11, sessions, exempt=LOUD),
        World("days AR(1) .3", 0.028, partial(sessions, correlated=0.6)),
        World("days AR(1) .5 (share .7)", 0.028, partial(sessions, share=0.7, correlated=0.714), exempt=ALIKE),
        World("share .8", 0.028, partial(sessions, share=0.8), exempt=SHARED),
        World("days AR(1) .7 (share .8)", 0.028, partial(sessions, share=0.8, correlated=0.875), exempt=ALIKE),
        World("share .8, SD 11 %", 0.11, partial(sessions, share=0.8), exempt=LOUD),
        World("Student t3", 0.028, partial(sessions, noise=heavy), exempt=TAILED),
        World("Student t3, gates together", 0.028, partial(sessions, noise=heavy, common=0.8)),
        World("lognormal(.8)", 0.028, partial(sessions, noise=long_tailed), exempt=TAILED),
        World("SDs spread 1.0", 0.02, partial(sessions, spread=1.0)),
        World("SDs spread 1.5", 0.02, partial(sessions, spread=1.5), exempt=TWO_SESSIONS),
        World("TTFT 6 %, TPOT .8 %, tok/s 1.2 %", 0.0, partial(sessions, by_metric=(0.06, 0.008, 0.012))),
        World("gates together .8", 0.028, partial(sessions, common=0.8)),
        World(
            "gates together, spread 1, share .8",
            0.028,
            partial(sessions, common=0.8, spread=1.0, share=0.8),
            exempt=TWO_SESSIONS,
        ),
        World("not measured again", 0.028, sessions, confirmations=0),
        World("not measured again, SD 11 %", 0.11, sessions, confirmations=0, exempt=LOUD),
        World("measured again twice", 0.028, sessions, confirmations=2),
        World("busy 15 %, +8 %, leaves", 0.014, partial(busy, chance=0.15, stays=0.0)),
        World("busy 15 %, +8 %, stays .7", 0.014, partial(busy, chance=0.15, stays=0.7), exempt=BUSY),
        World("busy 15 %, +8 %, stays", 0.014, partial(busy, chance=0.15, stays=1.0), exempt=BUSY),
        World("busy 10 %, +30 %, stays .7", 0.014, partial(busy, chance=0.10, stays=0.7, slower=0.3)),
        World(
            "busy 15 %, a gate at a time", 0.014, partial(busy, chance=0.15, stays=0.7, everywhere=False), exempt=MOODS
        ),
        World("rounds SD 5 %, AR .8", 0.014, partial(loud_rounds, round_sd=0.05, correlated=0.8)),
        World("rounds SD 15 %, AR .8", 0.014, partial(loud_rounds, round_sd=0.15, correlated=0.8)),
        World("whole numbers 5..10", 0.014, partial(whole_numbers, low=5, high=10)),
        World("whole numbers 10..20", 0.014, partial(whole_numbers, low=10, high=20)),
        World("whole numbers 10..20, SD 2.8 %", 0.028, partial(whole_numbers, low=10, high=20)),
        World("p95 of 5 x 100", 0.02, partial(tail, quantile=0.95, requests=100), TAIL_RULE),
        World("p99 of 5 x 200, Pareto", 0.02, partial(tail, quantile=0.99, requests=200, pareto=True), TAIL_RULE),
        World("4 hosts of SD 4 %", 0.014, partial(fleet, hosts=4, differ=0.04)),
        World("another stepping, 5 % slower", 0.014, partial(other_host, slower=0.05)),
    ]
    found += [
        World(
            f"all of one afternoon, share {share:.1f}",
            0.028,
            partial(sessions, share=share, days=(0,) * 20),
            exempt=said,
        )
        for share, said in ((0.3, ""), (0.5, ""), (0.8, AFTERNOON))
    ]
    return tuple(found)


WORLDS = _worlds()
