"""How long a command takes, beside what else a shared machine does.

Limits: the shortest wall time of a few turns, and the processor time of the same turn; one turn before them is not
counted: it writes bytecode and warms the disk's cache.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_TURNS = 4


@dataclass(frozen=True, slots=True, order=True)
class Took:
    """Seconds of one command.

    Attributes:
        wall: from its start to its end.
        cpu: processor time of it and of what it started.
    """

    wall: float
    cpu: float


def shortest(commands: Sequence[Sequence[str]], cwd: Path) -> list[Took]:
    """The shortest time of each command, all of them in turn."""
    found: list[list[Took]] = [[] for _ in commands]
    for _ in range(_TURNS + 1):
        for command, seen in zip(commands, found, strict=True):
            seen.append(timed(command, cwd))
    return [min(seen[1:]) for seen in found]


def timed(command: Sequence[str], cwd: Path) -> Took:
    """One turn.

    Raises:
        SystemExit: the command failed; its words are shown.
    """
    before, began = os.times(), monotonic()
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603 - our own
    wall, after = monotonic() - began, os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed (exit {done.returncode}):\n{done.stdout}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(wall, cpu)
