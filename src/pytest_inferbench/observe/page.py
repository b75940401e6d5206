"""A metrics page in Prometheus' text format, read for the figures that the product knows.

Law: pure. What cannot be read whole is absent: a family that may have been cut off, a histogram that does not add up, a
figure that is no finite number. Never a part for the whole.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based format). All lines of a family stand
together, so a family is known to be whole as soon as another line follows it.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from pytest_inferbench.metrics.published import PUBLISHED, Nature
from pytest_inferbench.records import Histogram

# A label's value may hold any character, a closing brace too; quotes and backslashes are escaped.
_REST = r"""(?P<labels>\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+(?P<value>[^ \t\r\n]+)(?:[ \t]+-?[0-9]+)?[ \t]*\r?$"""
_LE = re.compile(r"""[{,]\s*le="([^"]*)\"""")
_NAME = re.compile(r"(?:# (?:HELP|TYPE) )?([A-Za-z_:][A-Za-z0-9_:]*)")
_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says, by product name (`metrics/published.py`)."""

    values: Mapping[str, float] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)


def parse_page(text: str, names: Mapping[str, tuple[str, ...]], *, whole: bool = True, histograms: bool = True) -> Page:
    """The figures of a metrics page under the product's names.

    Args:
        text: the page.
        names: product name -> the server's names for it, newest first; the first that is on the page counts. `:` and
            `_` are the same: exporters between here and there change one into the other.
        whole: whether the transport vouches that nothing is missing at the end.
        histograms: whether to read these too; they are the largest part of a page.
    """
    wanted = {name: own for name, own in names.items() if histograms or PUBLISHED[name] is not Nature.HISTOGRAM}
    complete = text if text.endswith("\n") else text[: text.rfind("\n") + 1]  # a line's figure may be cut too
    doubtful = None if whole and len(complete) == len(text) else _last_family(complete)
    samples: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for found in _pattern(tuple(sorted(set(_spelt(wanted))))).finditer(complete):
        samples[_plain(found["name"])].append((found["labels"] or "", found["value"]))
    page = Page({}, {})
    for product, candidates in wanted.items():
        name = next((plain for plain in map(_plain, candidates) if _there(samples, plain)), None)
        if name is None or name == doubtful:
            continue
        if PUBLISHED[product] is Nature.HISTOGRAM:
            histogram = _histogram(samples, name)
            if histogram is not None:
                page.histograms[product] = histogram  # type: ignore[index]
        else:
            figures = [_number(value) for _, value in samples[name]]
            if all(map(math.isfinite, figures)):
                page.values[product] = max(figures) if PUBLISHED[product] is Nature.FULLEST else sum(figures)  # type: ignore[index]
    return page


def _spelt(names: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    """Every line name to look for."""
    for product, candidates in names.items():
        for name in map(_plain, candidates):
            if PUBLISHED[product] is Nature.HISTOGRAM:
                yield from (name + part for part in _PARTS)
            else:
                yield name


@lru_cache(maxsize=32)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Lines of these names only: on a page of 60 kB most lines are of no interest."""
    either = "|".join(re.escape(name).replace("_", "[_:]") for name in names)
    return re.compile(rf"^(?P<name>{either})(?![A-Za-z0-9_:]){_REST}", re.MULTILINE)


def _plain(name: str) -> str:
    return name.replace(":", "_")


def _there(samples: Mapping[str, object], name: str) -> bool:
    return name in samples or f"{name}_bucket" in samples


def _last_family(text: str) -> str | None:
    found = _NAME.match(text[text.rstrip().rfind("\n") + 1 :])
    if found is None:
        return None
    name = _plain(found[1])
    return next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)


def _number(text: str) -> float:
    """The figure; not a number where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _histogram(samples: Mapping[str, list[tuple[str, str]]], name: str) -> Histogram | None:
    """The histogram over all label sets; None where it does not add up."""
    buckets: defaultdict[float, list[float]] = defaultdict(list)
    for labels, value in samples.get(f"{name}_bucket", ()):
        bound = _LE.search(labels)
        buckets[_number(bound[1]) if bound else math.nan].append(_number(value))
    counts = [_number(value) for _, value in samples.get(f"{name}_count", ())]
    sums = [_number(value) for _, value in samples.get(f"{name}_sum", ())]
    bounds = sorted(buckets)
    alike = all(len(own) == len(counts) for own in buckets.values()) and len(sums) == len(counts)
    totals = [sum(buckets[bound]) for bound in bounds]
    known = bool(bounds) and not any(map(math.isnan, bounds)) and bounds[-1] == math.inf
    if not alike or not known or not all(map(math.isfinite, (*totals, *sums))):
        return None
    rising = all(early <= late for early, late in pairwise(totals))
    return Histogram(tuple(bounds), tuple(totals), sum(sums)) if rising and totals[-1] == sum(counts) else None
