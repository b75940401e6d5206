"""Progress: what goes on now, kept before people's eyes while pytest is silent.

Limits: it goes past pytest's capturing, so nothing of it lands in a report. A phase that lasts is told again with the
time it has taken: whoever waits sees that something lives. What cannot be written is not worth an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S, Clock
from pytest_inferbench.units import duration

_TICK_S = 1.0
_WRITING_NS = 300 * NS_PER_MS  # pytest has written its line by then
_WORTH_TELLING_S = 5


class Display(Protocol):
    """Where progress is shown."""

    def show(self, texts: Sequence[str]) -> None:
        """Show all that goes on at once; asked for at every change and every second."""
        ...

    def clear(self) -> None:
        """Make room: others write now."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


def _nobody() -> Sequence[str]:
    return ()


class Progress:
    """What goes on, on a display.

    Args:
        display: where; None to tell nobody.
        clock: tells how long a phase has taken.

    Attributes:
        as_shown: makes of a text what may be shown of it.
    """

    def __init__(self, display: Display | None, clock: Clock) -> None:
        self.as_shown: Callable[[str], str] = str
        self._display = display
        self._clock = clock
        self._others: Callable[[], Sequence[str]] = _nobody
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._ticker: threading.Thread | None = None
        self._phase = self._detail = ""
        self._since_ns = self._cleared_ns = 0
        self._shown = False

    def show(self, phase: str, detail: str = "") -> None:
        """Tell what goes on now.

        Args:
            phase: what is being done; a new one begins when this changes.
            detail: how far it is.
        """
        with self._lock:
            if phase != self._phase:
                self._phase, self._since_ns = phase, self._clock.now_ns()
            self._detail = detail
            self._draw()
            self._start()

    def follow(self, others: Callable[[], Sequence[str]]) -> None:
        """Tell also what goes on in other processes.

        Args:
            others: what each of them does now; asked every second.
        """
        with self._lock:
            self._others = others
            self._start()

    def again(self) -> None:
        """Tell it again, with the time it has taken."""
        with self._lock:
            if self._clock.now_ns() - self._cleared_ns > _WRITING_NS:
                self._draw()

    def clear(self) -> None:
        """Nothing goes on here now, and pytest is about to write."""
        with self._lock:
            self._phase, self._cleared_ns = "", self._clock.now_ns()
            self._wipe()

    def close(self) -> None:
        """Tell nothing any more."""
        self._closed.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._wipe()
            if self._display is not None:
                self._display.close()
            self._display = None

    def _start(self) -> None:
        if self._display is not None and self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="inferbench-progress", daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_S):
            self.again()

    def _draw(self) -> None:
        if self._display is None:
            return
        texts = [self._text(), *self._others()] if self._phase else self._others()
        if not texts:
            self._wipe()
            return
        self._shown = True
        shown = map(self.as_shown, texts)
        self._display.show(["".join(letter if letter.isprintable() else " " for letter in text) for text in shown])

    def _wipe(self) -> None:
        if self._shown and self._display is not None:
            self._display.clear()
        self._shown = False

    def _text(self) -> str:
        seconds = (self._clock.now_ns() - self._since_ns) // NS_PER_S
        lasted = "" if self._detail or seconds < _WORTH_TELLING_S else f"{duration(seconds)} so far"
        return " · ".join(filter(None, (self._phase, self._detail, lasted)))
