"""A busy neighbour: a process that keeps one core from another for 50 ms at a time, as a loaded host does.

Limits: bounded in time, one core only, ended with the block that started it. It takes real-time priority, because a
load worker has it too and an ordinary neighbour would not hold it up at all.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

BUSY_S = 0.05
_REST_S = 0.01
_LONGEST_S = 30
_PRIORITY = 50  # above a load worker's 1


@contextlib.contextmanager
def busy_core(cpu: int) -> Iterator[None]:
    """Keep a core busy while the block runs; skips the test where that is not allowed."""
    source = (
        "import os, time\n"
        f"os.sched_setaffinity(0, {{{cpu}}})\n"
        f"os.sched_setscheduler(0, os.SCHED_RR, os.sched_param({_PRIORITY}))\n"
        "print('busy', flush=True)\n"
        f"end = time.monotonic() + {_LONGEST_S}\n"
        "while time.monotonic() < end:\n"
        f"    until = time.monotonic() + {BUSY_S}\n"
        "    while time.monotonic() < until: pass\n"
        f"    time.sleep({_REST_S})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "busy\n":
                pytest.skip("real-time priority is not allowed here")
            yield
        finally:
            process.kill()


def pin(pid: int, cpu: int) -> None:
    """Let a process and its threads run on one core only."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {cpu})


def load_workers() -> list[int]:
    """The load workers that this process has started."""
    return [
        child.pid for child in psutil.Process().children() if any("load.worker" in word for word in child.cmdline())
    ]
