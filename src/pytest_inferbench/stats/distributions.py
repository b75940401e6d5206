"""The distributions the verdicts need, on arrays.

Idea: one door to scipy, so that everything behind it is typed, and who asks for no distribution does not wait for it.
Limits: no statistics here, only named functions; tails are upper tails, so that a small level stays exact.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
FloatLike: TypeAlias = float | Floats

# Newton's iteration for the trigamma inverse converges quadratically and monotonically from its start;
# five steps reach rounding error for arguments from .05 to 8, and no prior lies outside.
_NEWTON_STEPS = 5


@cache
def _special() -> Any:  # noqa: ANN401 - scipy ships no types; every result below is given one
    from scipy import special  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - a third of a second

    return special


def t_critical(tail: FloatLike, df: FloatLike) -> Floats:
    """The point that Student's t with `df` degrees of freedom exceeds with probability `tail`."""
    return np.asarray(-_special().stdtrit(df, tail), dtype=np.float64)


def t_tail(point: FloatLike, df: FloatLike) -> Floats:
    """The probability that Student's t with `df` degrees of freedom exceeds `point`."""
    return np.asarray(_special().stdtr(df, -np.asarray(point)), dtype=np.float64)


def normal_critical(tail: FloatLike) -> Floats:
    """The point that a standard normal exceeds with probability `tail`."""
    return np.asarray(-_special().ndtri(tail), dtype=np.float64)


def normal_tail(point: FloatLike) -> Floats:
    """The probability that a standard normal exceeds `point`."""
    return np.asarray(_special().ndtr(-np.asarray(point)), dtype=np.float64)


def negative_binomial_tail(least: FloatLike, mean: FloatLike, size: FloatLike) -> Floats:
    """The probability of at least `least` events: Poisson counts whose mean is gamma, of that mean and shape `size`."""
    share = np.asarray(mean) / (np.asarray(mean) + size)
    return np.asarray(np.where(np.asarray(least) > 0, _special().betainc(np.maximum(least, 1), size, share), 1.0))


def chi_square_critical(tail: FloatLike, df: FloatLike) -> Floats:
    """The point that chi-squared with `df` degrees of freedom exceeds with probability `tail`."""
    return np.asarray(_special().chdtri(df, tail), dtype=np.float64)


def f_critical(tail: float, df_upper: float, df_lower: float) -> float:
    """The point that F(`df_upper`, `df_lower`) exceeds with probability `tail`."""
    return float(_special().fdtri(df_upper, df_lower, 1 - tail))


def digamma(x: FloatLike) -> Floats:
    """The logarithmic derivative of the gamma function."""
    return np.asarray(_special().digamma(x), dtype=np.float64)


def trigamma(x: FloatLike) -> Floats:
    """The derivative of digamma: the variance of the logarithm of a gamma variable of shape `x`."""
    return np.asarray(_special().zeta(2, x), dtype=np.float64)


def trigamma_inverse(y: FloatLike) -> Floats:
    """The `x` whose trigamma is `y` > 0, by Newton's iteration on 1 / trigamma (Smyth 2004, appendix)."""
    target = np.asarray(y, dtype=np.float64)
    x = 0.5 + 1.0 / target
    for _ in range(_NEWTON_STEPS):
        value = trigamma(x)
        x = x - value * (1 - value / target) / (2 * _special().zeta(3, x))
    return x
