"""Policy: which metrics of a case are gated and how strictly, as people write it for a suite, a model or a case.

Idea: a `policy:` mapping may stand in three places, and the nearest to the case wins, key by key: the case in its
baseline file, the model in the config, `defaults:` in the config. Within one place what is written for a metric wins
over what is written for tails, and that over the built-in default.
Limits: pure; sections in, rules out. The defaults are `stats.rule`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from pytest_inferbench.config.document import DEFAULT
from pytest_inferbench.config.resolve import Resolved, built_in, candidate_of, first
from pytest_inferbench.config.validate import Shape
from pytest_inferbench.config.wording import quote_value, shorten_name, unknown_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.table import ValueMetric
from pytest_inferbench.stats.rule import DEFAULTS, Kind, Rule, kind_of
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_inferbench.config.document import Section
    from pytest_inferbench.metrics.table import Metric

DEFAULT_GATES: Final = ("ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s")
"""The metrics whose history is judged where nobody says."""

STATISTICS: Final = ("mean", "p50", "p90", "p95", "p99")
"""What may stand behind a distribution's name: `ttft_ms.p95`."""

MAX_WINDOW: Final = 64
"""Sessions that a baseline keeps of a case, and the widest window."""

_PER_GATE: Final = ("margin", "resolve")
_PER_CASE: Final = ("alpha", "shared", "confirmations", "window", "strict")


class Tolerance(Shape):
    """How large a change matters: `margin` is the smallest worsening to call, `resolve` what must have been visible."""

    margin: Annotated[float | None, Field(ge=0, lt=1)] = None
    resolve: Annotated[float | None, Field(gt=0, le=10)] = None


class CasePolicy(Tolerance):
    """A case's `policy:`; the keys are those of `stats.rule.Rule`, but for `machine_change`."""

    alpha: Annotated[float | None, Field(gt=0, lt=0.5)] = None
    """False-alarm rate of the whole run."""
    shared: Annotated[float | None, Field(ge=0, lt=1)] = None
    """What an A/A run measured as the share of variance that one day's sessions have in common."""
    confirmations: Annotated[int | None, Field(ge=0, le=2)] = None
    """Sessions on a fresh server for what screens."""
    window: Annotated[int | None, Field(ge=1, le=MAX_WINDOW)] = None
    """Accepted sessions that are looked at."""
    strict: bool | None = None
    """Call a regression only where the whole interval lies beyond the margin."""
    machine_change: Literal["inconclusive", "segment"] | None = None
    """What a change on a machine with other parts is: INCONCLUSIVE, or NEW in a segment of its own."""
    tails: Tolerance = Tolerance()
    """Margin and resolve of p90, p95 and p99."""
    metrics: dict[str, Tolerance] = Field(default_factory=dict)
    """Margin and resolve of single gates."""


class SuitePolicy(CasePolicy):
    """A suite's or model's `policy:`; `gates` are the metrics to judge (a case has `gates:` of its own)."""

    gates: list[str] | None = None


def gates(layers: Sequence[Section]) -> Resolved[tuple[str, ...]]:
    """The gated metrics of a case and where they are written.

    Args:
        layers: `policy:` sections, the nearest to the case first; a case's own `gates:` stand in its section.
    """
    found = first(*(candidate_of(layer, "gates") for layer in layers), built_in(list(DEFAULT_GATES)))
    return Resolved(tuple(dict.fromkeys(found.value)), found.source)


def segment_by_machine(layers: Sequence[Section]) -> bool:
    """Whether a machine with other parts opens a segment; else what changed on it is INCONCLUSIVE.

    Args:
        layers: as for `gates`.
    """
    found = first(*(candidate_of(layer, "machine_change") for layer in layers), built_in("inconclusive"))
    return bool(found.value == "segment")


def gate_rules(layers: Sequence[Section]) -> dict[str, Rule]:
    """The rule of each gate of a case; m, the gates of the run, is 1 in it until it is known.

    Args:
        layers: as for `gates`; each validated by its shape.

    Raises:
        ConfigError: a `resolve` below its `margin`, wherever the two are written.
    """
    return {gate: _rule(gate, layers) for gate in gates(layers).value}


