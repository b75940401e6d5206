"""The verdicts, and which is worse.

Limits: one word per outcome, used everywhere (documents, reports, baselines, pytest outcomes).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What is said of a check or a case, from worst to best in declaration order."""

    INVALID = "invalid"
    OVER_BUDGET = "over_budget"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    NEW = "new"
    OK = "ok"
    IMPROVED = "improved"
    WITHIN_BUDGET = "within_budget"

    @property
    def label(self) -> str:
        """The verdict as people read it: `OVER BUDGET`."""
        return self.value.replace("_", " ").upper()


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The worst of several verdicts; None of none."""
    return min(verdicts, key=_RANK.__getitem__, default=None)
