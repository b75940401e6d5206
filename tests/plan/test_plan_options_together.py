"""Options that do not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_inferbench.options import OPTIONS, Setting, Settings
from pytest_inferbench.plan.option_checks import check_options

UPDATE = {"update_baselines": True}


def options(*, pairs_from="default", **changes):
    values = {option.dest: Setting(option.default, "default") for option in OPTIONS}
    values |= {f"inferbench_{name}": Setting(value, "command line") for name, value in changes.items()}
    values["inferbench_compare_pairs"] = Setting("5..12", pairs_from)
    return Settings(values, Path("/nowhere"))


@pytest.fixture(autouse=True)
def no_pipeline(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.parametrize(
    "good",
    [
        {},
        UPDATE,
        {**UPDATE, "baseline_mode": "prune"},
        {**UPDATE, "baseline_mode": "reseat", "accept_regressions": True},
        {"compare": "A..B", "pairs_from": "command line"},
        {"compare": "A..A", **UPDATE},
        {"compare": "A..A", **UPDATE, "baseline_mode": "append"},
    ],
    ids=str,
)
def test_what_goes_together_passes(good):
    """Nothing is said."""
    assert check_options(options(**good)) is None


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"pairs_from": "command line"}, r"--compare-pairs 5\.\.12 says how long .* add --compare A\.\.B"),
        ({"compare": "A..A", **UPDATE, "baseline_mode": "reseat"}, "--baseline-mode reseat with --compare: pairs are"),
        ({"compare": "A..A", **UPDATE, "accept_regressions": True}, "--accept-regressions with --compare: pairs are"),
        ({**UPDATE, "baseline_mode": "merge"}, "--baseline-mode merge: unknown; use one of append, reseat, prune"),
        ({"baseline_mode": "append"}, "--baseline-mode append says how baselines are updated; add --update-baselines"),
        ({"accept_regressions": True}, "--accept-regressions says how baselines are updated"),
        ({**UPDATE, "baseline_mode": "prune", "accept_regressions": True}, "has nothing to accept with .* prune"),
    ],
)
def test_what_does_not_is_refused_with_the_way_out(bad, said):
    """The option that is too much, or the one that is missing."""
    with pytest.raises(ValueError, match=said):
        check_options(options(**bad))


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "yes"])
def test_a_pipeline_says_how_it_keeps_what_it_records(monkeypatch, value):
    """What it writes is gone with its checkout unless a later step keeps it, which the mode says."""
    monkeypatch.setenv("CI", value)
    with pytest.raises(ValueError, match="lost with its checkout"):
        check_options(options(**UPDATE))
    check_options(options(**UPDATE, baseline_mode="append"))
    monkeypatch.setenv("CI", "false")
    check_options(options(**UPDATE))
