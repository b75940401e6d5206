"""The cases of a run as they come in, over its invocations."""

from __future__ import annotations

from dataclasses import replace

from made.cases import budget, case, document, history
from pytest_inferbench.archive.book import Book
from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.archive.resume import Resumed
from pytest_inferbench.document.case import Against
from pytest_inferbench.document.judgement import Judgement
from pytest_inferbench.document.run import Error, Invocation, Skipped
from pytest_inferbench.stats.verdict import Verdict

NOW = "2026-01-02T00:00:00+00:00"
KEPT = "budget", budget("ttft_ms.p50", 41.0, "max 60", "ms", 3, over=False)
FIRST = case("single", Verdict.WITHIN_BUDGET, checks=(KEPT[1],))
SECOND = case("rate[r05]")


def test_a_run_of_one_invocation_does_not_mention_it() -> None:
    """Neither its cases nor the document say which invocation measured them."""
    book = Book(NOW, None)
    book.take("test", Reported((FIRST, SECOND)))
    assert book.cases == [FIRST, SECOND]
    assert (book.invocations(None, interrupted=True), book.kept) == ([], [])


def test_a_resumed_run_says_which_invocation_measured_a_case() -> None:
    """What was there is of the first, what comes is of the second; what is given again as it was stays of the first."""
    left = document((FIRST,), interrupted=True)
    book = Book(NOW, Resumed(left))
    book.take("test", Reported((FIRST, SECOND)))
    assert [each.invocation for each in book.cases] == [1, 2]
    assert book.kept == [replace(FIRST, invocation=1)]
    again = replace(FIRST, rounds=FIRST.rounds[:1])
    book.take("test", Reported((again,)))
    assert [each.invocation for each in book.cases] == [2, 2], "it was measured anew"
    first = Invocation(left.started, left.finished, interrupted=True)
    assert book.invocations(None, interrupted=False) == [first, Invocation(NOW, None, interrupted=False)]


def test_what_is_said_of_a_case_is_added_to_it() -> None:
    """Checks and notes are added, the verdict is the worst of all checks; another case stays as it is."""
    book = Book(NOW, None)
    book.take("test", Reported((FIRST, SECOND)))
    regressed = history("ttft_ms.p50", Verdict.REGRESSED, 52.0)
    against = Against(8, "2026-01-01T00:00:00+00:00", ())
    said = Judgement(FIRST.id, FIRST.case, (regressed,), ("a note",), against)
    book.take("test::regression", Reported(judged=(said,)))
    found, other = book.cases
    assert (found.verdict, found.checks, found.notes) == (Verdict.REGRESSED, (KEPT[1], regressed), ("a note",))
    assert found.against == against
    assert other == SECOND


def test_a_test_that_runs_again_takes_back_what_it_said() -> None:
    """An error and a skip of an earlier invocation go when its test runs, and the cases of an earlier attempt."""
    left = document((), skipped=[Skipped("a", "no GPU")], errors=[Error("b", "died")])
    book = Book(NOW, Resumed(left))
    book.take("a", Reported())
    assert (book.skipped, book.errors) == ([], [Error("b", "died")])
    book.take(FIRST.id, Reported((FIRST,)))
    book.take(FIRST.id, Reported())
    assert len(book.cases) == 1, "the same attempt, in another phase"
    book.take(FIRST.id, Reported(attempt=2))
    assert book.cases == []
