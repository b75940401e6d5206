"""The list of workloads, and the public names."""

import pytest

import pytest_inferbench
from pytest_inferbench.config.docstrings import attribute_docstrings
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.workloads.catalogue import WORKLOADS, workload_named


def test_kinds_are_found_by_name():
    """Every workload has a kind of its own, by which it is found."""
    assert len({workload.kind for workload in WORKLOADS}) == len(WORKLOADS)
    for workload in WORKLOADS:
        assert workload_named(workload.kind) is workload


def test_a_wrong_kind_names_the_nearest():
    """With the place where it was written; where nothing is near, all are listed."""
    with pytest.raises(
        ConfigError, match=r"^x\.bench\.yaml:3: there is no workload 'multiturn'; did you mean 'multi_turn'"
    ):
        workload_named("multiturn", "x.bench.yaml:3")
    with pytest.raises(ConfigError, match=r"^there is no workload 'xyz'; there are: single, batch"):
        workload_named("xyz")


def test_every_workload_is_public():
    """`from pytest_inferbench import X` works for each, and nothing is public that is not there."""
    for_hooks = {"Direction", "Kind", "SampleMetric", "Unit", "ValueMetric", "Zero"}
    for_tests = {"Backend", "Bench", "Budget", "InferbenchError", "Result"}
    for workload in WORKLOADS:
        assert getattr(pytest_inferbench, workload.__name__) is workload
    assert set(pytest_inferbench.__all__) == {w.__name__ for w in WORKLOADS} | for_hooks | for_tests
    assert all(getattr(pytest_inferbench, name) for name in for_hooks | for_tests)
    assert sorted(pytest_inferbench.__all__) == pytest_inferbench.__all__


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.kind)
def test_options_are_documented(workload):
    """Each option of a workload has its docstring, which editors and the documentation show."""
    assert workload.model_fields.keys() <= attribute_docstrings(workload).keys()
