"""Units: what a figure is measured in, which direction is better, and how it is shown.

Limits: values are stored in the unit they are named after (`ttft_ms` in milliseconds); scaling is for the eye only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Zero:
    """How figures that can be 0, which have no ratio to each other there, are compared.

    Attributes:
        step: the smallest difference that is ever called, in the metric's unit.
        shift: what is added to a figure before its logarithm is taken; 0 stands for the step itself.
        counted: the figure is the share of requests that failed: their numbers are compared instead.
    """

    step: float
    shift: float = 0.0
    counted: bool = False

    @property
    def added(self) -> float:
        """What is added to every figure."""
        return self.shift or self.step


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    Attributes:
        symbol: what is printed after a figure ("ms", "tok/s").
    """

    symbol: str


MS = Unit("ms")
SECONDS = Unit("s")
TOKENS = Unit("tok")
STREAMS = Unit("streams")
TOKENS_PER_SECOND = Unit("tok/s")
REQUESTS_PER_SECOND = Unit("req/s")
RATIO = Unit("%")
JOULES_PER_TOKEN = Unit("J/tok")
JOULES = Unit("J")
WATTS = Unit("W")
GIB = Unit("GiB")
CELSIUS = Unit("°C")
MEGAHERTZ = Unit("MHz")
COUNT = Unit("")

_SIGNIFICANT = 3
_HUNDREDFOLD = 99


def format_value(value: float, unit: Unit | None = None) -> str:
    """A figure for people: three significant digits, thousands separated, ratios as per cent.

    >>> format_value(41.237, MS)
    '41.2 ms'
    >>> format_value(12345.6)
    '12,346'
    >>> format_value(0.012, RATIO)
    '1.2 %'
    """
    if unit is RATIO:
        value *= 100
    magnitude = abs(value)
    if magnitude == 0:
        text = "0"
    else:
        whole = len(str(int(magnitude))) if magnitude >= 1 else 0
        decimals = max(0, _SIGNIFICANT - whole) if magnitude >= 1 else _SIGNIFICANT
        text = f"{value:,.{decimals}f}"
        if "." in text and (magnitude < 1 or unit is RATIO):
            text = text.rstrip("0").rstrip(".")
    return f"{text} {unit.symbol}" if unit and unit.symbol else text


def percent(share: float) -> str:
    """A change with its sign, for people: `+7.3 %`; beyond a hundredfold its size says nothing more.

    >>> percent(0.073), percent(1.2e14)
    ('+7.3 %', '> +9900 %')
    """
    if share > _HUNDREDFOLD:
        return f"> {100 * _HUNDREDFOLD:+.0f} %"
    return f"{round(100 * share, 1) + 0.0:+.1f} %"  # + 0.0: a zero has no minus


def duration(seconds: float) -> str:
    """A time for people: `40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    hours, rest = divmod(round(seconds / _MINUTE_S), 60)
    return f"{hours} h {rest} min"
