"""Which of a run's cases are kept when it goes on, and when it cannot."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from made.cases import budget, case, document, history
from pytest_inferbench.archive.resume import Resumed, refuse_other_hardware, resumed_from
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.document.run import Error
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.stats.verdict import Verdict

OVER = budget("ttft_ms.p50", 61.0, "max 60", "ms", 3, over=True)
COMPARED = case("single", Verdict.REGRESSED, checks=(OVER, history("ttft_ms.p50", Verdict.REGRESSED, 61.0)))
MEASURED = case("rate[r05]", Verdict.NEW)
BROKEN = case("soak", Verdict.INVALID, validity=(Finding("client_cpu", invalid=True, message="busy", remedy="rest"),))
LEFT = Resumed(document((COMPARED, MEASURED, BROKEN)))


@dataclass
class Item:
    nodeid: str


def test_a_case_is_kept_with_its_budgets_alone() -> None:
    """What compared it is judged anew, so its verdict is that of its budgets."""
    kept = LEFT.kept_case(COMPARED.id, "single", COMPARED.workload_hash)
    assert kept is not None
    assert (kept.checks, kept.verdict, kept.rounds) == ((OVER,), Verdict.OVER_BUDGET, COMPARED.rounds)


def test_another_workload_or_an_invalid_case_is_measured_again() -> None:
    """As is a case that the run does not know."""
    assert LEFT.kept_case(COMPARED.id, "single", "another") is None
    assert LEFT.kept_case(BROKEN.id, "soak", BROKEN.workload_hash) is None
    assert LEFT.kept_case("elsewhere", "single", COMPARED.workload_hash) is None


def test_only_what_was_compared_is_done() -> None:
    """A test whose case waits for its comparison, is invalid, or ended in an error has something left to do."""
    items = [Item(each.id) for each in (COMPARED, MEASURED, BROKEN)]
    assert LEFT.split(items) == (items[1:], items[:1])
    failed = Resumed(document((COMPARED,), errors=[Error(COMPARED.id, "the test failed: AssertionError")]))
    assert failed.split(items[:1]) == (items[:1], [])


def test_a_worker_has_the_same_run() -> None:
    """What the controller sends is what the worker reads."""
    assert resumed_from(to_json(LEFT.document)) == LEFT


def test_a_run_goes_on_where_it_was_begun() -> None:
    """Figures of two machines are not one run's."""
    refuse_other_hardware(LEFT, "1x-nvidia-h200")
    with pytest.raises(ConfigError, match=r"measured on 1x-nvidia-h200, and this is 2x-some-cpu\. Go on there"):
        refuse_other_hardware(LEFT, "2x-some-cpu")
