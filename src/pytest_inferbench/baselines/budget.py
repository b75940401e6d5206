"""A budget: the limit of one figure, absolute or as a share of what was accepted on this hardware.

Idea: `{max: 250}` is a promise to users, `{max: +25 %}` one to the next upgrade: it fits every machine unchanged, and
what it starts from is moved only by a person (`--baseline-mode reseat`), so that no creep gets past it.
Limits: pure; what it is a share of is an argument of whoever checks it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationInfo, field_validator, model_validator

from pytest_inferbench.config.caller import caller
from pytest_inferbench.config.validate import Shape
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.document.figures import Bound
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.policy import metric_problems
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.config.document import Section
    from pytest_inferbench.metrics.table import Metric

_SHARE: Final = re.compile(r"([+-])\s*(\d{1,6}(?:\.\d{1,6})?)\s*%")
_SIDES: Final = {"max": "+", "min": "-"}
_BOUND_FOR: Final = {Direction.LOWER: "max", Direction.HIGHER: "min"}
_A_LIMIT: Final = "a number, or a share of the accepted figure such as +25 %"


def share_of(text: str, bound: str) -> float:
    """What a limit like "+25 %" adds to the accepted figure, as a share of it: 0.25.

    Args:
        text: the limit as written.
        bound: "max", which leaves room above the accepted figure, or "min", which does so below it.

    Raises:
        ValueError: it says what was expected.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise ValueError(_A_LIMIT)
    sign, digits = match.groups()
    if sign != _SIDES[bound]:
        raise ValueError(f"{_SIDES[bound]}{digits} %: else the accepted figure itself would be over budget")
    if bound == "min" and float(digits) >= 100:  # noqa: PLR2004 - per cent
        raise ValueError("a fall of less than 100 %")
    return float(f"{sign}{digits}") / 100


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float holds
        return False


class BoundShape(Shape):
    """The limits of one metric: `{max: 250}` or `{max: +25 %}`."""

    max: float | str | None = None
    min: float | str | None = None

    @field_validator("max", "min", mode="before")
    @classmethod
    def _limit(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            share_of(value, info.field_name or "")
        elif isinstance(value, bool) or not isinstance(value, int | float | None):
            raise ValueError(_A_LIMIT)  # noqa: TRY004 - pydantic takes no other
        elif value is not None and not _is_finite(value):
            raise ValueError("a finite number")
        return value

    @model_validator(mode="after")
    def _some(self) -> BoundShape:
        if self.max is None and self.min is None:
            raise ValueError("neither max nor min; write a limit such as {max: 250}")
        return self


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit.

    Attributes:
        metric: `ttft_ms.p95`, or `output_tok_per_s` for a single figure.
        bound: "max" or "min".
        limit: in the metric's unit, or "+25 %" of the accepted figure; the limit itself is still within.
        source: where it is written, `file:line`; the line that makes it where nothing is said.

    Raises:
        ConfigError: the metric is no text, the bound another word, the limit neither.
    """

    metric: str
    bound: Bound
    limit: float | str
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no budget, whichever metrics there are."""
        if not self.source:
            object.__setattr__(self, "source", str(caller()))
        if not isinstance(self.metric, str):
            raise ConfigError(
                f"{self.source}: Budget: got {quote_value(self.metric)}, expected a metric such as 'ttft_ms.p50'"
            )
        if self.bound not in _SIDES:
            raise ConfigError(
                f"{self.source}: Budget of {self.metric}: got the bound {quote_value(self.bound)}, expected "
                "'max' or 'min'"
            )
        where = f"{self.source}: Budget of {self.metric}: got the limit {quote_value(self.limit)}, expected"
        if isinstance(self.limit, str):
            try:
                share_of(self.limit, self.bound)
            except ValueError as error:
                raise ConfigError(f"{where} {error}") from None
        elif isinstance(self.limit, bool) or not isinstance(self.limit, int | float) or not _is_finite(self.limit):
            raise ConfigError(f"{where} a finite number")

    @property
    def share(self) -> float | None:
        """What the limit adds to the accepted figure, as a share of it; None for an absolute limit."""
        return share_of(self.limit, self.bound) if isinstance(self.limit, str) else None


def read_budgets(section: Section, metrics: Mapping[str, Metric]) -> tuple[Budget, ...]:
    """The budgets of a `budgets:` mapping whose shape is known to be right.

    Raises:
        ConfigError: an unknown metric or statistic, a limit on the wrong side, or a signed number without its `%`, one
            line for each.
    """
    problems: list[str] = []
    budgets = []
    for metric in section:
        problems += metric_problems(metric, str(section.source_of(metric)), metrics)
        bounds = section.section(metric)
        for bound, limit in bounds.items():
            if limit is None:
                continue
            source = bounds.source_of(bound)
            if source.written.startswith(("+", "-")):
                digits = source.written[1:]
                problems.append(
                    f"{source}: {metric}: got {bound}: {source.written}, a signed number; write {digits} for a limit, "
                    f"or {_SIDES[bound]}{digits} % for a share of the accepted figure"
                )
                continue
            budgets.append(
                Budget(
                    metric,
                    "max" if bound == "max" else "min",
                    limit if isinstance(limit, str) else float(limit),
                    str(source),
                )
            )
            problems += side_problems(budgets[-1], source.written or limit, metrics)
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(budgets)


def side_problems(budget: Budget, limit: str, metrics: Mapping[str, Metric]) -> list[str]:
    """What is wrong with the side that a budget limits its metric on; `limit` is how its limit is written."""
    row = metrics.get(budget.metric.partition(".")[0])
    direction = Direction.NEUTRAL if row is None else row.direction
    if row is not None and direction is Direction.NEUTRAL and budget.share is not None:
        got = f"{budget.source}: {budget.metric}: got {limit}, but neither more nor less of it is better"
        return [f"{got}, so no accepted figure is kept of it; write a number"]
    right = _BOUND_FOR.get(direction, budget.bound)
    if budget.bound == right:
        return []
    got = f"{budget.source}: {budget.metric}: got {budget.bound}: {limit}"
    meant = limit if budget.share is None else f"{_SIDES[right]}{limit.strip().lstrip('+-').lstrip()}"
    return [f"{got}, but {direction} is better; write {{{right}: {meant}}}"]
