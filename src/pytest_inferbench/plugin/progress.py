"""The progress line: what is being measured now, on a terminal, beside pytest's own output.

Law: it writes to a copy of the terminal's file descriptor taken before pytest captures output, so that nothing of
it lands in a report; without a terminal it is silent.
"""

from __future__ import annotations

import os
import shutil

_DRAW = "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K{text}\x1b8"  # one line below the cursor, which stays where it was
_CLEAR = "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K\x1b8"


class ProgressLine:
    """One line below pytest's that says what goes on.

    Args:
        descriptor: pytest's own standard output, before capturing starts.
    """

    def __init__(self, descriptor: int) -> None:
        self._fd: int | None = None
        try:
            if os.isatty(descriptor) and os.environ.get("TERM", "dumb") != "dumb":
                self._fd = os.dup(descriptor)
        except OSError:
            return

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._fd is not None:
            width = shutil.get_terminal_size().columns - 1
            self._write(_DRAW.format(text=text[:width]))

    def clear(self) -> None:
        """Remove the line."""
        if self._fd is not None:
            self._write(_CLEAR)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, text: str) -> None:
        if self._fd is not None:
            os.write(self._fd, text.encode())