def _rule(gate: str, layers: Sequence[Section]) -> Rule:
    base = DEFAULTS[kind_of(gate)]
    found = {name: first(*_tolerances(gate, name, layers), built_in(getattr(base, name))) for name in _PER_GATE}
    for name in _PER_CASE:
        found[name] = first(*(candidate_of(layer, name) for layer in layers), built_in(getattr(base, name)))
    margin, resolve = found["margin"], found["resolve"]
    if resolve.value < margin.value:
        where = resolve.source if resolve.source != DEFAULT else margin.source
        raise ConfigError(
            f"{where}: policy of {gate}: resolve {_figure(resolve)} ({resolve.source}) is below margin "
            f"{_figure(margin)} ({margin.source}), so no comparison could ever be OK; raise resolve or lower margin"
        )
    values = {name: setting.value for name, setting in found.items()}
    shared = found["shared"].source
    if shared != DEFAULT:
        values |= {"shared_source": str(shared), "shared_doubt": 0.0}
    return replace(base, **values)


def _figure(setting: Resolved[Any]) -> str:
    return setting.source.written or f"{setting.value:g}"


def _tolerances(gate: str, name: str, layers: Sequence[Section]) -> Iterator[Resolved[Any] | None]:
    """What each layer says of a gate's margin or resolve, the nearest layer first and its word for the metric first."""
    for layer in layers:
        yield candidate_of(layer.section("metrics").section(gate), name)
        yield candidate_of(layer.section("tails") if kind_of(gate) is Kind.TAIL else layer, name)


def check_policy(layers: Sequence[Section], metrics: Mapping[str, Metric]) -> None:
    """Refuse policies of a model that cannot be used, whatever its cases say.

    Args:
        layers: as for `gates`; each validated by its shape.
        metrics: every metric by its name.

    Raises:
        ConfigError: a metric that there is not, or two settings that contradict each other.
    """
    problems = [problem for layer in layers for problem in policy_problems(layer, metrics)]
    if problems:
        raise ConfigError("\n".join(problems))
    gate_rules(layers)


def policy_problems(section: Section, metrics: Mapping[str, Metric]) -> list[str]:
    """What is wrong with the metrics that a validated `policy:` names, one line each.

    Args:
        section: the policy as written.
        metrics: every metric by its name.
    """
    problems = [*gate_problems(section, metrics)]
    written = section.section("metrics")
    for name in written:
        problems += metric_problems(name, str(written.source_of(name)), metrics)
    return problems


def gate_problems(section: Section, metrics: Mapping[str, Metric]) -> list[str]:
    """The same of the `gates:` in a section."""
    problems = []
    source = str(section.source_of("gates"))
    for gate in section.get("gates") or ():
        problems += metric_problems(gate, source, metrics)
        metric = metrics.get(gate.partition(".")[0])
        if metric is not None and metric.direction is Direction.NEUTRAL:
            problems.append(f"{source}: gates: neither more nor less of {gate} is better; gate another metric")
    return problems


def metric_problems(name: str, source: str, metrics: Mapping[str, Metric]) -> list[str]:
    """What is wrong with `metric.statistic` as written at `source`; nothing where it can be measured."""
    metric, _, statistic = name.partition(".")
    if metric not in metrics:
        return [f"{source}: {unknown_name('metric', metric, metrics)}"]
    if isinstance(metrics[metric], ValueMetric):
        return [f"{source}: {name}: {metric} is one figure, without statistics; write {metric}"] if "." in name else []
    if "." not in name:
        choice = ", ".join(f"{metric}.{each}" for each in STATISTICS)
        return [f"{source}: {name}: it has a distribution, so say which figure of it: {choice}"]
    if statistic not in STATISTICS:
        known = ", ".join(STATISTICS)
        return [f"{source}: {shorten_name(name)}: unknown statistic {quote_value(statistic)}; known are {known}"]
    return []
