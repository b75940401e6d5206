"""Arrivals: when the requests of an open loop leave, as seconds after the load's start.

Limits: pure and lazy; chance is an argument. Times are absolute, never sums of rounded gaps, so a schedule does not
drift. A Poisson process has exponential gaps; a gamma process has gaps of mean 1 / rate and a chosen coefficient of
variation (BurstGPT, https://arxiv.org/abs/2401.17644, fits served traffic with it), which at 1 is a Poisson process.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, count, islice, repeat, takewhile
from math import sqrt

from pytest_inferbench.clock import NS_PER_S


def constant(rate: float) -> Iterator[float]:
    """Every 1 / rate seconds, the first at once."""
    return (index / rate for index in count())


def poisson(rate: float, rng: random.Random) -> Iterator[float]:
    """Independent arrivals, `rate` a second on average."""
    return _after(lambda: rng.expovariate(rate))


def gamma(rate: float, cv: float, rng: random.Random) -> Iterator[float]:
    """Gaps of mean 1 / rate and standard deviation cv / rate: above 1 they come in bursts, below 1 evenly."""
    shape = 1 / cv**2
    return _after(lambda: rng.gammavariate(shape, 1 / (shape * rate)))


def ramp(start_rate: float, end_rate: float, seconds: float) -> Iterator[float]:
    """A rate that goes evenly from one to the other in `seconds`, and ends there.

    The k-th request leaves when r0 t + (r1 - r0) t^2 / 2T, the integral of the rate, reaches k.
    """
    growth = (end_rate - start_rate) / seconds
    index = 0
    while index < seconds * (start_rate + end_rate) / 2:
        # The root of the quadratic in the form that does not cancel; at the start of a ramp from 0 it is 0 / 0.
        discriminant = start_rate**2 + 2 * growth * index
        yield 2 * index / (start_rate + sqrt(max(0.0, discriminant))) if index else 0.0
        index += 1


def schedule(times: Iterable[float], *, requests: int | None = None, seconds: float | None = None) -> tuple[int, ...]:
    """Offsets in ns: the first `requests` of `times`, or those before `seconds`, or all of them."""
    if seconds is not None:
        times = takewhile(lambda time: time < seconds, times)
    return tuple(round(time * NS_PER_S) for time in islice(times, requests))


def _after(gap: Callable[[], float]) -> Iterator[float]:
    return accumulate(gap() for _ in repeat(None))
