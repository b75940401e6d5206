"""Figures as a baseline file holds them: three significant digits, which is finer than any session repeats.

Limits: pure; what is written and what is compared go through the same rounding.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 3


def round_figure(value: float) -> float:
    """The nearest number of three significant digits."""
    return float(f"{value:.{_DIGITS - 1}e}")


def figure_text(value: float) -> str:
    """A figure in decimal notation with its zeros.

    >>> [figure_text(value) for value in (41.234, 6.1, 1284, 0.01234, 0)]
    ['41.2', '6.10', '1280', '0.0123', '0']
    """
    if value == 0:
        return "0"
    exponent = int(f"{value:.{_DIGITS - 1}e}".partition("e")[2])
    return f"{round_figure(value):.{max(0, _DIGITS - 1 - exponent)}f}"
