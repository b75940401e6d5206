"""One run: its cases, and what holds for all of them.

Limits: values. Fields are only ever added within a schema version; one that changes its meaning makes a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.environment import Environment
from pytest_inferbench.document.part import FILE_NAME, Count, Moment, Part
from pytest_inferbench.stats.verdict import Verdict

SCHEMA: Literal[1] = 1

_COUNTED = (*Verdict, "skipped", "errors")
Counts = Annotated[
    Mapping[str, int],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": False,
            "required": [str(name) for name in _COUNTED],
            "properties": {str(name): {"type": "integer", "minimum": 0} for name in _COUNTED},
        }
    ),
]
"""How many cases have each verdict, how many were skipped, how many ended without a result."""


@dataclass(frozen=True, slots=True)
class Setting(Part):
    """A setting in force."""

    name: str
    value: Any
    """Any JSON value but null."""
    source: str
    """file:line, an option, or "default"."""


@dataclass(frozen=True, slots=True)
class Skipped(Part):
    """A case that could not run here."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Error(Part):
    """A case that ended without a result."""

    id: str
    message: str


@dataclass(frozen=True, slots=True)
class Invocation(Part):
    """One call of pytest for this run."""

    started: Moment
    finished: Moment | None = None
    interrupted: bool | None = None


@dataclass(frozen=True, slots=True)
class Moved(Part):
    """An accepted figure before and after, a median of the newest segment's sessions; absent where there is none."""

    metric: str
    old: float | None = None
    new: float | None = None


@dataclass(frozen=True, slots=True)
class AcceptedCase(Part):
    """What --update-baselines did to one case."""

    model: str
    backend: str
    hardware: str
    case: str
    """As baseline files name it: with its variant behind an @."""
    said: str
    """What happened, in words: which session it is, or why it is none."""
    figures: tuple[Moved, ...] = ()
    """The accepted figures."""


@dataclass(frozen=True, slots=True)
class Family(Part):
    """The error rate of all comparisons of a run together."""

    gates: Count
    """m: the gates of the run, known at collection, or as many as inferbench_family says."""
    alpha: float
    """Family-wise, one-sided."""
    alpha_each: float
    """One gate's level."""
    at_most_per_100: float
    """Runs in 100 with a false alarm, nothing having changed, that the level allows."""
    gates_source: str | None = None
    """The option that says how many; absent where the run's own were counted."""
    shared: float | None = None
    """c, as in a comparison; absent of pairs. The least, where gates differ."""
    shared_most: float | None = None
    """The largest c, where gates differ."""
    shared_measured: bool | None = None
    """Whether any gate's c was measured."""
    shared_source: str | None = None
    """Every source of c."""
    expected_per_100: float | None = None
    """The same from each gate's own noise and margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument(Part):
    """Everything one benchmark run found. A figure that was not measured is left out: never 0, never null."""

    schema: Literal[1]
    """Version of this format."""
    run_id: Annotated[str, Field(pattern=FILE_NAME)]
    """The run's name, also its folder's."""
    started: Moment
    """When the run began."""
    finished: Moment | None = None
    """When it ended; absent while it goes on."""
    interrupted: bool
    """The run was ended before every selected case had its turn."""
    verdict: Verdict | None = None
    """The worst verdict of the cases; absent where there are none."""
    family: Family | None = None
    """The error rate of this run's comparisons; absent where nothing was compared."""
    counts: Counts
    """How many cases have each verdict, how many were skipped, how many ended without a result."""
    findings: Mapping[str, Count] | None = None
    """In how many cases there is each verdict: one that is over its budget and regressed counts in both."""
    environment: Environment
    settings: tuple[Setting, ...]
    """Every setting in force and where it comes from."""
    cases: tuple[CaseResult, ...]
    """The measured cases, in the order they ran."""
    skipped: tuple[Skipped, ...]
    """Cases that could not run here."""
    errors: tuple[Error, ...]
    """Cases that ended without a result."""
    invocations: tuple[Invocation, ...] | None = None
    """Every time pytest was called for this run, where it was resumed; a case's `invocation` counts them from 1."""
    accepted: tuple[AcceptedCase, ...] | None = None
    """What --update-baselines did to each case; absent where it was not asked for."""
