"""Experiments as test files: a `*.bench.yaml` becomes a module with one test function, parametrised by its sweep.

Idea: everything that works for a Python benchmark (fixtures, ids, `-k`, xdist, verdicts, reports) works for YAML,
because pytest sees a Python benchmark.

Limits: a broken file ends the run before anything is measured: exit status 4 and its errors, no traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from pytest_inferbench.baselines.budget import BoundShape, Budget, read_budgets
from pytest_inferbench.config.document import Section
from pytest_inferbench.config.load import load
from pytest_inferbench.config.validate import Shape, validate
from pytest_inferbench.errors import ConfigError, InferbenchError
from pytest_inferbench.plan.experiment import Experiment, Point, read_experiment, wanted_models
from pytest_inferbench.plugin.items import cell_of
from pytest_inferbench.plugin.prestart import PLANNED, Planned

if TYPE_CHECKING:
    from pytest_inferbench.bench.api import Bench
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.plugin.session import Session

SUFFIX = ".bench.yaml"


class ExperimentModule(pytest.Module):
    """A `*.bench.yaml` file.

    Args:
        run: this process's part of the run.
        node: what pytest gives every collector.
    """

    def __init__(self, *, run: Session, **node: Any) -> None:  # noqa: ANN401 - pytest's own arguments
        super().__init__(**node)
        self._run = run

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The cases, on the cells of the models that the experiment is about."""
        try:
            items, models = list(super().collect()), self._models
            for item in items:
                item.stash[PLANNED] = self._planned
        except InferbenchError as error:
            self._run.refuse(str(error))
            return []
        if models is None:
            return items
        kept = [item for item in items if _model_of(item) in {*models, None}]
        if not kept:
            named, running = ", ".join(sorted(models)), ", ".join(sorted({cell.model for cell in self._run.matrix()}))
            reason = f"{self._experiment.models[0][1]}: models: {named}; this run measures {running} (see --model)"
            raise pytest.skip.Exception(reason, allow_module_level=True)
        return kept

    def funcnamefilter(self, name: str) -> bool:
        """The one function, whatever `python_functions` says of Python files."""
        return name == self._experiment.function

    def _getobj(self) -> ModuleType:
        experiment = self._experiment
        module = ModuleType(self.path.name.removesuffix(SUFFIX), experiment.name)
        module.__file__ = str(self.path)
        for point in experiment.points:
            _prepare(point, self._run.context.settings.rootdir)
        function = _function(experiment, self._own_rounds, self._budgets)
        function.place_as = _function_at(str(self.path), experiment.source.line or 1)  # type: ignore[attr-defined]
        setattr(module, experiment.function, function)
        return module

    @property
    def _planned(self) -> Planned:
        rounds = self._own_rounds or self._run.context.settings.rounds
        return Planned(rounds, self._budgets)

    @cached_property
    def _budgets(self) -> tuple[Budget, ...]:
        return _budgets(self._experiment.budgets, self._run.context.extensions.metrics)

    @property
    def _own_rounds(self) -> int | None:
        # `--bench-rounds` on the command line is for this run and wins; in an ini file it is a default.
        return None if self._run.context.settings.source("rounds") == "command line" else self._experiment.rounds

    @cached_property
    def _experiment(self) -> Experiment:
        document = load(self.path, self._run.context.settings.rootdir)
        return read_experiment(document, self.path.name.removesuffix(SUFFIX))

    @property
    def _models(self) -> frozenset[str] | None:
        """The models it is about; None for all, and where the config has an error of its own to tell."""
        cells = self._run.matrix()
        if not self._experiment.models or not cells:
            return None
        return wanted_models(self._experiment, self._run.context.settings, {cell.model for cell in cells})


def _prepare(point: Point, root: Path) -> None:
    """Read the files that a case names.

    Raises:
        ConfigError: one cannot be used; the message says where it is named.
    """
    try:
        point.workload.prepare(root)
    except ConfigError as error:
        raise ConfigError(f"{point.written.source_of('prompts')}: workload.{error}") from None


class _Budgets(Shape):
    budgets: dict[str, BoundShape] = Field(default_factory=dict)


def _budgets(written: Section, metrics: Mapping[str, Metric]) -> tuple[Budget, ...]:
    validate(_Budgets, Section({"budgets": (written, written.source)}, written.source))
    return read_budgets(written, metrics)


def _function(experiment: Experiment, rounds: int | None, budgets: tuple[Budget, ...]) -> Callable[..., None]:
    """The test function of an experiment."""
    # A suite's own `bench` is asked for no more than the file says.
    asked = {
        "sample_interval_ms": experiment.sampling.sample_interval_ms,
        "gpu_metrics": experiment.sampling.collect_gpu_metrics,
    }
    watched: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}

    def measure(bench: Bench, point: Point) -> None:
        bench.run_sync(point.workload, rounds=rounds, budgets=budgets, **watched).check()

    measure.__name__ = measure.__qualname__ = experiment.function
    measure.__doc__ = experiment.name
    ids = [point.id or pytest.HIDDEN_PARAM for point in experiment.points]
    marked: Callable[..., None] = pytest.mark.parametrize("point", experiment.points, ids=ids)(measure)
    return marked


def _function_at(file: str, line: int) -> Callable[[], None]:
    """A function that is never called and lies in the YAML file: where pytest says that the test is."""

    def placed() -> None: ...

    placed.__code__ = placed.__code__.replace(co_filename=file, co_firstlineno=line)
    return placed


def _model_of(item: pytest.Item | pytest.Collector) -> str | None:
    """The model an item is measured on; None where the suite's own `bench` has taken the place of ours."""
    cell = cell_of(item)
    return None if cell is None else cell.model
