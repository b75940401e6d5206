"""The cells that the selected tests run on.

Law: asks pytest's items and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_inferbench.plan.cell import Cell


def selected(items: Sequence[pytest.Item]) -> dict[Cell, list[pytest.Function]]:
    """Each cell with its tests, in the order in which they run."""
    found: dict[Cell, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            for value in item.callspec.params.values():
                if isinstance(value, Cell):
                    found.setdefault(value, []).append(item)
    return found
