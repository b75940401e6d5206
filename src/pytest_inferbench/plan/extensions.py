"""What the hooks of a suite add to a run: checked, and in the words of our own errors.

Limits: cheap to import; nothing that a hook gives is used before it was looked at.
"""

from __future__ import annotations

import copy
import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_inferbench.config.document import Section
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METRICS, _POLICY, _HARDWARE = (f"pytest_inferbench_{name}" for name in ("metrics", "policy", "hardware"))


class Extensions:
    """The answers of this run's hooks.

    Args:
        hook: pytest's `config.hook`.
    """

    def __init__(self, hook: Any) -> None:  # noqa: ANN401 - pluggy's HookRelay
        self._hook = hook

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric of the run by name: the table's, then the suite's own.

        Raises:
            ConfigError: a row that is no metric, or whose name cannot be used.
        """
        from pytest_inferbench.metrics.table import METRICS, SampleMetric, ValueMetric  # noqa: PLC0415 - heavy

        found: dict[str, Metric] = dict(METRICS)
        for row in [row for rows in self._hook.pytest_inferbench_metrics() for row in rows]:
            if not isinstance(row, SampleMetric | ValueMetric):
                raise ConfigError(f"{_METRICS}: got {row!r}, expected a SampleMetric or a ValueMetric")
            if not _NAME.fullmatch(row.name):
                raise ConfigError(f"{_METRICS}: got the name {row.name!r}, expected lower-case letters, digits and _")
            if row.name in found:
                raise ConfigError(f"{_METRICS}: there is a metric {row.name!r} already; name yours otherwise")
            found[row.name] = row
        return found

    def with_policy(self, cell: Cell | CellPair) -> Cell | CellPair:
        """The cell, or both arms of a pair, with what hooks say of its gates before what the config says.

        Raises:
            ConfigError: a hook or the config says what cannot be used.
        """
        from pytest_inferbench.plan.cell import Cell  # noqa: PLC0415 - heavy, as above

        if isinstance(cell, Cell):
            return self._with_policy(cell)
        return replace(cell, a=self._with_policy(cell.a), b=self._with_policy(cell.b))

    def _with_policy(self, cell: Cell) -> Cell:
        from pytest_inferbench.policy import check_policy  # noqa: PLC0415 - heavy, as above

        layers = (*self._policy(cell.model, cell.backend), *cell.policy)
        check_policy(layers, self.metrics)
        return replace(cell, policy=layers)

    def _policy(self, model: str, backend: str) -> Iterator[Section]:
        from pytest_inferbench.config.document import Source, annotate  # noqa: PLC0415 - heavy, as above
        from pytest_inferbench.config.validate import validate  # noqa: PLC0415
        from pytest_inferbench.policy import SuitePolicy  # noqa: PLC0415

        for given in self._hook.pytest_inferbench_policy(model=model, backend=backend):
            if not isinstance(given, Mapping):
                raise ConfigError(
                    f"{_POLICY}: got {reprlib.repr(given)} for {model} on {backend}, expected a mapping or None"
                )
            layer = annotate(given, Source(text=_POLICY))
            validate(SuitePolicy, layer)
            yield layer

    @property
    def names_hardware(self) -> bool:
        """Whether a hook may give this machine its name."""
        return bool(self._hook.pytest_inferbench_hardware.get_hookimpls())

    def hardware(self, environment: Mapping[str, Any]) -> str | None:
        """The name that a hook gives this machine; None where none does.

        Raises:
            ConfigError: it is not a name.
        """
        name: object = self._hook.pytest_inferbench_hardware(environment=environment)
        if name is None or (isinstance(name, str) and name.strip()):
            return name
        raise ConfigError(f"{_HARDWARE}: got {reprlib.repr(name)}, expected a name such as '1x-nvidia-h200', or None")

    def give_results(self, document: Mapping[str, Any], folder: Path) -> list[str]:
        """Hand the results to whoever wants them, each by itself.

        Returns:
            What went wrong, a line each.
        """
        problems = []
        caller = self._hook.pytest_inferbench_results
        for implementation in reversed(caller.get_hookimpls()):
            given = {"document": copy.deepcopy(document), "folder": folder}
            try:
                implementation.function(*(given[name] for name in implementation.argnames))
            except Exception as error:  # noqa: BLE001 - somebody else's code must not end our reporting
                where = f"{caller.name} of {implementation.plugin_name}"
                problems.append(f"{where}: {type(error).__name__}: {error}")
        return problems
