"""Which tests were selected, and which of them have ended: what a run knows of its being complete.

Idea: an exit status says how pytest ended, not what is missing. `-x`, `pytest.exit`, a signal during another's handling
and a worker that died each end a run in another way; all leave tests that were selected and have not ended.
Limits: node ids alone, cheap to import; knows no report beyond its phase and outcome.
"""

from __future__ import annotations

from collections.abc import Iterable

_FIRST_PHASES = ("setup", "call")


class Selection:
    """The tests of a run."""

    def __init__(self) -> None:
        self._left: set[str] = set()
        self._again: set[str] = set()

    def add(self, nodeids: Iterable[str]) -> None:
        """Tests were selected; under xdist each worker says all of them."""
        self._left.update(nodeids)

    def note(self, nodeid: str, when: str | None, outcome: str) -> None:
        """A phase of a test was reported.

        Args:
            nodeid: whose.
            when: `setup`, `call`, `teardown`, or what a crashed worker's report says.
            outcome: `passed`, `failed`, `skipped`; `rerun` where a plugin runs the test again.
        """
        if outcome == "rerun":
            self._again.add(nodeid)
        elif when not in _FIRST_PHASES or (when == "setup" and outcome == "failed"):
            if nodeid in self._again:
                self._again.discard(nodeid)
            else:
                self._left.discard(nodeid)

    @property
    def left(self) -> int:
        """How many have not ended."""
        return len(self._left)
