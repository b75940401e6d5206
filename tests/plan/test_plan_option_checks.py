"""Values of options that mean nothing, each refused in one short line."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.options import OPTIONS, Option, Setting, Settings
from pytest_inferbench.plan.option_checks import check_options, value_problem
from pytest_inferbench.plan.pair import read_pairs
from pytest_inferbench.plan.request import extra_body, request_headers, written_headers

BY_FLAG = {option.flag: option for option in OPTIONS}
NUMBERS = [option for option in OPTIONS if option.kind in (int, float)]


def settings(**given: object) -> Settings:
    values = {option.dest: Setting(option.default, "default") for option in OPTIONS}
    values |= {
        f"inferbench_{name}": Setting(value, "command line", f"--{name} {value}") for name, value in given.items()
    }
    return Settings(values, Path("/nowhere"))


def answer(option: Option, text: str) -> str:
    try:
        return value_problem(option, option.read(text))
    except argparse.ArgumentTypeError as refused:
        return str(refused)


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--server-timeout", float("nan"), "expected a finite number of a usual size"),
        ("--bench-timeout", float("inf"), "expected a finite number of a usual size"),
        ("--bench-timeout", -5.0, "expected a number above 0"),
        ("--bench-timeout", 0.0, "expected a number above 0"),
        ("--bench-timeout", 1e12, "expected at most 3.1536e+07"),
        ("--bench-workers", 0, "expected at least 1"),
        ("--bench-workers", -3, "expected at least 1"),
        ("--bench-seed", 10**400, "expected a finite number of a usual size"),
        ("--gpu-memory-utilization", 1.5, "expected at most 1"),
        ("--bench-temperature", -0.1, "expected at least 0"),
        ("--bench-results", [], "expected a value, which does not begin with --"),
        ("--bench-header", ("X: a", "X: \0"), "expected text without NUL"),
    ],
)
def test_a_value_that_means_nothing_is_refused(flag, value, expected):
    """Whoever asks gets what was expected; the run ends before anything is collected."""
    option = BY_FLAG[flag]
    assert value_problem(option, value) == expected
    with pytest.raises(ValueError, match=expected.replace("+", r"\+")) as refused:
        check_options(settings(**{option.dest.removeprefix("inferbench_"): value}))
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_what_holds_by_default_means_something(option):
    """No default is refused."""
    assert value_problem(option, option.default) == ""


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.flag)
@pytest.mark.parametrize("text", ["x" * 5000, "9" * 5000, "-" + "9" * 400, "nan", "-inf", "1e999", "\x1b[31m", ""])
def test_no_number_on_the_command_line_is_repeated_whole(option: Option, text):
    """However long what was typed is, the answer is a line, and nothing passes as a number that is none."""
    said = answer(option, text)
    assert 0 < len(said) < 200
    assert said.isprintable()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[" * 100_000, "nested more than 100 levels deep"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested more than 100 levels deep"),
        ('{"a": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[1]", "expected a JSON object"),
        ("x" * 5000, "expected a JSON object"),
    ],
)
def test_an_extra_body_that_no_server_reads_is_refused(written, expected):
    """Its beginning and why."""
    with pytest.raises(ConfigError, match=expected) as refused:
        extra_body(settings(extra_body=written))
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("key", ["schl\u00fcssel-1234", "secret\n1234", "secret\x1b[31m", "secret-\U0001f600-1234"])
def test_a_key_that_no_header_can_hold_is_not_shown(key, monkeypatch):
    """One message that says which character of which variable, and nothing of the key."""
    monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(ConfigError, match=r"character \d+ of \d+ of what SOME_KEY holds") as refused:
        request_headers(settings(api_key_env="SOME_KEY"), None)  # type: ignore[arg-type] - the option goes first
    assert "1234" not in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("header", ["X: a\r\nEvil: 1", "X Y: 1", "X: \u00e9", "\u00c9: 1"])
def test_a_header_that_cannot_be_sent_is_refused(header):
    """Before anything is started, and without its value."""
    with pytest.raises(ConfigError, match="its value of ASCII characters on one line") as refused:
        written_headers(settings(header=(header,)))
    assert "Evil" not in str(refused.value)


@pytest.mark.parametrize("written", ["9" * 5000, "5.." + "9" * 5000, "\u00b2..5", "5..4", "x" * 5000])
def test_pairs_that_are_no_numbers_are_refused(written):
    """Too many digits are no number either."""
    with pytest.raises(ConfigError, match="expected the fewest and the most pairs") as refused:
        read_pairs(settings(compare_pairs=written))
    assert len(str(refused.value)) < 300
