"""The YAML baseline file: its shape, and the values it is read into.

Law: shapes and frozen values only. Budgets, gates and policy are people's, `accepted` and `noise` are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from pytest_inferbench.config.caller import caller
from pytest_inferbench.config.validate import Shape
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.policy import CasePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.baselines.session import Accepted, Session
    from pytest_inferbench.config.document import Section


class BoundShape(Shape):
    """The limits of one metric: `{max: 250}`."""

    max: float | None = None
    min: float | None = None

    @model_validator(mode="after")
    def _some(self) -> BoundShape:
        if self.max is None and self.min is None:
            raise ValueError("neither max nor min; write a limit such as {max: 250}")
        return self


class _AcceptedShape(Shape):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float] = Field(init=False)

    version: str
    image: str | None = None
    sessions: Annotated[int, Field(ge=1)]


class _NoiseShape(Shape):
    date: str
    version: str
    workload: str
    pairs: Annotated[int, Field(ge=1)]
    restart_sd: dict[str, Annotated[float, Field(ge=0)]]


class _HardwareShape(Shape):
    budgets: dict[str, BoundShape] = Field(default_factory=dict)
    accepted: _AcceptedShape | None = None
    noise: _NoiseShape | None = None


class _CaseShape(Shape):
    budgets: dict[str, BoundShape] = Field(default_factory=dict)
    gates: list[str] | None = None
    policy: CasePolicy = CasePolicy()
    hardware: dict[str, _HardwareShape] = Field(default_factory=dict)


class FileShape(Shape):
    """The whole file as written."""

    schema_version: Literal[1] = Field(alias="schema")
    model: str
    backend: str
    cases: dict[str, _CaseShape] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """An absolute limit.

    Attributes:
        metric: `ttft_ms.p95`, or `output_tok_per_s` for a single figure.
        bound: "max" or "min".
        limit: in the metric's unit; the limit itself is still within.
        source: where it is written, `file:line`; the line that makes it where nothing is said.

    Raises:
        ConfigError: the metric is no text, the bound another word, the limit no number.
    """

    metric: str
    bound: str
    limit: float
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no budget, whichever metrics there are."""
        if not self.source:
            object.__setattr__(self, "source", str(caller()))
        if not isinstance(self.metric, str):
            raise ConfigError(f"{self.source}: Budget: got {self.metric!r}, expected a metric such as 'ttft_ms.p50'")
        if self.bound not in {"max", "min"}:
            raise ConfigError(
                f"{self.source}: Budget of {self.metric}: got the bound {self.bound!r}, expected 'max' or 'min'"
            )
        if isinstance(self.limit, bool) or not isinstance(self.limit, int | float) or not math.isfinite(self.limit):
            raise ConfigError(
                f"{self.source}: Budget of {self.metric}: got the limit {self.limit!r}, expected a finite number"
            )


@dataclass(frozen=True, slots=True)
class Noise:
    """What an A/A run measured of one case on one hardware.

    Attributes:
        date: the day, ISO 8601.
        version: the server's.
        workload: hash over the workload's parameters; of another workload it says nothing.
        pairs: pairs of fresh servers behind it.
        restart_sd: `metric.statistic` -> relative SD of one fresh server among those of its hour.
    """

    date: str
    version: str
    workload: str
    pairs: int
    restart_sd: Mapping[str, float]

    @property
    def source(self) -> str:
        """The run, for reports."""
        return f"A/A run of {self.date}, {self.pairs} pairs"


@dataclass(frozen=True, slots=True)
class HardwareEntry:
    """What a case has on one hardware: budgets that override the case's, the accepted figures, its noise."""

    budgets: tuple[Budget, ...] = ()
    accepted: Accepted | None = None
    noise: Noise | None = None


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """One case of a file; `policy` is its `policy:` with its `gates:`, as written, for `policy.gate_rules`."""

    budgets: tuple[Budget, ...]
    policy: Section
    hardware: Mapping[str, HardwareEntry]


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """One `<model>--<backend>.yaml`; cases by their key (`concurrency[c08]`)."""

    model: str
    backend: str
    cases: Mapping[str, CaseEntry]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Both files of one model, backend and hardware as they were read.

    Attributes:
        hardware: its name in both files.
        name, sessions_name: the files as people are shown them.
        text, sessions_text: what the files held; None where there is no such file yet.
        file: the YAML file read; without cases where there is none.
        sessions: the accepted sessions on this hardware, oldest first.
    """

    hardware: str
    name: str
    sessions_name: str
    text: str | None
    sessions_text: str | None
    file: BaselineFile
    sessions: tuple[Session, ...]
