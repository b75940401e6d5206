"""What a run's document says of all its cases together."""

from __future__ import annotations

import pytest

from made.cases import budget, case, comparison, document, history
from pytest_inferbench.document.build import count_verdicts
from pytest_inferbench.document.figures import Check
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction


def gate(**fields):
    return history("ttft_ms.p50", Verdict.OK, 41.2, **{"direction": Direction.LOWER, **fields})


def test_a_run_without_comparisons_has_no_error_rate() -> None:
    """Budgets alone spend none."""
    run = document((case("single", checks=(budget("ttft_ms.p50", 41.2, "max 50", "ms", 7, over=False),)),))
    assert run.family is None


def test_the_error_rate_of_a_run_is_that_of_all_its_gates() -> None:
    """The gates and alpha as any has them, and what each one's noise lets one expect; one not judged adds nothing."""
    cases = (
        case("single", checks=(gate(false_alarm=0.01, gates=3, alpha=0.06), gate(false_alarm=0.002, gates=3))),
        case("prefix", checks=(gate(false_alarm=None, gates=3),)),
    )
    found = document(cases).family
    assert (found.gates, found.alpha, found.alpha_each) == (3, 0.06, pytest.approx(0.02))
    assert found.at_most_per_100 == pytest.approx(6.0)
    assert found.expected_per_100 == pytest.approx(1.2)


def test_what_days_share_is_told_for_all_gates() -> None:
    """One figure where all have it; from the least to the most where not, whether any was measured, and who says so."""
    same = document((case("single", checks=(gate(), gate())),)).family
    assert (same.shared, same.shared_most, same.shared_measured, same.shared_source) == (0.5, None, False, "assumed")
    measured = {"shared": 0.3, "shared_measured": True, "shared_source": "A/A run of 2025-01-21"}
    apart = document((case("single", checks=(gate(), gate(**measured), gate())),)).family
    assert (apart.shared, apart.shared_most, apart.shared_measured) == (0.3, 0.5, True)
    assert apart.shared_source == "assumed; A/A run of 2025-01-21"


def test_pairs_share_no_days() -> None:
    """Their arms are measured in turn, so there is nothing to tell."""
    pairs = Check("ttft_ms.p50", "pairs", Verdict.OK, 41.2, comparison=comparison(arms=("a", "b")))
    found = document((case("single", checks=(pairs,)),)).family
    assert (found.gates, found.shared, found.shared_source) == (5, None, None)


def test_a_case_that_is_over_budget_and_regressed_counts_in_both() -> None:
    """The worst first; verdicts that no case has are left out."""
    over = budget("ttft_ms.p50", 61.2, "max 50", "ms", 7, over=True)
    worse = history("ttft_ms.p50", Verdict.REGRESSED, 61.2)
    both = case("single", Verdict.OVER_BUDGET, checks=(over, worse))
    cases = (both, case("prefix", Verdict.OVER_BUDGET, checks=(over,)), case("soak", Verdict.OK), both)
    assert list(count_verdicts(cases).items()) == [("over_budget", 3), ("regressed", 2), ("ok", 1)]
    assert count_verdicts(()) == {}
