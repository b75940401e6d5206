"""A metrics page in Prometheus' text format, read for the figures that the product knows.

Limits: pure. What cannot be read whole is absent: a family with a line that cannot be read, one that may have been cut
off, a histogram that does not add up, a figure that is no finite number. Never a part for the whole, and no request
counted twice: ranks of one engine serve the same requests, engines do not (`metrics/published.py`).

All lines of a family stand together, so a family is known to be whole as soon as another line follows it.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from pytest_inferbench.metrics.histogram import merge
from pytest_inferbench.metrics.published import MODEL_LABELS, PROCESS_LABEL, PUBLISHED, Nature, same_requests
from pytest_inferbench.observe.lines import Lines, Series, declares_counter, read_lines
from pytest_inferbench.records import Histogram

_NAME = re.compile(r"(?:# (?:HELP|TYPE|UNIT) )?([A-Za-z_:][A-Za-z0-9_:]*)")
_PARTS = ("_bucket", "_count", "_sum")
_TOTAL = "_total"
_SUFFIXES = (*_PARTS, _TOTAL, "_created")
_BOUND = "le"
_END = "# EOF"

_Names = tuple[tuple[str, tuple[str, ...]], ...]
_Key = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says, by product name (`metrics/published.py`)."""

    values: Mapping[str, float] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)


def parse_page(
    text: str, names: Mapping[str, tuple[str, ...]], *, model: str = "", whole: bool = True, histograms: bool = True
) -> Page:
    """The figures of a metrics page under the product's names.

    Args:
        text: the page.
        names: product name -> the server's names for it, newest first; the first that is on the page counts. `:` and
            `_` are the same: exporters between here and there change one into the other.
        model: the name of the model that is measured: where a page is of several, only its series count.
        whole: whether the transport vouches that nothing is missing at the end.
        histograms: whether to read these too; they are the largest part of a page.
    """
    wanted = _spelt(tuple(names.items()), histograms=histograms)
    complete = text if text.endswith("\n") else text[: text.rfind("\n") + 1]  # a line's figure may be cut too
    whole = (whole and len(complete) == len(text)) or complete.rstrip().endswith(_END)
    doubtful = None if whole else _last_family(complete)
    lines = _of_model(read_lines(complete, frozenset(name for each in wanted.values() for name in each)), model)
    values, found = {}, {}
    for product, candidates in wanted.items():
        there = next((name for name in candidates if name in lines.series or name in lines.broken), "")
        family, nature = _family(there), PUBLISHED[product]
        own = {name for name in candidates if _family(name) == family}
        if not there or family == doubtful or lines.broken & own:
            continue
        if nature is Nature.HISTOGRAM:
            histogram = _histogram(lines, family)
            if histogram is not None:
                found[product] = histogram
        elif nature is not Nature.COUNTER or there.endswith(_TOTAL) or declares_counter(text, there):
            figure = _figure(lines.series[there], nature)
            if figure is not None:
                values[product] = figure
    return Page(values, found)


@lru_cache(maxsize=32)
def _spelt(names: _Names, *, histograms: bool) -> dict[str, tuple[str, ...]]:
    """Product name -> every line name to look for, in the order in which they count.

    A counter that an exporter has robbed of its `_total` is taken where the page says that it is one.
    """
    spelt: dict[str, tuple[str, ...]] = {}
    for product, candidates in names:
        plain = [name.replace(":", "_") for name in candidates]
        if PUBLISHED[product] is not Nature.HISTOGRAM:
            bare = [name.removesuffix(_TOTAL) for name in plain] if PUBLISHED[product] is Nature.COUNTER else []
            spelt[product] = tuple(dict.fromkeys([*plain, *bare]))
        elif histograms:
            spelt[product] = tuple(name + part for name in plain for part in _PARTS)
    return spelt


def _family(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def _last_family(text: str) -> str | None:
    found = _NAME.match(text[text.rstrip().rfind("\n") + 1 :])
    return None if found is None else _family(found[1].replace(":", "_"))


def _of_model(lines: Lines, model: str) -> Lines:
    """The series of one model, where the page is of several; those without a model's name are everybody's."""
    for label in MODEL_LABELS:
        named = {each.labels.get(label) for series in lines.series.values() for each in series} - {None}
        if len(named) > 1:
            own = {
                name: [each for each in series if each.labels.get(label, model) == model]
                for name, series in lines.series.items()
            }
            lines = Lines({name: series for name, series in own.items() if series}, lines.broken)
    return lines


def _distinct(series: Sequence[Series]) -> dict[_Key, float] | None:
    """The figure of each label set; None where one has two figures."""
    figures: dict[_Key, float] = {}
    for each in series:
        key = frozenset(each.labels.items())
        if figures.setdefault(key, each.value) != each.value:
            return None
    return figures


def _requests(key: _Key) -> _Key:
    """What tells the requests of a series apart from those of others: its labels but for ranks."""
    return frozenset(pair for pair in key if not same_requests(pair[0]))


def _figure(series: Sequence[Series], nature: Nature) -> float | None:
    figures = _distinct(series)
    if figures is None or not all(map(math.isfinite, figures.values())):
        return None
    if nature is Nature.FULLEST:
        return max(figures.values())
    processes = {value for key in figures for label, value in key if label == PROCESS_LABEL}
    if len(processes) > 1:
        return None
    apart: dict[_Key, float] = {}
    for key, value in figures.items():
        own = _requests(key)
        apart[own] = max(value, apart.get(own, value))
    return sum(apart.values())


def _histogram(lines: Lines, name: str) -> Histogram | None:
    """The histogram over all label sets; None where one of them does not add up."""
    parts = [_distinct(lines.series.get(name + part, ())) for part in _PARTS]
    if any(part is None for part in parts):
        return None
    buckets, counts, sums = (part or {} for part in parts)
    sets: defaultdict[_Key, dict[float, float]] = defaultdict(dict)
    for key, value in buckets.items():
        bound = _bucket_bound(dict(key).get(_BOUND, ""))
        if sets[frozenset(pair for pair in key if pair[0] != _BOUND)].setdefault(bound, value) != value:
            return None
    if not sets or not sets.keys() == counts.keys() == sums.keys():
        return None
    apart: dict[_Key, Histogram] = {}
    for key in sorted(sets, key=sorted):
        own = _summed_up(sets[key], counts[key], sums[key])
        if own is None:
            return None
        known = apart.setdefault(_requests(key), own)
        apart[_requests(key)] = max(known, own, key=lambda each: each.n)
    return merge(tuple(apart.values()))


def _bucket_bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _summed_up(buckets: Mapping[float, float], count: float, total: float) -> Histogram | None:
    """One label set's histogram; None where it contradicts itself."""
    if any(map(math.isnan, buckets)):
        return None
    bounds = sorted(buckets)
    counts = [buckets[bound] for bound in bounds]
    rising = all(early <= late for early, late in pairwise(counts))
    sound = bounds[-1] == math.inf and rising and counts[-1] == count and all(map(math.isfinite, (*counts, total)))
    return Histogram(tuple(bounds), tuple(counts), total) if sound else None
