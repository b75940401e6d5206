"""Figures that were rounded: sessions that are equal for that do not say that nothing scatters.

Idea: what is rounded to steps scatters by step^2 / 12 at least; the step is the smallest difference of distinct
figures, or, where there is none, the last decimal that they are written with.
Limits: elementwise on arrays (..., figures); figures that are not rounded have no ties and are not concerned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pytest_inferbench.stats.distributions import Floats

_DECIMALS: Final = 6
_EXACT: Final = 1e-9  # relative; below, two figures are one


def rounding_step(figures: Floats) -> Floats:
    """The step that figures (..., figures) above 0 are rounded to, shape (...)."""
    gaps = np.diff(np.sort(figures, axis=-1), axis=-1)
    smallest = np.where(gaps > _EXACT * figures.max(axis=-1, keepdims=True), gaps, np.inf).min(axis=-1, initial=np.inf)
    return np.asarray(np.where(np.isfinite(smallest), smallest, _last_decimal(figures[..., 0])))


def rounding_variance(figures: Floats) -> Floats:
    """The variance of the logarithm that rounding alone leaves, shape (...); no step is larger than its figures."""
    largest = figures.max(axis=-1)
    level = largest * (figures / largest[..., None]).mean(axis=-1)
    return np.asarray((np.minimum(rounding_step(figures), level) / level) ** 2 / 12)


def _last_decimal(figure: Floats) -> Floats:
    """1 for 12, .1 for 12.5, and so on to six decimals."""
    step = np.full(figure.shape, 10.0**-_DECIMALS)
    with np.errstate(over="ignore", invalid="ignore"):  # figures that no decimal can be told of
        for decimals in reversed(range(_DECIMALS)):
            step = np.where(np.abs(np.round(figure, decimals) - figure) <= _EXACT * figure, 10.0**-decimals, step)
    return step
