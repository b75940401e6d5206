"""Whose a container is: labels that say which process started it, and whether that one still lives.

Limits: a process is its id and its start time, on one machine and in one namespace of process ids. Of what somebody
elsewhere started nothing can be known here, and it counts as alive.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil

RUN, SPEC, KEPT = "inferbench.run", "inferbench.spec", "inferbench.kept"
PID, STARTED, PLACE = "inferbench.owner.pid", "inferbench.owner.started", "inferbench.owner.place"
_NAMESPACE = Path("/proc/self/ns/pid")
# The system's start, from which a process's is reckoned, moves when the clock is set.
_SLACK_S = 2.0


def owner_labels(run_id: str, spec: str, *, kept: bool) -> dict[str, str]:
    """Labels for what this process starts.

    Args:
        run_id: the run's name.
        spec: the digest of what is started.
        kept: it shall stay when the run ends.
    """
    return {
        RUN: run_id,
        SPEC: spec,
        PID: str(os.getpid()),
        STARTED: f"{psutil.Process().create_time():.2f}",
        PLACE: _place(),
        **({KEPT: "yes"} if kept else {}),
    }


def owner_lives(labels: Mapping[str, str]) -> bool:
    """Whether the process that labelled this still runs; True where that cannot be told from here."""
    if labels.get(PLACE) != _place():
        return True
    try:
        pid, started = int(labels[PID]), float(labels[STARTED])
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) <= _SLACK_S
    except (KeyError, ValueError):
        return True
    except psutil.NoSuchProcess:
        return False


def _place() -> str:
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = str(_NAMESPACE.readlink())
    return f"{platform.node()} {namespace}".strip()
