"""An experiment: a `*.bench.yaml` file read into the cases it asks for.

Limits: pure but for `wanted_models`, which reads the config's list of models. A file is read whole or refused: every
point of the sweep is a validated workload before any of them runs.

Ids: `<key>-<value>` for each key of the sweep, in the order written, joined by `-`: `streams-04-output_tokens-128`.
Whole numbers have at least two digits (`01` ... `32`, `128`), so that `-k streams-01` does not mean `streams-16`; the
width never depends on the other values, so a longer sweep renames no case and orphans no baseline.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from pytest_inferbench.config.document import Items, Section, Source
from pytest_inferbench.config.validate import Shape, validate
from pytest_inferbench.config.wording import quote_value, unknown_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import is_there
from pytest_inferbench.plan.models import PlanSettings, model_name, read_models
from pytest_inferbench.plan.schema import Argument, Name, Text
from pytest_inferbench.workloads.catalogue import workload_named
from pytest_inferbench.workloads.workload import Workload

MAX_POINTS: Final = 1000
"""Points one sweep may have; more is a mistake, and would take days."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._+-]+")
_NO_WORD: Final = re.compile(r"\W", re.ASCII)
_DIGITS: Final = 2


class WorkloadEntry(Shape):
    """The `workload:` of an experiment; the other keys are those of its kind, which checks them itself."""

    model_config = ConfigDict(extra="allow")

    kind: Text


class Sampling(Shape):
    """The `metrics:` of an experiment."""

    collect_gpu_metrics: bool | None = None
    """`false` leaves the GPUs alone; they are watched where absent."""
    sample_interval_ms: Annotated[float | None, Field(ge=0)] = None
    """From one sample of server and GPUs to the next; 0 for none; `--bench-sample-interval-ms` where absent."""


class ExperimentFile(Shape):
    """The whole of a `*.bench.yaml`; `extends:` has been followed before."""

    name: Name | None = None
    """What the experiment is called; the file's name where absent."""
    case: Name | None = None
    """What its cases are called in ids and baselines; the name where absent."""
    models: Annotated[list[Text] | None, Field(min_length=1)] = None
    """The models it is about, each by name, path or repository id; all of the run where absent."""
    workload: WorkloadEntry
    """What is asked: `kind`, and that workload's own keys."""
    sweep: dict[Text, Annotated[list[Argument], Field(min_length=1)]] = Field(default_factory=dict)
    """Keys of the workload with the values to go through, each with each."""
    rounds: Annotated[int | None, Field(ge=1)] = None
    """Rounds of each case; `--bench-rounds` where absent."""
    metrics: Sampling = Field(default_factory=Sampling)
    """How server and GPUs are watched meanwhile."""
    budgets: dict[Text, Any] = Field(default_factory=dict)
    """Limits by metric, as in a baseline file."""


@dataclass(frozen=True, slots=True)
class Point:
    """One case of an experiment: its id ("" where nothing is swept), what it asks, and that as written."""

    id: str
    workload: Workload
    written: Section = field(compare=False)


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as read.

    Attributes:
        name: what people call it.
        case: what its cases are called.
        models: the models named, each with where; empty for all of the run.
        points: its cases, in the order of the sweep; at least one.
        rounds: rounds of each case; None for the run's own number.
        sampling: what is watched beside the load.
        budgets: limits as written.
        source: where its workload is written.
    """

    name: str
    case: str
    models: tuple[tuple[str, Source], ...]
    points: tuple[Point, ...]
    rounds: int | None
    sampling: Sampling
    budgets: Section
    source: Source

    @property
    def function(self) -> str:
        """The test function it stands for: `test_concurrency_sweep`; a Python test so called has the same baseline."""
        return "test_" + _NO_WORD.sub("_", self.case)


def read_experiment(document: Section, name: str) -> Experiment:
    """The experiment that a document describes.

    Args:
        document: the parsed YAML, `extends:` followed.
        name: what the experiment is called where it does not say.

    Raises:
        ConfigError: it cannot be run as it stands; one line for each problem found.
    """
    entry = validate(ExperimentFile, document)
    called = entry.name or name
    if not called:
        raise ConfigError(f"{document.source}: the file's name is empty; write `name:` with a name for the experiment")
    models: Items = document["models"] if entry.models else Items((), document.source)
    return Experiment(
        name=called,
        case=entry.case or called,
        models=tuple((model, models.source_of(index)) for index, model in enumerate(models)),
        points=tuple(_points(document)),
        rounds=entry.rounds,
        sampling=entry.metrics,
        budgets=document.section("budgets"),
        source=document.source_of("workload"),
    )


def wanted_models(experiment: Experiment, settings: PlanSettings, running: Collection[str]) -> frozenset[str]:
    """The short names of the models an experiment names, by name, path or repository id.

    Args:
        experiment: one with `models:`.
        settings: where the config is.
        running: short names of the run's own models, which the config need not list.

    Raises:
        ConfigError: a model that neither the config nor the run knows; names the nearest.
    """
    known = {name: name for name in running}
    path = settings.path("config")
    if is_there(path):
        for entry in read_models(path, settings.rootdir)[1]:
            spellings = (model_name(entry), entry.repo_id, entry.path)
            known |= {spelling: model_name(entry) for spelling in spellings if spelling is not None}
    problems = [
        f"{source}: models: {unknown_name('model', name, known)}"
        for name, source in experiment.models
        if name not in known
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    return frozenset(known[name] for name, _ in experiment.models)


def _points(document: Section) -> Iterator[Point]:
    written, swept = document.section("workload"), document.section("sweep")
    workload = workload_named(written["kind"], f"{written.source_of('kind')}: workload.kind")
    # A key without a value is an absent one: that is how a file drops what its parent gives.
    options = {
        key: (written[key], written.source_of(key)) for key in written if key != "kind" and written[key] is not None
    }
    for key in swept:
        if key in options:
            raise ConfigError(
                f"{swept.source_of(key)}: sweep.{key}: the workload gives it too ({options[key][1]}); keep one of "
                f"them (`{key}:` without a value under `workload:` drops what a parent file gives)"
            )
    count = math.prod(len(swept[key]) for key in swept)
    if count > MAX_POINTS:
        where = document.source_of("sweep")
        raise ConfigError(f"{where}: sweep: makes {count} cases, expected at most {MAX_POINTS}; sweep fewer values")
    for combination in itertools.product(*(_values(key, swept) for key in swept)):
        point = {key: (value, source) for key, value, source, _ in combination}
        section = Section(options | point, written.source)
        yield Point("-".join(part for *_, part in combination), validate(workload, section), section)


def _values(key: str, swept: Section) -> list[tuple[str, Any, Source, str]]:
    """What a key goes through: (key, value, where it is written, its part of the id) for each value."""
    values, seen = [], dict[str, str]()
    for index, value in enumerate(swept[key]):
        part, source = f"{_plain(key)}-{_value_id(value)}", swept[key].source_of(index)
        if part in seen:
            raise ConfigError(
                f"{source}: sweep.{key}: {quote_value(value, source.written)} has the same id as {seen[part]}; "
                "keep one of them"
            )
        seen[part] = quote_value(value, source.written)
        values.append((key, value, source, part))
    return values


def _value_id(value: Argument) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _plain(value)
    whole, point, fraction = repr(value).removesuffix(".0").partition(".")
    return whole.zfill(_DIGITS) + point + fraction


def _plain(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-")
