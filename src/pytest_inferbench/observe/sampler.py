"""Samples taken in the background at even intervals, by a thread of pytest's process.

Idea: while a load runs, pytest's process only waits for its load workers, which are processes of their own. So a thread
here takes nothing from them but its share of a core, and needs no process, no pipe and no second interpreter.

Limits: a reader that is slow makes samples rarer, never a queue of them; what was not read in time is counted as
missed. Nothing that the reader raises is lost: it ends the sampling and is raised where the sampling ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S, Clock

T = TypeVar("T")
_STOP_S = 10.0


class Sampler(Generic[T]):
    """Reads again and again between entering and leaving it.

    Args:
        read: takes one sample; None where there is none now.
        interval_ms: from one to the next; 0 takes none.
        clock: the clock.
        at_once: whether the first is taken on entering, or an interval later.

    Attributes:
        taken: the samples, in order.
        missed: moments at which there was none.
    """

    def __init__(self, read: Callable[[], T | None], interval_ms: float, clock: Clock, *, at_once: bool = True) -> None:
        self.taken: list[T] = []
        self.missed = 0
        self._read = read
        self._interval_ns = round(interval_ms * NS_PER_MS)
        self._clock = clock
        self._at_once = at_once
        self._over = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="inferbench-sampler", daemon=True)

    def __enter__(self) -> Self:
        if self._interval_ns > 0:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)
        if self._problem is not None and error is None:
            raise self._problem

    def _run(self) -> None:
        due_ns = self._clock.now_ns() + (0 if self._at_once else self._interval_ns)
        try:
            while not self._over.wait(max(0, due_ns - self._clock.now_ns()) / NS_PER_S):
                sample = self._read()
                if sample is None:
                    self.missed += 1
                else:
                    self.taken.append(sample)
                late = max(0, self._clock.now_ns() - due_ns) // self._interval_ns
                self.missed += late
                due_ns += (late + 1) * self._interval_ns
        except BaseException as error:  # noqa: BLE001 - raised where the sampling ends
            self._problem = error
