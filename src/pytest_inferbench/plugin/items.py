"""What the plugin keeps on a pytest item, and what an item says of its cell and its cases.

Idea: names of cases are stable under upgrades: no version, no cell and no node id goes into one.
Limits: asks pytest's items and nothing else; cheap to import, because every run of pytest does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_inferbench.bench.measure_case import Recorded
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair

CELL = "inferbench_cell"
"""The fixture, and the parameter, that is a benchmark's cell."""

REPORTED = "inferbench"
"""On a report of a benchmark: what it says to the run (`archive.reported.Reported`), as JSON types."""

ASKED = pytest.StashKey[int]()
"""On a test: how many cases it has asked for."""

RECORDED = pytest.StashKey["list[Recorded]"]()
"""On a test: the cases that it has measured."""

ENDED = pytest.StashKey[str]()
"""On a test that did not pass: `failed` or `was skipped`; why, it says itself."""

JUDGED = pytest.StashKey[list["CaseResult"]]()
"""On a regression item: its cases with what their comparisons say, and no other checks and notes."""


class BenchmarkTest:
    """A test as `bench` knows it (`bench.caller.Caller`).

    Args:
        item: pytest's item.
    """

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self.nodeid = item.nodeid

    @property
    def recorded(self) -> list[Recorded]:
        """The cases that it has measured."""
        return self._item.stash.setdefault(RECORDED, [])

    @property
    def place(self) -> str:
        """`file:line`, the file from pytest's rootdir."""
        from pytest_inferbench.config.load import shown_path  # noqa: PLC0415 - heavy, and only mistakes need it

        path, line, _ = self._item.reportinfo()
        return f"{shown_path(Path(path), self._item.config.rootpath)}:{(line or 0) + 1}"

    @property
    def did_not_pass(self) -> bool:
        """Whether it has ended, and not well."""
        return ENDED in self._item.stash

    def next_case(self) -> str:
        """The name of the case that it asks for now."""
        number = self._item.stash.get(ASKED, 0)
        self._item.stash[ASKED] = number + 1
        return case_name(self._item, number)


def is_benchmark(item: pytest.Item | pytest.Collector) -> bool:
    """Whether a test uses a cell."""
    return CELL in getattr(item, "fixturenames", ())


def cell_of(item: pytest.Item | pytest.Collector) -> Cell | CellPair | None:
    """The cell that a test is measured on, or the two arms; None where it is about none."""
    params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    cell: Cell | CellPair | None = params.get(CELL)
    return cell


def as_argument(item: pytest.Item) -> str:
    """A test as pytest takes it on the command line, where this run was started."""
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    return "::".join([path, *item.nodeid.split("::")[1:]])


def case_name(item: pytest.Function, number: int) -> str:
    """The case's name in baselines: `test_concurrency[llama-b1-tiny-c08]` -> `concurrency[c08]`.

    Args:
        item: the test.
        number: how many workloads the test has measured before this one.
    """
    name = (item.originalname or item.name).removeprefix("test_")
    if item.cls is not None:
        name = f"{item.cls.__name__.removeprefix('Test')}.{name}"
    cell = cell_of(item)
    rest = item.callspec.id.removeprefix(cell.id if cell is not None else "").removeprefix("-")
    name = f"{name}[{rest}]" if rest else name
    return f"{name}#{number + 1}" if number else name


def tests_by_cell(items: Iterable[pytest.Item]) -> dict[Cell, list[pytest.Function]]:
    """Each cell with its tests, in the order in which they run; both arms of a pair have all of its tests."""
    found: dict[Cell, list[pytest.Function]] = {}
    for item in items:
        cell = cell_of(item)
        if isinstance(item, pytest.Function) and cell is not None:
            for arm in _arms(cell):
                found.setdefault(arm, []).append(item)
    return found


def _arms(cell: Cell | CellPair) -> tuple[Cell, ...]:
    from pytest_inferbench.plan.pair import CellPair  # noqa: PLC0415 - heavy, and only benchmarks need it

    return tuple(dict.fromkeys((cell.a, cell.b))) if isinstance(cell, CellPair) else (cell,)
