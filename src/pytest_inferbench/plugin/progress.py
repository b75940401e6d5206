"""Progress: what goes on now, kept before people's eyes while pytest is silent.

Law: it goes past pytest's capturing, so nothing of it lands in a report. A phase that lasts is told again with the time
it has taken: whoever waits sees that something lives. What cannot be written is not worth an error.
"""

from __future__ import annotations

import threading
from typing import Protocol

from pytest_inferbench.clock import NS_PER_S, Clock

_TICK_S = 1.0
_WORTH_TELLING_S = 5
_MINUTE = 60


class Display(Protocol):
    """Where progress is shown."""

    def show(self, text: str) -> None:
        """Show what goes on; asked for at every change and every second."""
        ...

    def clear(self) -> None:
        """Make room: others write now."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Progress:
    """What goes on, on a display.

    Args:
        display: where; None to tell nobody.
        clock: tells how long a phase has taken.
    """

    def __init__(self, display: Display | None, clock: Clock) -> None:
        self._display = display
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._ticker: threading.Thread | None = None
        self._phase = self._detail = ""
        self._since_ns = 0

    def show(self, phase: str, detail: str = "") -> None:
        """Tell what goes on now.

        Args:
            phase: what is being done; a new one begins when this changes.
            detail: how far it is.
        """
        if self._display is None:
            return
        with self._lock:
            if phase != self._phase:
                self._phase, self._since_ns = phase, self._clock.now_ns()
            self._detail = detail
            self._draw(self._display)
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick, name="inferbench-progress", daemon=True)
                self._ticker.start()

    def again(self) -> None:
        """Tell it again, with the time it has taken."""
        with self._lock:
            if self._phase and self._display is not None:
                self._draw(self._display)

    def clear(self) -> None:
        """Nothing goes on, or others write now."""
        with self._lock:
            if self._phase and self._display is not None:
                self._phase = ""
                self._display.clear()

    def close(self) -> None:
        """Tell nothing any more."""
        self._closed.set()
        if self._ticker is not None:
            self._ticker.join()
        if self._display is not None:
            self._display.close()
            self._display = None

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_S):
            self.again()

    def _draw(self, display: Display) -> None:
        seconds = (self._clock.now_ns() - self._since_ns) // NS_PER_S
        lasted = "" if self._detail or seconds < _WORTH_TELLING_S else f"{_spoken(seconds)} so far"
        text = " · ".join(filter(None, (self._phase, self._detail, lasted)))
        display.show("".join(letter if letter.isprintable() else " " for letter in text))


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < _MINUTE else f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
