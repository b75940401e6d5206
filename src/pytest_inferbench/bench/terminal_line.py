"""Progress as one line of a terminal, drawn below the one that pytest is writing.

Limits: writes to a descriptor that was taken before output is captured; never breaks a line of others.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

from pytest_inferbench.clock import NS_PER_S, Clock

_TURN_NS = 3 * NS_PER_S
_END = 0.75
_NARROW, _USUAL = 20, 80
_DRAW = "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K{text}\x1b8"  # one line below the cursor, which stays where it was


class TerminalLine:
    """One line below pytest's that says what goes on; of several things one after the other.

    Args:
        descriptor: a terminal; closed with this.
        clock: tells whose turn it is.
    """

    def __init__(self, descriptor: int, clock: Clock) -> None:
        self._fd = descriptor
        self._clock = clock

    def show(self, texts: Sequence[str]) -> None:
        """Replace the line."""
        from pytest_inferbench.report.escape import shorten  # noqa: PLC0415 - only once something is shown

        text = texts[self._clock.now_ns() // _TURN_NS % len(texts)]
        # Its end says how far it is; what it begins with has been there for long.
        write_past_capture(self._fd, _DRAW.format(text=shorten(text, self._columns() - 1, end=_END)))

    def _columns(self) -> int:
        """Asked of the terminal itself: while a test runs, standard output is a file."""
        try:
            columns = os.get_terminal_size(self._fd).columns
        except OSError:
            columns = 0
        return max(columns, _NARROW) if columns else _USUAL

    def clear(self) -> None:
        """Remove the line."""
        write_past_capture(self._fd, _DRAW.format(text=""))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def write_past_capture(descriptor: int, text: str) -> None:
    """Write to a descriptor of a terminal or a log, as long as somebody reads it."""
    with contextlib.suppress(OSError):  # the reader of a pipe has gone
        os.write(descriptor, text.encode(errors="replace"))
