"""Send times of open loops: pure, ascending, of the rate and distribution they are named after."""

import random
from itertools import islice, pairwise
from math import exp, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.workloads import arrivals

RATES = st.floats(0.01, 1e4)
SEEDS = st.integers(0, 2**32)


def gaps(times):
    return [later - earlier for earlier, later in pairwise([0.0, *times])]


def process(name, rate, rng):
    return {
        "constant": lambda: arrivals.constant(rate),
        "poisson": lambda: arrivals.poisson(rate, rng),
        "bursts": lambda: arrivals.gamma(rate, 3.0, rng),
        "even": lambda: arrivals.gamma(rate, 0.2, rng),
    }[name]()


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(["constant", "poisson", "bursts", "even"]), RATES, SEEDS)
def test_schedules_ascend_and_repeat_by_seed(name, rate, seed):
    """Offsets never go back, none is negative, and one seed gives one schedule."""
    first = arrivals.schedule(process(name, rate, random.Random(seed)), requests=50)
    again = arrivals.schedule(process(name, rate, random.Random(seed)), requests=50)
    assert first == again
    assert len(first) == 50
    assert list(first) == sorted(first)
    assert first[0] >= 0


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.sampled_from(["constant", "poisson", "bursts", "even"]), RATES, SEEDS)
def test_the_mean_rate_is_the_nominal_one(name, rate, seed):
    """Over 4,000 arrivals the mean gap is 1 / rate, within six standard errors of the gap's own spread."""
    spread = {"constant": 0.0, "poisson": 1.0, "bursts": 3.0, "even": 0.2}[name]
    found = list(islice(process(name, rate, random.Random(seed)), 4001))
    mean = (found[-1] - found[0]) / 4000
    assert abs(mean * rate - 1) <= 6 * spread / sqrt(4000) + 1e-9


def distance_from_exponential(found, rate):
    """Kolmogorov and Smirnov's statistic times sqrt(n): 1.36 is passed by one sample in twenty that is exponential."""
    count = len(found)
    cdf = [1 - exp(-rate * gap) for gap in sorted(found)]
    return sqrt(count) * max(max((index + 1) / count - p, p - index / count) for index, p in enumerate(cdf))


@pytest.mark.parametrize("times", [arrivals.poisson, lambda rate, rng: arrivals.gamma(rate, 1.0, rng)])
def test_poisson_gaps_are_exponential(times):
    """The gaps, also those of a gamma process with cv 1, are exponential; those of bursts are told apart."""
    rng = random.Random(1)
    assert distance_from_exponential(gaps(islice(times(7.0, rng), 3000)), 7.0) < 1.36
    assert distance_from_exponential(gaps(islice(arrivals.gamma(7.0, 2.0, rng), 3000)), 7.0) > 5


@pytest.mark.parametrize("cv", [0.25, 1.0, 2.0])
def test_gamma_gaps_have_their_spread(cv):
    """The standard deviation of the gaps over their mean is `cv`."""
    found = gaps(islice(arrivals.gamma(5.0, cv, random.Random(2)), 20_000))
    assert stdev(found) / fmean(found) == pytest.approx(cv, rel=0.08)


def test_a_constant_schedule_does_not_drift():
    """The millionth request of 3 a second leaves at exactly its own time, not at a sum of rounded gaps."""
    million = next(islice(arrivals.constant(3.0), 1_000_000, None))
    assert million == 1_000_000 / 3.0
    assert arrivals.schedule(arrivals.constant(4.0), requests=3) == (0, 250_000_000, 500_000_000)


@pytest.mark.parametrize(("start", "end"), [(0.0, 20.0), (5.0, 15.0), (10.0, 10.0), (20.0, 0.0)])
def test_a_ramp_sends_as_many_as_the_area_below_it(start, end):
    """From any rate to any other: (start + end) / 2 a second, the k-th when the integral reaches k, none too late."""
    found = list(arrivals.ramp(start, end, 10.0))
    assert len(found) == round(10 * (start + end) / 2)
    assert found == sorted(found)
    assert found[0] == 0.0
    assert found[-1] < 10.0
    for index in (1, len(found) // 2, len(found) - 1):
        time = found[index]
        assert start * time + (end - start) * time**2 / 20 == pytest.approx(index)


@settings(deadline=None, derandomize=True)
@given(st.floats(0.1, 100), st.floats(0.1, 100), st.integers(1, 300))
def test_a_ramp_by_count_has_that_count(start, end, requests):
    """The length that fits `requests` between two rates holds exactly so many."""
    seconds = 2 * requests / (start + end)
    assert len(arrivals.schedule(arrivals.ramp(start, end, seconds), requests=requests)) == requests


def test_a_schedule_ends_before_its_seconds():
    """Two seconds of 3 a second are six requests; the one at 2 s is not sent."""
    assert len(arrivals.schedule(arrivals.constant(3.0), seconds=2.0)) == 6
    assert len(arrivals.schedule(arrivals.constant(3.0), seconds=2.0, requests=4)) == 4
