"""What tells a measurement to stop: the whole cell's, or that of one thread.

Idea: a test that runs into a time limit stops what it measures and nothing else; whoever looks whether to go on looks
in the thread that measures, so each is asked for itself.
Limits: knows no load and no test; stays an event, which is all that a load engine wants to know of it.
"""

from __future__ import annotations

import threading


class Cancel(threading.Event):
    """Set for everybody by `set`, and for one thread by `stop`."""

    def __init__(self) -> None:
        super().__init__()
        self._stopped: set[threading.Thread] = set()

    def stop(self, thread: threading.Thread) -> None:
        """Have what one thread measures stop."""
        self._stopped.add(thread)

    def forget(self, thread: threading.Thread) -> None:
        """It has stopped; what the same thread measures next goes on."""
        self._stopped.discard(thread)

    def is_set(self) -> bool:
        """Whether this thread is to stop."""
        return super().is_set() or threading.current_thread() in self._stopped
