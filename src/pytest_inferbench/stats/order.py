"""What it costs to be the second server of a pair: estimated over all gates of a run, and taken out of their pairs.

Idea: a machine that the first server has warmed up makes every second one slower. The order is random, so that favours
no arm, but it widens the spread of every gate. Within a gate least squares tell it from the change between the arms;
what all gates have in common is the weighted mean of theirs, and its error comes from the pairs' residuals, averaged
over the gates alike, so that luck which all gates share counts as luck. Only what lies beyond the estimate's 95 %
interval is taken out: the rest stays in the pairs, in the place of the scatter that any estimate takes away.
Limits: elementwise on arrays (..., gates, pairs), NaN where a gate lacks a pair; nothing raises for data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.moderation import FLOOR_SD
from pytest_inferbench.stats.sample import Note, orient, relative, sign, usable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.sample import Pair
    from pytest_inferbench.units import Direction

_LEVEL = 0.025  # on either side, nominally: weights that are estimated make it up to .05 where pairs are few
_LEAST_PAIRS = 4  # so that two degrees of freedom are left
_LEAST_POWER = 1.0  # what one pair of the other order gives: less is rounding
_TOLD = 0.01  # what is smaller than this is not worth a sentence


@dataclass(frozen=True, slots=True)
class Order:
    """What the order within the pairs did.

    Attributes:
        effect: how much slower the second server of a pair was, relative, over all gates; negative: it was faster.
        taken_out: the part of it that the pairs were freed from.
    """

    effect: float
    taken_out: float

    @property
    def note(self) -> Note | None:
        """The same in words, where it matters."""
        if abs(self.taken_out) < _TOLD:
            return None
        way = "slower" if self.effect > 0 else "faster"
        return Note(
            "order",
            f"the second server of a pair was {100 * abs(self.effect):.1f} % {way}, over all gates; "
            f"{100 * abs(self.taken_out):.1f} % are taken out, the rest could be noise",
        )


def order_effect(differences: Floats, side: Floats) -> tuple[Floats, Floats]:
    """(the effect that all gates have in common, the part to take out), oriented logs, shape (...).

    Args:
        differences: oriented log-ratios of the pairs, shape (..., gates, pairs).
        side: +1 where arm B was the second of its pair, -1 where A was; shape (..., pairs).

    Louder gates count for less, and none for more than twice what the gate of median noise does. Both are 0 where
    the pairs are too few to tell.
    """
    known = np.isfinite(differences)
    count = known.sum(axis=-1)
    d, s = _centre(differences, known), _centre(np.broadcast_to(side[..., None, :], known.shape), known)
    power, along = (s * s).sum(axis=-1), (s * d).sum(axis=-1)
    told = (count >= _LEAST_PAIRS) & (power >= _LEAST_POWER)
    slope = along / np.where(told, power, 1.0)
    variance = np.maximum(((d * d).sum(axis=-1) - slope * along) / np.maximum(count - 2, 1), FLOOR_SD**2)
    weight = np.where(told, 1 / (variance + _median(variance, told)[..., None]), 0.0)
    whole = (weight * power).sum(axis=-1)
    enough = whole > 0
    whole = np.where(enough, whole, 1.0)
    effect = (weight * along).sum(axis=-1) / whole

    left = (weight[..., None] * np.where(known, d - effect[..., None, None] * s, 0.0)).sum(axis=-2)
    behind = (weight[..., None] * known).sum(axis=-2)
    left = left / np.where(behind > 0, behind, 1.0)
    df = np.maximum((behind > 0).sum(axis=-1) - 2, 1)
    error = np.sqrt((left**2).sum(axis=-1) / df * weight.sum(axis=-1) / whole)
    beyond = np.maximum(np.abs(effect) - t_critical(_LEVEL, df) * error, 0.0)
    return np.where(enough, effect, 0.0), np.where(enough, np.sign(effect) * beyond, 0.0)


def common_order(gates: Sequence[tuple[Sequence[Pair], Direction]], second: Sequence[bool]) -> Order | None:
    """What the order did to all gates of a run together; None where it is not known or there are no gates.

    Args:
        gates: each gate's pairs with its direction.
        second: whether arm B was the second, for each pair.
    """
    if not gates or any(len(pairs) != len(second) for pairs, _ in gates):
        return None
    a, b = (np.asarray([orient([pair[arm] for pair in pairs], way) for pairs, way in gates]) for arm in (0, 1))
    effect, taken_out = order_effect(b - a, _sides(second))
    return Order(relative(float(effect)), relative(float(taken_out)))


def take_out(pairs: Sequence[Pair], direction: Direction, second: Sequence[bool], order: Order | None) -> list[Pair]:
    """The pairs without what was taken out: half of it from the second server, half on top of the first."""
    if order is None or not order.taken_out or not math.isfinite(sign(direction)):
        return list(pairs)
    half = math.exp(sign(direction) * math.log1p(order.taken_out) / 2)
    return [
        (_scale(a, half if last else 1 / half), _scale(b, 1 / half if last else half))
        for (a, b), last in zip(pairs, second, strict=True)
    ]


def _scale(figure: float | None, factor: float) -> float | None:
    return figure * factor if figure is not None and usable(figure) else figure


def _sides(second: Sequence[bool]) -> Floats:
    return np.where(np.asarray(second, dtype=np.bool_), 1.0, -1.0)


def _centre(values: Floats, known: Floats) -> Floats:
    """Each gate's values less their mean; 0 where the gate lacks the pair."""
    kept = np.where(known, values, 0.0)
    mean = kept.sum(axis=-1, keepdims=True) / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.where(known, kept - mean, 0.0)


def _median(variance: Floats, told: Floats) -> Floats:
    """The median over the gates that tell something, without a warning where none does."""
    ranked = np.sort(np.where(told, variance, np.inf), axis=-1)
    middle = np.maximum(told.sum(axis=-1) - 1, 0)[..., None]
    low, high = (np.take_along_axis(ranked, each, axis=-1)[..., 0] for each in (middle // 2, (middle + 1) // 2))
    return np.asarray(np.where(np.isfinite(high), (low + high) / 2, 1.0))
