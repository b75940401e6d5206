"""Which verdict is worse, and how it reads."""

from __future__ import annotations

from pytest_inferbench.stats.verdict import Verdict, worst


def test_the_worst_of_several_is_the_case_s():
    """INVALID outranks a broken budget, which outranks all that passes; of nothing there is no worst."""
    assert worst([Verdict.OK, Verdict.OVER_BUDGET, Verdict.INVALID]) is Verdict.INVALID
    assert worst([Verdict.OK, Verdict.INCONCLUSIVE, Verdict.REGRESSED]) is Verdict.REGRESSED
    assert worst([Verdict.WITHIN_BUDGET, Verdict.NEW]) is Verdict.NEW
    assert worst([]) is None


def test_a_verdict_reads_as_words():
    """Underscores are for machines."""
    assert Verdict.OVER_BUDGET.label == "OVER BUDGET"
