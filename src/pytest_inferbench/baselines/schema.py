"""People's file, `<model>--<backend>.yaml`: its shape, and the values it is read into.

Limits: shapes and frozen values only. All of it is people's: budgets, gates, policy. What older versions of this
package wrote between them, `accepted` and `noise`, is recognised and belongs to the lines beside it (`older`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pytest_inferbench.baselines.accepted import Accepted
from pytest_inferbench.baselines.budget import BoundShape
from pytest_inferbench.config.validate import Shape
from pytest_inferbench.policy import CasePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.baselines.lines import Noise
    from pytest_inferbench.config.document import Section

SCHEMA = 1
"""The version of people's file, the only one there is."""


class NoiseShape(Shape):
    """What older versions wrote of an A/A run."""

    date: str
    version: str
    workload: str
    pairs: Annotated[int, Field(ge=1)]
    restart_sd: dict[str, Annotated[float, Field(ge=0)]]


class _HardwareShape(Shape):
    budgets: dict[str, BoundShape] = Field(default_factory=dict)
    accepted: dict[str, Any] | None = None
    noise: NoiseShape | None = None


class _CaseShape(Shape):
    budgets: dict[str, BoundShape] = Field(default_factory=dict)
    gates: list[str] | None = None
    policy: CasePolicy = CasePolicy()
    hardware: dict[str, _HardwareShape | None] = Field(default_factory=dict)


class FileShape(Shape):
    """The whole file as written."""

    schema_version: Literal[1] = Field(alias="schema")
    model: str
    backend: str
    cases: dict[str, _CaseShape | None] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """One case of the file.

    Attributes:
        budgets: on any hardware.
        policy: its `policy:` with its `gates:`, as written, for `policy.gate_rules`.
        hardware: the budgets that override those, by the hardware's name.
        source: where it is written.
    """

    budgets: tuple[Budget, ...]
    policy: Section
    hardware: Mapping[str, tuple[Budget, ...]]
    source: str = ""


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """One `<model>--<backend>.yaml`.

    Attributes:
        model, backend: whose.
        cases: by their key (`concurrency[c08]`).
        older: A/A noise that a version before wrote here, by hardware and case; None where there is nothing of the
            program's between people's lines.
    """

    model: str
    backend: str
    cases: Mapping[str, CaseEntry]
    older: Mapping[str, Mapping[str, Noise]] | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Both files of one model, backend and hardware as they were read.

    Attributes:
        hardware: its name in both files.
        name, lines_name: the files as people are shown them.
        text: what people's file holds; None where there is none.
        file: the same read; without cases where there is none.
        accepted: what was accepted on this hardware, by the case's key.
    """

    hardware: str
    name: str
    lines_name: str
    text: str | None
    file: BaselineFile
    accepted: Mapping[str, Accepted] = field(default_factory=dict)

    def of(self, key: str) -> Accepted:
        """What was accepted of a case, with the noise that an older file has of it; nothing of one that has no line."""
        found = self.accepted.get(key, Accepted())
        older = (self.file.older or {}).get(self.hardware, {}).get(key)
        return found if found.noise is not None or older is None else replace(found, noise=older)
