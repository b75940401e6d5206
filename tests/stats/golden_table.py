"""Comparing a measured table with the committed one: words exactly, figures within a few draws.

Limits: a mismatch writes the measured lines to `<table>.got` beside the golden file.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden" / "stats"
# By decimals printed: another processor's rounding may flip a few draws in 2000, or the last digit.
TOLERANCE = {1: 0.101, 2: 0.0101, 4: 0.0021}


def golden(name: str) -> list[str]:
    """The committed table's lines."""
    return (GOLDEN / name).read_text(encoding="utf-8").splitlines()


def differing(measured: list[str], committed: list[str], name: str) -> list[str]:
    """Lines that disagree, as `measured | committed`."""
    wrong = [
        f"{mine} | {theirs}"
        for mine, theirs in zip_longest(measured, committed, fillvalue="")
        if not _agree(mine, theirs)
    ]
    if wrong:
        (GOLDEN / f"{name}.got").write_text("\n".join(measured) + "\n", encoding="utf-8")
    return wrong


def _agree(mine: str, theirs: str) -> bool:
    left, right = mine.split(), theirs.split()
    return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        x, y = (float(text.strip("()%+")) for text in (a, b))
    except ValueError:
        return False
    decimals = len(a.strip("()%").partition(".")[2])
    return abs(x - y) <= TOLERANCE.get(decimals, 0.0)
