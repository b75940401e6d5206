"""A Python that holds up what it runs: `held_python.py SHARE PROGRAM ARG...` stops the program for SHARE of the time.

Stands in for a server that became slower: the same server, standing still for a part of every few milliseconds, so
that all its work takes 1 / (1 - SHARE) as long. Standard library only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

_PERIOD_S = 0.02


def main() -> int:
    """Run the program and hold it up until it ends; its own exit status."""
    share, command = float(sys.argv[1]), sys.argv[2:]
    program = subprocess.Popen([sys.executable, *command])  # noqa: S603 - the caller's own program
    signal.signal(signal.SIGTERM, lambda *_: (program.send_signal(signal.SIGCONT), program.terminate()))
    if not share:
        return program.wait()
    begin, held_s = time.monotonic(), 0.0
    while program.poll() is None:
        # A sleep ends late, so what is still owed is reckoned from how long the program has stood.
        owed = share * (time.monotonic() - begin + _PERIOD_S) - held_s
        if owed > 0:
            program.send_signal(signal.SIGSTOP)
            stopped = time.monotonic()
            time.sleep(owed)
            program.send_signal(signal.SIGCONT)
            held_s += time.monotonic() - stopped
        time.sleep((1 - share) * _PERIOD_S)
    return program.returncode


if __name__ == "__main__":
    raise SystemExit(main())
