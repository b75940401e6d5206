"""What a test reports to the run's book: from the process that measured, which under xdist is another one.

Limits: values; it travels as the JSON types of `document.codec`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.judgement import Judgement
from pytest_inferbench.document.part import Part


@dataclass(frozen=True, slots=True)
class Reported(Part):
    """What one phase of one benchmark, or of its regression item, came to."""

    cases: tuple[CaseResult, ...] = ()
    """What the test measured."""
    judged: tuple[Judgement, ...] = ()
    """What a regression item says of cases."""
    regression: bool = False
    """Whether it is a regression item's."""
    attempt: int = 1
    """The number of the attempt, where a plugin runs a test again."""
    failed: str = ""
    """Why the test failed by itself, as by an `assert`."""
    unavailable: bool = False
    """Its cell cannot run on this machine."""
