"""Real nights: what the gate says of series that were measured, night after night.

Limits: figures come from the file as they are; nothing is drawn. Each gate is a case of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.perf.proof.rates import former, shipped
from benchmarks.perf.proof.worlds import Draw

from pytest_inferbench.stats.rule import Rule

FIRST = 8
_DIMENSIONS, _SESSIONS = 3, 2


@dataclass(frozen=True)
class Nights:
    """What a rule says of the nights of all suites.

    Attributes:
        runs: nights judged.
        alarms: share of them with any gate called, nothing having changed but what really had.
        found: share of gates called where each is 10 % worse.
    """

    runs: int
    alarms: float
    found: float


def read(path: Path) -> dict[str, np.ndarray]:
    """The suites of a file: arrays gates x nights x 2 of oriented logs (+ is worse), two sessions a night.

    Raises:
        ValueError: an array of another shape.
    """
    with np.load(path) as file:
        found = {name: np.asarray(file[name], dtype=np.float64) for name in file.files}
    for name, suite in found.items():
        if suite.ndim != _DIMENSIONS or suite.shape[2] != _SESSIONS:
            raise ValueError(f"{path}: {name} has the shape {suite.shape}, expected gates x nights x {_SESSIONS}")
    return found


def judged(suites: dict[str, np.ndarray], *, before: bool, window: int = 20) -> Nights:
    """Judge every night from the ninth on by the nights before it."""
    rule_of = former if before else shipped
    alarms: list[bool] = []
    found: list[float] = []
    for suite in suites.values():
        for night in range(FIRST, suite.shape[1]):
            past, today = suite[:, max(0, night - window) : night, 0], suite[:, night, :]
            whole = np.isfinite(past).all(axis=1) & np.isfinite(today).all(axis=1)
            if not whole.any():
                continue
            drawn = Draw(past[None, whole], today[None, whole], tuple(range(past.shape[1])), gates_a_case=1)
            at = rule_of(drawn, Rule(gates=int(whole.sum())))
            alarms.append(bool(at(0.0).any()))
            found.append(float(at(math.log1p(0.10)).mean()))
    return Nights(len(alarms), float(np.mean(alarms)), float(np.mean(found)))
