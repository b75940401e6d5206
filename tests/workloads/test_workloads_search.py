"""The search for the highest level that passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.workloads.search import highest_passing


def searched(capacity, lowest=1, highest=256, *, resolution=0.1, most_tries=30, whole=True):
    """What is found where every level up to `capacity` passes, and the levels tried."""
    search = highest_passing(lowest, highest, resolution=resolution, most_tries=most_tries, whole=whole)
    tried = [next(search)]
    while True:
        try:
            tried.append(search.send(tried[-1] <= capacity))
        except StopIteration as end:
            return end.value, tried


@pytest.mark.parametrize(
    ("capacity", "found", "tried"),
    [
        (0, None, [1]),
        (1, 1, [1, 2]),
        (5, 5, [1, 2, 4, 8, 6, 5]),
        (11, 11, [1, 2, 4, 8, 16, 12, 10, 11]),
        (1000, 256, [1, 2, 4, 8, 16, 32, 64, 128, 256]),
    ],
)
def test_levels_double_and_then_halve_the_gap(capacity, found, tried):
    """The levels tried are exactly these."""
    assert searched(capacity) == (found, tried)


def test_it_stops_at_the_resolution():
    """100 is found as 96 where a tenth of it is near enough, and exactly where it is not."""
    assert searched(100)[0] == 96
    assert searched(100, resolution=0.001)[0] == 100


def test_it_stops_after_the_most_tries():
    """Four tries get to 8 of 100; one try is all where one is allowed."""
    assert searched(100, most_tries=4) == (8, [1, 2, 4, 8])
    assert searched(100, most_tries=1) == (1, [1])


def test_a_range_of_one_level():
    """Nothing is tried twice."""
    assert searched(9, 4, 4) == (4, [4])


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 600), st.integers(1, 40), st.integers(40, 512), st.floats(0.01, 0.9), st.booleans())
def test_the_result_is_right(capacity, lowest, highest, resolution, whole):
    """What is found passes, and what lies beyond it by more than the resolution would not; each level is tried once."""
    found, tried = searched(capacity, lowest, highest, resolution=resolution, whole=whole)
    assert len(set(tried)) == len(tried)
    assert all(lowest <= level <= highest for level in tried)
    if found is None:
        assert capacity < lowest
        return
    assert found <= capacity
    assert found in tried
    if found < highest:
        assert any(capacity < level <= found + max(resolution * found, 1 if whole else 0) for level in tried)
    if whole:
        assert all(float(level).is_integer() for level in tried)
