"""Finding a server that is a program or a Python module on this machine.

Limits: pure questions to `Installed`; what is missing is a reason to skip that says how to get it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pytest_inferbench.backends.backend import Installed, ServerPlan
from pytest_inferbench.errors import CellUnavailable


def find_program(plan: ServerPlan, installed: Installed, name: str | None, remedy: str) -> str:
    """The plan's own program, else the one called `name`.

    Raises:
        CellUnavailable: it is not there; ends with `remedy`.
    """
    wanted = plan.program or name
    found = installed.program(wanted) if wanted is not None else None
    if found is None:
        missing = f"program {plan.program!r} is not there or cannot be run" if plan.program else "it is not installed"
        raise CellUnavailable(f"{plan.backend}: {missing}; {remedy}")
    return found


def find_module(plan: ServerPlan, installed: Installed, packages: Iterable[str], remedy: str) -> str:
    """The interpreter that has one of `packages`: the plan's own, else this one.

    Raises:
        CellUnavailable: it has none; ends with `remedy`.
    """
    names = tuple(packages)
    if package_version(plan.python, installed, names) is None:
        raise CellUnavailable(f"{plan.backend}: {plan.python or sys.executable} has no {names[0]}; {remedy}")
    return plan.python or sys.executable


def package_version(python: str | None, installed: Installed, packages: Iterable[str]) -> str | None:
    """The version of the first of `packages` that `python` (None: this interpreter) has."""
    return next((found for name in packages if (found := installed.package(python, name)) is not None), None)
