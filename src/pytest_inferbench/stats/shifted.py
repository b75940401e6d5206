"""Figures that can be 0, given a place on the logarithmic scale: each has its metric's shift added to it.

Limits: a figure goes in and comes out in the metric's unit; what lies between is shifted. Nothing raises for data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_inferbench.stats.sample import Past
    from pytest_inferbench.units import Zero

_DIGITS = 9


def up(figure: float | None, zero: Zero) -> float | None:
    """The figure as it is compared."""
    return None if figure is None else figure + zero.added


def down(figure: float, zero: Zero) -> float:
    """The figure as it was measured."""
    return round(figure - zero.added, _DIGITS) + 0.0  # a zero has no minus


def shift(past: Past, zero: Zero) -> Past:
    """An accepted session as it is compared."""
    return replace(past, value=up(past.value, zero), rounds=tuple(up(figure, zero) for figure in past.rounds))


def unshift(past: Past, zero: Zero) -> Past:
    """The same as it was measured."""
    return replace(past, value=None if past.value is None else down(past.value, zero))
