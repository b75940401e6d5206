"""Worlds in which nothing has changed: how session figures come about, drawn by the thousand.

Limits: a world is data; a draw depends on its generator alone. Figures are oriented logs: histories (draws, gates, n),
oldest first, and the sessions of one later day (draws, gates, k).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.perf.proof.worlds import autoregressive, normal

from pytest_inferbench.stats.rounds import median_factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator


def skewed(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A log-normal tail towards worse, unit variance."""
    raw = np.exp(0.5 * rng.standard_normal(shape))
    mean, variance = math.exp(0.125), math.exp(0.25) * (math.exp(0.25) - 1)
    return (raw - mean) / math.sqrt(variance)


def bimodal(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Two states of the machine, the worse one a fifth of the time, 2.4 SD apart; unit variance."""
    state = np.where(rng.random(shape) < 0.2, 0.8, -0.2) * 2.4
    return state + math.sqrt(1 - 0.16 * 2.4**2) * rng.standard_normal(shape)


@dataclass(frozen=True)
class World:
    """How figures scatter when nothing has changed.

    Attributes:
        name: as the table shows it.
        spread: SD of log(SD) between gates; 0: all gates are equally noisy.
        share: true share of session variance that sessions of one day have in common.
        noise: distribution of a day's and a server's own part.
        day_correlation: lag-1 correlation of successive days.
        rounds: rounds in a session, of which the median counts; 0: sessions are drawn directly.
        round_correlation: lag-1 correlation of successive rounds.
        round_sd: a round's SD around its session; None: like a session's own.
        common: share of a day's part that all gates have in common.
        grid: figures are rounded to multiples of it; 0: not.
    """

    name: str
    spread: float = 0.5
    share: float = 0.3
    noise: Callable[[Generator, tuple[int, ...]], np.ndarray] = normal
    day_correlation: float = 0.0
    rounds: int = 0
    round_correlation: float = 0.0
    round_sd: float | None = None
    common: float = 0.0
    grid: float = 0.0


def draw(
    world: World, rng: Generator, shape: tuple[int, int], n: int, k: int, sd: float
) -> tuple[np.ndarray, np.ndarray]:
    """Histories and one later day's sessions, with median session SD `sd`; shape is (draws, gates)."""
    history, now, _ = draw_heard(world, rng, shape, n, k, sd)
    return history, now


def draw_heard(
    world: World, rng: Generator, shape: tuple[int, int], n: int, k: int, sd: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same, and what the rounds of the history and of the later day's first session say (`stats.rounds`)."""
    own_sd = sd * np.exp(world.spread * rng.standard_normal(shape))[..., None]
    days = world.noise(rng, (*shape, n + 1))
    if world.common:
        together = world.noise(rng, (shape[0], 1, n + 1))
        days = math.sqrt(world.common) * together + math.sqrt(1 - world.common) * days
    if world.day_correlation:
        days = autoregressive(days, world.day_correlation)
    servers = world.noise(rng, (*shape, n + k))
    heard = np.zeros(shape)
    if world.rounds:
        each = autoregressive(rng.standard_normal((*shape, n + k, world.rounds)), world.round_correlation)
        part = math.sqrt(1 - world.share) * own_sd if world.round_sd is None else np.full((1, 1, 1), world.round_sd)
        servers = servers + np.median(each, axis=-1) * part / (math.sqrt(1 - world.share) * own_sd)
        scatter = (part[..., None] * each).var(axis=-1, ddof=1) * median_factor(world.rounds)
        heard = scatter[..., : n + 1].mean(axis=-1)
    day = np.concatenate([days, np.repeat(days[..., -1:], k - 1, axis=-1)], axis=-1)
    figures = own_sd * (math.sqrt(world.share) * day + math.sqrt(1 - world.share) * servers)
    if world.grid:
        figures = np.round(figures / world.grid) * world.grid
    return figures[..., :n], figures[..., n:], heard
