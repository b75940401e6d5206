"""The lines of a metrics page: the series of some families, and the families of which a line cannot be read.

Limits: pure. A line that is not as the format has it is never skipped: what it may belong to is `broken`.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based) and
https://prometheus.io/docs/specs/om/open_metrics_spec/ (exemplars, fractional timestamps, `# EOF`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_VALUE = rf"(?:{_NUMBER}|[+-]?[Ii]nf(?:inity)?|[Nn]a[Nn])"
_LABEL = r'[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\\n]|\\.)*+)"[ \t]*'
_UNNAMED = _LABEL.replace("([", "(?:[").replace("((?:", "(?:(?:")
_LABELS = rf"\{{(?:{_UNNAMED},)*+(?:{_UNNAMED})?[ \t]*\}}"
_NAME = r"[A-Za-z_:][A-Za-z0-9_:]*+"
_EXEMPLAR = rf"#[ \t]*{_LABELS}[ \t]+{_VALUE}(?:[ \t]+{_NUMBER})?"

# Most lines of a page are of no interest: they are only looked at so far as to know that they are whole.
_LINES = re.compile(
    rf"^(?:(?P<name>{_NAME})(?P<rest>(?:\{{[^{{}}\n]*\}})?[ \t]+{_VALUE}[ \t\r]*)|(?P<other>[^#\r\n][^\n]*))$",
    re.MULTILINE,
)
_SERIES = re.compile(
    rf"[ \t]*(?P<name>{_NAME})[ \t]*(?P<labels>{_LABELS})?(?:(?<=\}})[ \t]*|[ \t]+)(?P<value>{_VALUE})"
    rf"(?:[ \t]+{_NUMBER})?(?:[ \t]+{_EXEMPLAR})?[ \t]*\r?"
)
# A comment, nothing, or a name within the braces (UTF-8 names, which no server has that is known).
_NO_SERIES = re.compile(r'[ \t]*(?:#|\r?$|\{[ \t]*")')
_BEGINS = re.compile(rf"[ \t]*({_NAME})(?=[ \t]*\{{|[ \t]+\S)")
_INSIDE = re.compile(_NAME)
_PAIRS = re.compile(_LABEL)
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n"}


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its labels and its figure, which may be infinite or no number."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Lines:
    """What a page says of some names; `:` in a name is `_` here.

    Attributes:
        series: of each name, in the page's order.
        broken: names of which a line cannot be read.
    """

    series: Mapping[str, Sequence[Series]]
    broken: frozenset[str]


def read_lines(text: str, wanted: frozenset[str]) -> Lines:
    """The lines of the names in `wanted`, which are spelt with `_` for `:`."""
    series: defaultdict[str, list[Series]] = defaultdict(list)
    broken: set[str] = set()
    before, lost = "", False  # the name on the line before, and whether what stood between has none
    for usual, rest, other in _LINES.findall(text):
        name = _plain(usual)
        if other or name in wanted:
            found = _SERIES.fullmatch(other or usual + rest)
            if other and found is None and _NO_SERIES.match(other):
                continue
            touched = _affected_names(other or usual + rest, wanted) if found is None else set()
            name = _plain(found["name"]) if found is not None else next(iter(touched), "")
            broken |= touched
            if found is not None and name in wanted:
                series[name].append(Series(_labels(found["labels"] or ""), float(found["value"])))
        if lost:
            broken.add(name)
        lost = not name
        if lost:
            broken.add(before)
        before = name
    return Lines(series, frozenset(broken & wanted))


def declares_counter(text: str, name: str) -> bool:
    """Whether a page says that `name`, spelt with `_` for `:`, is a counter."""
    spelt = re.escape(name).replace("_", "[_:]")
    return re.search(rf"^#[ \t]+TYPE[ \t]+{spelt}[ \t]+counter[ \t]*\r?$", text, re.MULTILINE) is not None


def _affected_names(line: str, wanted: frozenset[str]) -> set[str]:
    """The names that a line which cannot be read takes with it.

    Its own and any that is wanted and stands within it; empty where its own name may have been cut.
    """
    begins = _BEGINS.match(line)
    if begins is None:
        return set()
    return {_plain(begins[1])} | ({_plain(word) for word in _INSIDE.findall(line)} & wanted)


def _labels(text: str) -> dict[str, str]:
    return {name: _ESCAPED.sub(_unescape, value) if "\\" in value else value for name, value in _PAIRS.findall(text)}


def _unescape(found: re.Match[str]) -> str:
    return _MEANT.get(found[1], found[1])


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return name.replace(":", "_")
