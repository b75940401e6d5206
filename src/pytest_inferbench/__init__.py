"""pytest-inferbench: LLM inference benchmarks as pytest suites.

The public API is what this module names. Importing it must stay cheap (the load workers and every idle
pytest run pay for it), so each name is resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget as Budget
    from pytest_inferbench.bench.api import Backend as Backend
    from pytest_inferbench.bench.api import Bench as Bench
    from pytest_inferbench.bench.result import Result as Result
    from pytest_inferbench.errors import InferbenchError as InferbenchError
    from pytest_inferbench.metrics.table import Kind as Kind
    from pytest_inferbench.metrics.table import SampleMetric as SampleMetric
    from pytest_inferbench.metrics.table import ValueMetric as ValueMetric
    from pytest_inferbench.units import Direction as Direction
    from pytest_inferbench.units import Unit as Unit
    from pytest_inferbench.units import Zero as Zero
    from pytest_inferbench.workloads.batch import Batch as Batch
    from pytest_inferbench.workloads.cold_start import ColdStart as ColdStart
    from pytest_inferbench.workloads.concurrency import Concurrency as Concurrency
    from pytest_inferbench.workloads.long_context import LongContext as LongContext
    from pytest_inferbench.workloads.multi_turn import MultiTurn as MultiTurn
    from pytest_inferbench.workloads.prefix import Prefix as Prefix
    from pytest_inferbench.workloads.rate import Rate as Rate
    from pytest_inferbench.workloads.saturation import Saturation as Saturation
    from pytest_inferbench.workloads.single import Single as Single
    from pytest_inferbench.workloads.soak import Soak as Soak

_HOME = {
    "Backend": "pytest_inferbench.bench.api",
    "Bench": "pytest_inferbench.bench.api",
    "Budget": "pytest_inferbench.baselines.budget",
    "Direction": "pytest_inferbench.units",
    "Kind": "pytest_inferbench.metrics.table",
    "SampleMetric": "pytest_inferbench.metrics.table",
    "Unit": "pytest_inferbench.units",
    "ValueMetric": "pytest_inferbench.metrics.table",
    "Zero": "pytest_inferbench.units",
    "Batch": "pytest_inferbench.workloads.batch",
    "ColdStart": "pytest_inferbench.workloads.cold_start",
    "Concurrency": "pytest_inferbench.workloads.concurrency",
    "InferbenchError": "pytest_inferbench.errors",
    "LongContext": "pytest_inferbench.workloads.long_context",
    "MultiTurn": "pytest_inferbench.workloads.multi_turn",
    "Prefix": "pytest_inferbench.workloads.prefix",
    "Rate": "pytest_inferbench.workloads.rate",
    "Result": "pytest_inferbench.bench.result",
    "Saturation": "pytest_inferbench.workloads.saturation",
    "Single": "pytest_inferbench.workloads.single",
    "Soak": "pytest_inferbench.workloads.soak",
}

__all__ = [
    "Backend",
    "Batch",
    "Bench",
    "Budget",
    "ColdStart",
    "Concurrency",
    "Direction",
    "InferbenchError",
    "Kind",
    "LongContext",
    "MultiTurn",
    "Prefix",
    "Rate",
    "Result",
    "SampleMetric",
    "Saturation",
    "Single",
    "Soak",
    "Unit",
    "ValueMetric",
    "Zero",
]


def __getattr__(name: str) -> object:
    """Import the module that owns a public name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
