"""The cells that the selected tests run on.

Law: asks pytest's items and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.pair import CellPair


def selected(items: Sequence[pytest.Item]) -> dict[Cell, list[pytest.Function]]:
    """Each cell with its tests, in the order in which they run; both arms of a pair have all of its tests."""
    found: dict[Cell, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            for value in item.callspec.params.values():
                for cell in _cells(value):
                    found.setdefault(cell, []).append(item)
    return found


def _cells(value: object) -> tuple[Cell, ...]:
    if isinstance(value, CellPair):
        return tuple(dict.fromkeys((value.a, value.b)))
    return (value,) if isinstance(value, Cell) else ()
