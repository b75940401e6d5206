"""How far a server's counters went while a round ran.

Limits: pure. Across a restart nothing is computed: the counter began again, and what it had counted before is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_inferbench.metrics import histogram
from pytest_inferbench.metrics.published import PUBLISHED, Nature
from pytest_inferbench.records import Histogram, ServerReading

_COUNTERS = tuple(name for name, nature in PUBLISHED.items() if nature is Nature.COUNTER)


def restart(pages: Sequence[ServerReading]) -> str | None:
    """How the pages of one server, in their order, show that it was started again between them; None where not."""
    for earlier, later in pairwise(pages):
        before, after = earlier.values, later.values
        both = before.keys() & after.keys()
        if "started_s" in both and before["started_s"] != after["started_s"]:
            return "its process is another one"
        for name in _COUNTERS:
            if name in both and after[name] < before[name]:
                return f"its counter {name} ran backwards"
    return None


def growth(pages: Sequence[ServerReading], name: str) -> float | None:
    """How far a counter went up from the first page to the last; None where one lacks it, or across a restart."""
    if len(pages) < 2:  # noqa: PLR2004 - a difference needs two
        return None
    first, last = pages[0].values.get(name), pages[-1].values.get(name)
    return None if first is None or last is None or restart(pages) else last - first


def histogram_growth(pages: Sequence[ServerReading], name: str) -> Histogram | None:
    """What a histogram took in from the first page to the last; None where one lacks it, or across a restart."""
    if len(pages) < 2:  # noqa: PLR2004 - a difference needs two
        return None
    first, last = pages[0].histograms.get(name), pages[-1].histograms.get(name)
    return None if first is None or last is None or restart(pages) else histogram.growth(first, last)
