"""pytest-inferbench: LLM inference benchmarks as pytest suites.

The public API is what this module names. Importing it must stay cheap (the load workers and every idle
pytest run pay for it), so each name is resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_inferbench.errors import InferbenchError as InferbenchError
    from pytest_inferbench.workloads.concurrency import Concurrency as Concurrency
    from pytest_inferbench.workloads.single import Single as Single

_HOME = {
    "Concurrency": "pytest_inferbench.workloads.concurrency",
    "InferbenchError": "pytest_inferbench.errors",
    "Single": "pytest_inferbench.workloads.single",
}

__all__ = ["Concurrency", "InferbenchError", "Single"]


def __getattr__(name: str) -> object:
    """Import the module that owns a public name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
