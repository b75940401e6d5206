"""A run as a list shows it: the few fields of its document that say what was found, and of what.

Limits: named as in `run` and `case`, and as strict; the other fields are not looked at, which is what makes it quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pytest_inferbench.document.part import Part
from pytest_inferbench.stats.verdict import Verdict


class Judged(Protocol):
    """What has a verdict: a check."""

    @property
    def verdict(self) -> Verdict:
        """What is said of it."""
        ...


class Ran(Judged, Protocol):
    """A case: where it ran, and what was said of it."""

    @property
    def model(self) -> str:
        """As in `CaseIdentity`, like those that follow."""
        ...

    @property
    def backend(self) -> str: ...  # noqa: D102 - as above

    @property
    def version(self) -> str: ...  # noqa: D102 - as above

    @property
    def variant(self) -> str: ...  # noqa: D102 - as above

    @property
    def hardware(self) -> str: ...  # noqa: D102 - as above

    @property
    def checks(self) -> Sequence[Judged]:
        """Its judged figures."""
        ...


class Named(Protocol):
    """A setting."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as in `Setting`

    @property
    def value(self) -> Any: ...  # noqa: ANN401, D102 - as in `Setting`


class Outlined(Protocol):
    """A run document, or what a list has of one."""

    @property
    def run_id(self) -> str: ...  # noqa: D102 - as in `RunDocument`, like those that follow

    @property
    def interrupted(self) -> bool: ...  # noqa: D102

    @property
    def settings(self) -> Sequence[Named]: ...  # noqa: D102

    @property
    def cases(self) -> Sequence[Ran]: ...  # noqa: D102

    @property
    def skipped(self) -> Sequence[object]: ...  # noqa: D102

    @property
    def errors(self) -> Sequence[object]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class ListedCheck(Part):
    """Of a check."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ListedCase(Part):
    """Of a case."""

    model: str
    backend: str
    version: str
    variant: str
    hardware: str
    checks: tuple[ListedCheck, ...] = ()
    verdict: Verdict = Verdict.NEW


@dataclass(frozen=True, slots=True)
class ListedSetting(Part):
    """Of a setting."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class ListedRun(Part):
    """Of a run."""

    schema: Literal[1]
    run_id: str
    interrupted: bool
    settings: tuple[ListedSetting, ...]
    cases: tuple[ListedCase, ...]
    skipped: tuple[Any, ...]
    errors: tuple[Any, ...]
