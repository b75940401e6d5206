"""search: the highest level that passes, found with few tries. Doubles until one fails, then halves the gap.

Limits: pure; the caller tries a level and says whether it passed. A level above one that failed is taken to fail too.
"""

from __future__ import annotations

from collections.abc import Generator

Search = Generator[float, bool, float | None]
"""Yields the next level to try, is sent whether it passed, and returns the highest that did; None if none did."""


def highest_passing(lowest: float, highest: float, *, resolution: float, most_tries: int, whole: bool) -> Search:
    """Search between `lowest` and `highest`.

    It stops when the lowest level that failed is within `resolution` of the highest that passed (or within 1 of it,
    where levels are whole numbers), when `highest` itself passes, when `lowest` fails, or after `most_tries`.

    Args:
        lowest: the first level.
        highest: the last; what is returned is then only a lower bound.
        resolution: as a share of the level that passed.
        most_tries: levels tried at most, at least 1.
        whole: try whole numbers only.
    """
    passed: float | None = None
    failed: float | None = None
    level = lowest
    for _ in range(most_tries):
        if (yield level):
            passed = level
        else:
            failed = level
        if passed is None or passed >= highest:
            break
        if failed is None:
            level = min(2 * passed, highest)
            continue
        if failed - passed <= max(resolution * passed, 1 if whole else 0):
            break
        level = (passed + failed) // 2 if whole else (passed + failed) / 2
    return passed
