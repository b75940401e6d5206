"""Which xdist worker runs what: a cell's tests stay together, so that each server starts once.

Limits: decides from values; nothing of xdist is imported. A worker begins a test only when it knows the next one or
that there is none, so whoever has one test left is given more, or is told that this was all. A cell whose worker
crashed is not begun again: what of it was not run is `lost`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# A worker's last test waits until the worker knows what comes next.
_HELD = 2
_PARAMETERS = re.compile(r"\[(.*)\]")


class Node(Protocol):
    """What is needed of xdist's WorkerController."""

    @property
    def shutting_down(self) -> bool:
        """Whether it was told that there is nothing more, or is gone."""
        ...

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Give it tests, by their place in the collection."""
        ...

    def shutdown(self) -> None:
        """Tell it that there is nothing more."""
        ...


@dataclass(slots=True)
class Unit:
    """Tests that one worker runs, one after the other.

    Attributes:
        cell: the cell they are about; None for tests that are about none.
        pending: those that have not ended, by their place in the collection.
    """

    cell: str | None
    pending: deque[int] = field(default_factory=deque)


class CellScheduling:
    """Hands out cells; implements xdist's `Scheduling`.

    Args:
        numnodes: how many workers there are at first.
        cell_of: the cell that a node id is about; None where it is about none.
        scope_of: what a test that is about none is grouped by.
        config: pytest's config; other plugins look for it on a scheduler.
    """

    def __init__(
        self,
        numnodes: int,
        cell_of: Callable[[str], str | None],
        scope_of: Callable[[str], str],
        config: object | None = None,
    ) -> None:
        self.numnodes = numnodes
        self.config = config
        self.collection: list[str] = []
        self.lost: dict[str, str] = {}  # node id of a test that was not run -> the one whose crash took it along
        self.cell_of = cell_of
        self._scope_of = scope_of
        self._collections: dict[Node, list[str]] = {}
        self._waiting: deque[Unit] = deque()
        self._assigned: dict[Node, deque[Unit]] = {}

    @property
    def nodes(self) -> list[Node]:
        """The workers that are there."""
        return list(self._assigned)

    @property
    def collection_is_completed(self) -> bool:
        """Whether all workers have collected."""
        return len(self._collections) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        """Whether every test has ended or is the last of a worker."""
        return (
            self.collection_is_completed
            and not self._waiting
            and all(self._pending(node) < _HELD for node in self._assigned)
        )

    @property
    def has_pending(self) -> bool:
        """Whether a test has not ended."""
        return bool(self._waiting) or any(map(self._pending, self._assigned))

    def add_node(self, node: Node) -> None:
        """A worker is ready to collect."""
        self._assigned[node] = deque()

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """A worker has collected."""
        self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Hand out tests; called when all have collected, and for each worker that takes a crashed one's place."""
        if not self.collection:
            self.collection = list(next(iter(self._collections.values())))
            self._waiting.extend(self._units())
            for node in self.nodes:  # one for each before any gets a second
                self._assign(node)
        for node in self.nodes:
            self._feed(node)
        if not any(self._usable(node) for node in self.nodes):
            self._waiting.clear()  # a worker that took a crashed one's place collected other tests

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:  # noqa: ARG002 - xdist's
        """A test has ended."""
        units = self._assigned[node]
        unit = next(unit for unit in units if item_index in unit.pending)
        unit.pending.remove(item_index)
        if not unit.pending:
            units.remove(unit)
        self._feed(node)

    def remove_node(self, node: Node) -> str | None:
        """A worker is gone; the node id of the test that it was running, None where it had nothing left."""
        units = self._assigned.pop(node)
        if not units:
            return None
        crashed = units.popleft()
        culprit = self.collection[crashed.pending.popleft()]
        if crashed.cell is not None:
            self.lost |= dict.fromkeys((self.collection[index] for index in crashed.pending), culprit)
        elif crashed.pending:
            units.appendleft(crashed)
        self._waiting.extendleft(reversed(units))
        for other in self.nodes:
            self._feed(other)
        return culprit

    def mark_test_pending(self, item: str) -> None:
        """Run a crashed test again.

        Raises:
            NotImplementedError: always; a benchmark that takes its worker down is not repeated.
        """
        raise NotImplementedError(f"{item} was not rescheduled: a test that crashed its worker is not run again")

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """Take tests back from a worker.

        Raises:
            NotImplementedError: always; this scheduler never asks for any.
        """
        raise NotImplementedError

    def _units(self) -> list[Unit]:
        """The collection as units, in its order."""
        units: dict[tuple[bool, str], Unit] = {}
        for index, nodeid in enumerate(self.collection):
            cell = self.cell_of(nodeid)
            key = (cell is not None, self._scope_of(nodeid) if cell is None else cell)
            units.setdefault(key, Unit(cell)).pending.append(index)
        return list(units.values())

    def _feed(self, node: Node) -> None:
        """Let a worker go on that cannot without knowing more."""
        while not node.shutting_down and self._pending(node) < _HELD and node in self._collections:
            if self._waiting and self._usable(node):
                self._assign(node)
            else:
                node.shutdown()

    def _usable(self, node: Node) -> bool:
        return not node.shutting_down and self._collections.get(node) == self.collection

    def _assign(self, node: Node) -> None:
        if not self._waiting or not self._usable(node):
            return
        unit = self._waiting.popleft()
        self._assigned[node].append(unit)
        try:
            node.send_runtest_some(list(unit.pending))
        except OSError:
            # It has crashed and xdist is about to say so; `remove_node` gives the unit to another.
            return

    def _pending(self, node: Node) -> int:
        return sum(len(unit.pending) for unit in self._assigned[node])


def cell_of(nodeid: str, cells: Sequence[str]) -> str | None:
    """The longest of the cells' ids that a node id has among its parameters; None where it has none.

    Args:
        nodeid: `path::test_x[llama-b1-tiny-c08]`, and what may follow.
        cells: ids of cells. They cannot be told from a case's name without being known: both hold hyphens.
    """
    found = _PARAMETERS.search(nodeid)
    if found is None:
        return None
    among = f"-{found[1]}-"
    return max((cell for cell in cells if f"-{cell}-" in among), key=len, default=None)
