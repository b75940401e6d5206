"""Precedence and environment variables, each value with its source."""

import pytest

from pytest_inferbench.config.document import Source
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.resolve import Resolved, built_in, candidate_of, first, merge_args

OPTION = Source(text="from --backend-version")
DEFAULTS = parse("version: v1\nimage:\nargs: {a: 1, b: 2}\n", "base.yaml")
MODEL = parse("version: v2\nargs:\n  b: 3\n  c: [x]\n", "m.yaml")


def test_the_strongest_candidate_wins():
    """Command line over model over defaults over built in, and the result says which it was."""
    option = Resolved("v3", OPTION)
    of_model, of_defaults = candidate_of(MODEL, "version"), candidate_of(DEFAULTS, "version")
    assert first(option, of_model, of_defaults, built_in("v0")) == option
    assert str(first(None, of_model, of_defaults, built_in("v0")).source) == "m.yaml:1"
    assert first(None, None, of_defaults, built_in("v0")) == Resolved("v1", Source("base.yaml", 1))
    assert str(first(None, None, None, built_in("v0")).source) == "default"


def test_absent_and_empty_keys_are_no_candidates():
    """A key that is not there, or has no value, leaves the choice to a weaker layer."""
    assert candidate_of(DEFAULTS, "image") is None
    assert candidate_of(DEFAULTS, "program") is None


def test_without_a_built_in_value():
    """Forgetting the built-in value is a mistake of ours that is seen at once."""
    with pytest.raises(ValueError, match=r"end the list with built_in\(value\)"):
        first(None, None)


def test_arguments_merge_by_name():
    """Each argument comes from the strongest layer that names it, as plain data with its own source."""
    typed = {"c": Resolved(9, Source(text="from --backend-args"))}
    merged = merge_args(typed, MODEL.section("args"), DEFAULTS.section("args"))
    assert {name: (arg.value, str(arg.source)) for name, arg in merged.items()} == {
        "a": (1, "base.yaml:3"),
        "b": (3, "m.yaml:3"),
        "c": (9, "from --backend-args"),
    }
    assert merge_args(MODEL.section("args"))["c"].value == ["x"]
