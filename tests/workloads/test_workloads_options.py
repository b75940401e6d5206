"""A workload made in Python: its mistakes are told in the words of YAML, with the line that makes it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.workloads.catalogue import WORKLOADS
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.saturation import Saturation
from pytest_inferbench.workloads.single import Single

HERE = "tests/workloads/test_workloads_options.py"


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.kind)
def test_every_workload_tells_an_unknown_option(workload):
    """Not one of them shows pydantic's own words."""
    with pytest.raises(ConfigError, match=r"unknown key 'output_token'; did you mean 'output_tokens'\?") as error:
        workload(output_token=8)
    assert str(error.value).startswith(f"{HERE}:{inspect.currentframe().f_lineno - 1}: ")
    assert "pydantic" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stream": 4, "requests": 8}, "stream: 4\nrequests: 8\n"),
        ({"streams": 0, "requests": 8}, "streams: 0\nrequests: 8\n"),
        ({"streams": "4", "requests": 2.5}, "streams: '4'\nrequests: 2.5\n"),
        ({"streams": True}, "streams: true\n"),
        ({"streams": 4, "requests": 3}, "streams: 4\nrequests: 3\n"),
        ({"streams": 4, "requests": 8, "prompts": ["x"]}, "streams: 4\nrequests: 8\nprompts: [x]\n"),
    ],
)
def test_python_is_told_what_yaml_is_told(options, text):
    """The words are the same; only the place is another."""

    def words(error: pytest.ExceptionInfo[ConfigError]) -> list[str]:
        return sorted(line.partition(": ")[2] for line in str(error.value).splitlines())

    with pytest.raises(ConfigError) as in_yaml:
        validate(Concurrency, parse(text, "x.bench.yaml"))
    with pytest.raises(ConfigError) as in_python:
        Concurrency(**options)
    assert words(in_python) == words(in_yaml)
    assert "x.bench.yaml:" in str(in_yaml.value)


def test_a_misspelt_option_is_not_told_as_a_missing_one_too():
    """The key that is meant is not asked for once more; one that is missing all the same is."""
    with pytest.raises(ConfigError) as error:
        Concurrency(stream=4)
    line = inspect.currentframe().f_lineno - 1
    assert str(error.value) == (
        f"{HERE}:{line}: missing key 'requests'; add it\n{HERE}:{line}: unknown key 'stream'; did you mean 'streams'?"
    )


def test_options_have_names():
    """One without is refused with those that there are."""
    with pytest.raises(ConfigError, match=r"Single: got 8 without a name, expected options by name: .*requests=\.\.\."):
        Single(8)


def test_a_search_for_limits_needs_some():
    """Its own, or the model's."""
    search = Saturation(lowest=1, highest=4, requests=4)
    search.check_limits(["ttft_ms"])
    with pytest.raises(ConfigError, match="no limits to search for"):
        search.check_limits([])
