"""A Python that holds up what it runs: `held_python.py SHARE PROGRAM ARG...` stops the program for SHARE of the time.

Stands in for a server that became slower: the same server, standing still for a part of every few milliseconds, so
that all its work takes 1 / (1 - SHARE) as long. Standard library only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

_PERIOD_S = 0.008


def main() -> int:
    """Run the program and hold it up until it ends; its own exit status."""
    share, command = float(sys.argv[1]), sys.argv[2:]
    program = subprocess.Popen([sys.executable, *command])  # noqa: S603 - the caller's own program
    signal.signal(signal.SIGTERM, lambda *_: (program.send_signal(signal.SIGCONT), program.terminate()))
    if not share:
        return program.wait()
    turn = time.monotonic()
    while program.poll() is None:
        program.send_signal(signal.SIGSTOP)
        held = time.monotonic()
        time.sleep(max(0.0, turn + share * _PERIOD_S - held))
        program.send_signal(signal.SIGCONT)
        turn = max(turn + _PERIOD_S, time.monotonic())
        time.sleep(max(0.0, turn - time.monotonic()))
    return program.returncode


if __name__ == "__main__":
    raise SystemExit(main())
