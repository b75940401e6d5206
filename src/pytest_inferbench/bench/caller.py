"""The test that calls `bench`, as far as `bench` knows it: whoever runs tests implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_inferbench.bench.measure_case import Recorded


class Caller(Protocol):
    """One attempt at one test.

    Attributes:
        recorded: the cases that it has measured, in order; `bench` adds to them.
    """

    @property
    def recorded(self) -> list[Recorded]:
        """See above."""
        ...

    @property
    def nodeid(self) -> str:
        """Its name in the run."""
        ...

    @property
    def place(self) -> str:
        """Where it is written, for messages: `benchmarks/test_speed.py:12`."""
        ...

    @property
    def did_not_pass(self) -> bool:
        """Whether it has ended, and not well."""
        ...

    def next_case(self) -> str:
        """The name of the case that it asks for now: numbered as it asks, whatever becomes of the earlier ones."""
        ...
