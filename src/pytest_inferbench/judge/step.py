"""One step of a measurement in several starts: start a server, measure a case on it, or be done.

Limits: a step names; it does nothing. A start ends the server before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Start:
    """Start a fresh server of one arm; "" where there is only the cell's own."""

    arm: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure a case, by its name, on the server that was started last."""

    case: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to measure."""


Step: TypeAlias = Start | Measure | Done
