"""Figures as reports print them, on top of `units.format_value`.

Limits: an absent figure is "-", a figure that exists never rounds to 0, and a limit is printed as it was written.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_inferbench.units import RATIO, Unit, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

ABSENT = "-"

# Outside of this range grouped digits stop being readable (or would round to 0).
_SMALLEST, _LARGEST = 1e-3, 1e9
_DIGITS = 6
_SIGNIFICANT, _DECIMALS, _WIDE = 3, 3, 5


def number(value: float | None, symbol: str = "") -> str:
    """Three significant digits without the unit; a ratio (symbol "%") in per cent; "-" for None.

    >>> number(0.0123, "%"), number(1280.0, "tok/s"), number(0.0000412), number(None)
    ('1.23', '1,280', '4.12e-05', '-')
    """
    if value is None:
        return ABSENT
    shown = _scale(value, symbol)
    if not math.isfinite(shown) or (shown and not _SMALLEST <= abs(shown) < _LARGEST):
        return f"{shown:.3g}"
    unit = RATIO if symbol == RATIO.symbol else Unit(symbol)
    return format_value(value, unit).removesuffix(f" {symbol}")


def column(values: Sequence[float | None], symbol: str = "") -> list[str]:
    """Figures that stand under each other, or beside each other in a row: all with one number of decimals.

    The smallest keeps three significant digits; two where three would take more than three decimals, or give the
    largest more than five digits. 0 is "0", and what `number` shows with an exponent is shown so here.

    >>> column([0.0263, 0.03, 0.102, None], "ms"), column([9.871, 97.5, 1204.0]), column([0.0, 0.0172], "%")
    (['0.026', '0.030', '0.102', '-'], ['9.9', '97.5', '1,204.0'], ['0', '1.72'])
    """
    shown = [None if value is None else _scale(value, symbol) for value in values]
    usual = [abs(value) for value in shown if value and _SMALLEST <= abs(value) < _LARGEST]
    if not usual:
        return [number(value, symbol) for value in values]
    wanted = _SIGNIFICANT - _whole_digits(min(usual))
    fits = min(wanted, _DECIMALS, _WIDE - max(1, _whole_digits(max(usual))))
    decimals = max(0, fits, wanted - 1)
    return [
        f"{each:,.{decimals}f}" if each is not None and abs(each) in usual else number(value, symbol)
        for value, each in zip(values, shown, strict=True)
    ]


def quantity(value: float | None, symbol: str) -> str:
    """The figure with its unit: `41.2 ms`, `1.2 %`; "-" for None."""
    return ABSENT if value is None else f"{number(value, symbol)} {symbol}".rstrip()


def exact(value: float, symbol: str = "") -> str:
    """The figure as a person wrote it, without the unit: `1,234.5`, not `1,234`."""
    return f"{plain(_scale(value, symbol)):,f}"


def plain(value: float) -> Decimal:
    """The figure to at least six significant digits and three decimals; `format(..., "f")` never uses an exponent."""
    if not math.isfinite(value):
        return Decimal(value)
    digits = max(_DIGITS, len(str(int(abs(value)))) + _DIGITS // 2)
    return Decimal(f"{value:.{digits}g}")


def beside_limit(value: float, limit: float, symbol: str) -> str:
    """The measured figure without the unit, with more digits where three would make it look equal to the limit.

    >>> beside_limit(250.4, 250, "ms"), beside_limit(312.4, 250, "ms")
    ('250.4', '312')
    """
    text = number(value, symbol)
    return exact(value, symbol) if text == number(limit, symbol) else text


def align(texts: Sequence[str]) -> list[str]:
    """Figures of one column, padded on the right so that their decimal points stand under each other.

    >>> align(["41.2", "312", "-"])
    ['41.2', '312  ', '-  ']
    """
    fractions = [len(text) - len(text.partition(".")[0]) for text in texts]
    widest = max(fractions, default=0)
    return [text + " " * (widest - fraction) for text, fraction in zip(texts, fractions, strict=True)]


def _whole_digits(value: float) -> int:
    """Digits before the point, as many as three significant ones leave: 2 of 41.2, 0 of 0.5, -1 of 0.05."""
    return int(f"{value:.{_SIGNIFICANT - 1}e}".partition("e")[2]) + 1


def _scale(value: float, symbol: str) -> float:
    return value * 100 if symbol == RATIO.symbol else value
