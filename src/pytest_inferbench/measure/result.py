"""The result of one case: what every check, report and baseline reads.

Law: frozen; JSON types only once `to_json` has made them; a figure that was not measured is absent, never 0.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_inferbench.stats.rule import Kind, kind_of
from pytest_inferbench.stats.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric over all rounds of a case.

    Attributes:
        unit: the unit's symbol.
        direction: "lower", "higher" or "neutral": which way is better.
        n: samples behind the statistics; None for a single value.
        value: for a metric that is one figure (a rate, a total); None for a distribution.
        mean, p50, p90, p95, p99: None where the sample cannot carry them (MIN_SAMPLES in `aggregate`).
    """

    unit: str
    direction: str
    n: int | None = None
    value: float | None = None
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None

    def statistics(self) -> dict[str, float]:
        """The figures that exist, by statistic name (`p50`, `mean`, ...), or `{"value": x}`."""
        names = ("value", "mean", "p50", "p90", "p95", "p99")
        return {name: figure for name in names if (figure := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the measurement itself that a reader must know.

    Attributes:
        code: stable name (`error_rate`, `client_cpu`, `token_plan`, ...).
        invalid: True: the case must not be judged. False: a warning.
        message: one sentence with the figure and the limit.
        figure, limit: the numbers behind it, where there are any.
        source: where the limit comes from ("default", "benchmarks/x.py", ...).
        remedy: what to do.
    """

    code: str
    invalid: bool
    message: str
    remedy: str
    figure: float | None = None
    limit: float | None = None
    source: str = "default"


@dataclass(frozen=True, slots=True)
class Check:
    """One judged figure.

    Attributes:
        metric: `ttft_ms.p95`, or `output_tok_per_s` for a single value.
        kind: "budget" (absolute limit), "history" or "pairs" (regression).
        verdict: its verdict.
        value: what was measured; None where it was not, which fails a budget.
        bound: "max" or "min" for a budget.
        limit: the budget's figure.
        unit: the unit's symbol.
        source: where the limit is written, `file:line`.
        note: anything a reader needs beside the figures.
        comparison: what a history or pairs say, as the run document's schema lists it; None for a budget.
    """

    metric: str
    kind: str
    verdict: Verdict
    value: float | None
    bound: str | None = None
    limit: float | None = None
    unit: str = ""
    source: str = ""
    note: str = ""
    comparison: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case on one server.

    Attributes:
        id: the pytest node id.
        case: the case's name in baselines (`concurrency[c08]`).
        model, backend, variant, version: the cell; version is what the server says where it says it.
        hardware: the hardware's name (baseline key).
        workload: the workload's parameters, with `kind` and `hash`.
        metrics: metric name -> summary over all rounds.
        rounds: for each round, `metric.statistic` (or `metric`) -> figure.
        client: the load generator's own health (lags, CPU share, bytes, self-error).
        server: how it was provided and what it says of itself; `observed` is its metrics page over time.
        gpu: what its GPUs did; None without a GPU. The shapes of both are in `run.schema.json`.
        token_method: how output tokens were counted.
        validity: findings about the measurement.
        checks: judged figures.
        verdict: the worst of the checks; INVALID where a finding says so.
        notes: what a reader must know of the figures.
        by_tag: for each label that the workload gave its requests (`turn2`), metric name -> summary of those alone;
            None where it gave none.
        timeline: the time axis of rounds, series and request records; None where nothing was sent.
        slo: the model's limits for one request, metric name -> figure; None without.
        records: the file of its request records, relative to the run's folder; None where none was written.
        issued: requests sent in all rounds, of which its error rate is a share; None where that was not noted.
        against: the accepted sessions that its history checks compare with; None without.
        next_steps: `label` and `text` of where to look and what to run after a verdict that fails; None without.
    """

    id: str
    case: str
    model: str
    backend: str
    variant: str
    version: str
    hardware: str
    workload: Mapping[str, Any]
    metrics: Mapping[str, Summary]
    rounds: tuple[Mapping[str, float], ...]
    client: Mapping[str, Any]
    server: Mapping[str, Any]
    gpu: Mapping[str, Any] | None
    token_method: str
    validity: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    verdict: Verdict = Verdict.NEW
    notes: tuple[str, ...] = field(default=())
    by_tag: Mapping[str, Mapping[str, Summary]] | None = None
    timeline: Mapping[str, Any] | None = None
    slo: Mapping[str, float] | None = None
    records: str | None = None
    issued: int | None = None
    against: Mapping[str, Any] | None = None
    next_steps: Sequence[Mapping[str, str]] | None = None

    @property
    def invalid(self) -> bool:
        """Whether the measurement must not be judged."""
        return any(finding.invalid for finding in self.validity)

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

    def to_json(self) -> dict[str, Any]:
        """The case as JSON types, absent figures left out."""
        return {key: _plain(value) for key, value in _fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CaseResult:
        """The case that `to_json` wrote."""
        tagged = data.get("by_tag")
        return cls(
            **{
                **data,
                "gpu": data.get("gpu"),
                "metrics": _summaries(data["metrics"]),
                "by_tag": tagged and {tag: _summaries(metrics) for tag, metrics in tagged.items()},
                "rounds": tuple(data["rounds"]),
                "validity": tuple(Finding(**finding) for finding in data["validity"]),
                "checks": tuple(
                    Check(**{"value": None, **check, "verdict": Verdict(check["verdict"])}) for check in data["checks"]
                ),
                "verdict": Verdict(data["verdict"]),
                "notes": tuple(data["notes"]),
            }
        )


def _summaries(metrics: Mapping[str, Any]) -> dict[str, Summary]:
    return {name: Summary(**summary) for name, summary in metrics.items()}


def _fields(record: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - any dataclass
    pairs = [(f.name, getattr(record, f.name)) for f in dataclasses.fields(record)]
    return [(name, value) for name, value in pairs if value is not None]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(item) for name, item in _fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Verdict) else value
