"""The result of one case: what every check, report and baseline reads.

Limits: values, and what follows from them alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from pytest_inferbench.document.account import ClientAccount, ServerAccount
from pytest_inferbench.document.figures import Check, Finding, Metrics
from pytest_inferbench.document.observed import Gpus, Timeline
from pytest_inferbench.document.part import FILE_BELOW, Count, Part
from pytest_inferbench.stats.rule import Kind, kind_of
from pytest_inferbench.stats.verdict import Verdict

Round = Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9]+)?$")], float]
"""metric.statistic (or metric) to figure."""

Workload = Annotated[
    Mapping[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "required": ["kind", "hash"],
            "properties": {
                "kind": {"type": "string"},
                "hash": {"type": "string", "description": "Of everything that makes two loads comparable."},
            },
        }
    ),
]
"""A workload's parameters by name, with `kind` and `hash`."""


Unknown = Literal["version", "arguments"]
"""What a server may not tell of itself."""


@dataclass(frozen=True, slots=True)
class Difference(Part):
    """One circumstance that is not as it was."""

    what: str
    """`version`, `image`, `argument max-num-seqs`, `kernel`, ..."""
    was: str
    """In words for people."""
    now: str

    def __str__(self) -> str:
        return f"{self.what} {self.was} -> {self.now}"


@dataclass(frozen=True, slots=True)
class Against(Part):
    """The accepted sessions that a case's history checks compare with."""

    sessions: Count
    """How many the newest segment has."""
    since: str
    """The date of the newest of them that did not look worse, ISO 8601."""
    changes: tuple[Difference, ...]
    """What is different from that session."""
    unknown: tuple[Unknown, ...] | None = None
    """What of the two servers nobody knows, so that it may have changed; absent where all is known."""
    once: str | None = None
    """Why it could not be measured again on a fresh server; absent where it could."""


@dataclass(frozen=True, slots=True)
class NextStep(Part):
    """Where to look, or what to run; a text without a label goes on with the one above it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class CaseIdentity(Part):
    """What a case is called, and where it ran."""

    id: str
    """The pytest node id."""
    case: str
    """The case's name in baselines: `concurrency[c08]`."""
    model: str
    backend: str
    variant: str
    """The named variant of the cell; empty for none."""
    version: str
    """What the server says, where it says it."""
    hardware: str
    """The hardware's name, as baselines are keyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult(CaseIdentity):
    """One case on one server."""

    workload: Workload
    """The workload's parameters."""
    metrics: Metrics
    """Each metric over all rounds, by name."""
    rounds: tuple[Round, ...]
    """For each round, metric.statistic (or metric) to figure."""
    client: ClientAccount
    """The load generator's own health."""
    server: ServerAccount
    """How the server was provided and what it says of itself."""
    gpu: Gpus | None = None
    """What its GPUs did; absent where there is none, or it is not ours to look at."""
    token_method: str
    """How output tokens were counted."""
    validity: tuple[Finding, ...] = ()
    """What must be known about the measurement itself."""
    checks: tuple[Check, ...] = ()
    """The judged figures."""
    verdict: Verdict = Verdict.NEW
    """The worst of the checks; invalid where a finding says so."""
    notes: tuple[str, ...] = ()
    """What a reader must know of the figures."""
    by_tag: Mapping[str, Metrics] | None = None
    """Metrics of the requests with one label (turn2, a level of a search), by label; absent without."""
    timeline: Timeline | None = None
    """The time axis of rounds, series and request records; absent where nothing was sent."""
    slo: Mapping[str, float] | None = None
    """The model's limits for one request, by metric; absent without."""
    records: Annotated[str, Field(pattern=FILE_BELOW)] | None = None
    """The file of its request records, relative to the document's; docs/reports.md has its format."""
    issued: Count | None = None
    """Requests sent in all rounds, of which the error rate is a share."""
    against: Against | None = None
    """The accepted sessions that its history checks compare with; absent without."""
    next_steps: tuple[NextStep, ...] | None = None
    """Where to look and what to run after a verdict that fails, in order; absent without."""
    invocation: Annotated[int, Field(ge=1)] | None = None
    """Which invocation of a resumed run measured it, from 1; absent where the run was never resumed."""

    @property
    def invalid(self) -> bool:
        """Whether the measurement must not be judged."""
        return any(finding.invalid for finding in self.validity)

    @property
    def workload_hash(self) -> str | None:
        """What tells two loads apart; None of a document that does not say."""
        found = self.workload.get("hash")
        return found if isinstance(found, str) else None

    def figure(self, name: str) -> float | None:
        """The figure behind `metric.statistic` or `metric`; None where it was not measured."""
        metric, _, statistic = name.partition(".")
        summary = self.metrics.get(metric)
        if summary is None:
            return None
        return summary.statistics().get(statistic or "value")

    @property
    def failed(self) -> int | None:
        """How many of the issued requests failed; None where that is not known."""
        rate = self.figure("error_rate")
        return None if rate is None or not self.issued else round(rate * self.issued)

    def in_rounds(self, name: str) -> list[float]:
        """The same figure in each round that has it."""
        return [figures[name] for figures in self.rounds if name in figures]

    def session_figure(self, name: str, *, pooled: bool = True) -> float | None:
        """A session's one number, which is what sessions are compared by.

        The median over its rounds; of a tail the figure over all requests, unless `pooled` is False.
        """
        if pooled and kind_of(name) is Kind.TAIL:
            return self.figure(name)
        figures = self.in_rounds(name)
        return statistics.median(figures) if figures else None
