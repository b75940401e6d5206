"""What a regression item says of a case, put beside what its test measured."""

from __future__ import annotations

from dataclasses import replace

from made.cases import budget, case, history
from pytest_inferbench.document.case import Against, Difference, NextStep
from pytest_inferbench.document.judgement import Judgement, judgement_of, with_judgement
from pytest_inferbench.stats.verdict import Verdict

WITHIN = budget("ttft_ms.p50", 41.2, "max 50", "ms", 7, over=False)
WORSE = history("ttft_ms.p50", Verdict.REGRESSED, 41.2)
AGAINST = Against(8, "2025-03-01", (Difference("kernel", "6.1", "6.8"),))
STEPS = (NextStep("look at", "server.log"),)
CASE = case("single", Verdict.WITHIN_BUDGET, checks=(WITHIN,), notes=("itl_ms is absent",))


def said(**changes):
    usual = {"notes": ("the kernel changed",), "against": AGAINST, "next_steps": STEPS}
    return Judgement(CASE.id, CASE.case, (WORSE,), **(usual | changes))


def test_a_judgement_is_what_the_case_says() -> None:
    """What is made of a case that has its comparisons alone gives them all back."""
    alone = replace(CASE, checks=(), notes=())
    judged = with_judgement(alone, [said()])
    assert judgement_of(judged) == said()


def test_what_was_said_comes_after_what_was_measured() -> None:
    """Checks and notes are added, and the verdict is the worst of all."""
    judged = with_judgement(CASE, [said()])
    assert judged.checks == (WITHIN, WORSE)
    assert judged.notes == ("itl_ms is absent", "the kernel changed")
    assert (judged.verdict, judged.against, judged.next_steps) == (Verdict.REGRESSED, AGAINST, STEPS)


def test_what_is_said_of_another_case_is_not_of_this_one() -> None:
    """Both the test and the case must be the same; the first that fits is taken."""
    others = [replace(said(), case="single#2"), replace(said(), id="test_other.py::test")]
    assert with_judgement(CASE, others) == CASE
    assert with_judgement(CASE, [*others, said(), said(notes=("again",))]).notes[-1] == "the kernel changed"


def test_what_a_judgement_does_not_say_stays() -> None:
    """Without checks the verdict stands; without sessions and steps those that there were."""
    known = replace(CASE, checks=(), against=AGAINST, next_steps=STEPS)
    assert with_judgement(known, [Judgement(CASE.id, CASE.case, ())]) == known
