"""The hooks that a suite's `conftest.py`, or another plugin, may implement; docs/hooks.md has an example of each.

Limits: declarations only, and nothing heavy is imported. They are called in every process of a run, after the conftest
files of the suite were read, except where one says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_inferbench.metrics.table import Metric


@pytest.hookspec
def pytest_inferbench_metrics() -> Sequence[Metric] | None:
    """Further metrics, in the order in which reports show them.

    Returns:
        `SampleMetric` and `ValueMetric` rows, as the built-in ones are. They are measured in every case, and budgets
        and gates may name them. A name that is taken, or is not lower-case letters, digits and `_`, ends the run.
    """


@pytest.hookspec
def pytest_inferbench_policy(model: str, backend: str) -> Mapping[str, Any] | None:
    """A policy of one model on one backend: the keys of `policy:` in the config.

    It goes before what the config says, and after what a case's own entry in its baseline file says.

    Args:
        model: the model's short name.
        backend: the backend's name.

    Returns:
        The keys to set; None or nothing for none. Of several implementations the one registered last wins, key by key.
    """


@pytest.hookspec(firstresult=True)
def pytest_inferbench_hardware(environment: Mapping[str, Any]) -> str | None:
    """The name of this machine in baselines, where `--hardware` gives none.

    Args:
        environment: the machine as the run document has it (`cpu`, `memory_bytes`, `gpus`, ...).

    Returns:
        The name; None to leave it to the next implementation, and at last to the one made of GPUs or processor.
    """


@pytest.hookspec
def pytest_inferbench_results(document: Mapping[str, Any], folder: Path) -> None:
    """Receive the results: called once, by the process that controls the run, when the run document is written.

    An exception is told in the summary and fails the run; the other implementations are called all the same.

    Args:
        document: the run document (see docs/run.schema.json); a copy, free to be changed.
        folder: the run's folder, with `run.json` and whatever else the run has written.
    """
