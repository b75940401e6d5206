"""What every request carries beside its prompt: headers, a key of the environment, and further fields of its body."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.request import extra_body, request_headers, written_headers

CELL = Cell("m", "external", "running", "openai-chat", api_key="SERVER_KEY", sources=(("api_key", "models.yaml:4"),))


def options(**changes):
    return SimpleNamespace(**{"header": (), "api_key_env": None, "temperature": 0.0, "extra_body": None, **changes})


def test_headers_are_as_written_without_the_blanks_around_them():
    """A value may hold colons and be empty."""
    written = options(header=("X-Team: search", " X-Url :http://a:80 ", "X-None:"))
    assert written_headers(written) == [("X-Team", "search"), ("X-Url", "http://a:80"), ("X-None", "")]


@pytest.mark.parametrize("header", ["X-Team", ": secret", "  : secret"])
def test_what_is_no_header_is_refused_without_showing_it(header):
    """It may hold a key."""
    with pytest.raises(ConfigError, match="--bench-header: expected `Name: value`") as raised:
        written_headers(options(header=(header,)))
    assert "secret" not in str(raised.value)


def test_a_key_comes_from_the_environment(monkeypatch):
    """The option's variable before the config's; without either there is no key."""
    monkeypatch.setenv("SERVER_KEY", "of-config")
    monkeypatch.setenv("MY_KEY", "of-option")
    plain = Cell("m", "vllm", "v1", "openai-chat")
    assert request_headers(options(header=("A: b",)), plain) == (("A", "b"),)
    assert request_headers(options(), CELL) == (("Authorization", "Bearer of-config"),)
    both = request_headers(options(header=("A: b",), api_key_env="MY_KEY"), CELL)
    assert both == (("A", "b"), ("Authorization", "Bearer of-option"))


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_not_there_is_an_error_with_its_place(monkeypatch, value):
    """Unset or empty: the option, or the line of the config, and the variable's name."""
    for name in ("SERVER_KEY", "MY_KEY"):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="--bench-api-key-env: the environment has no MY_KEY; export it"):
        request_headers(options(api_key_env="MY_KEY"), CELL)
    with pytest.raises(ConfigError, match=r"models\.yaml:4: api_key: the environment variable SERVER_KEY is not set"):
        request_headers(options(), CELL)


@pytest.mark.parametrize(
    ("temperature", "text", "body"),
    [
        (0.0, None, {}),
        (0.7, None, {"temperature": 0.7}),
        (0.7, '{"top_p": 1}', {"temperature": 0.7, "top_p": 1}),
        (0.7, '{"temperature": 0}', {"temperature": 0}),
        (0.0, "{}", {}),
    ],
)
def test_further_fields_of_the_body(temperature, text, body):
    """The temperature where it is not greedy, and what is written out, which wins."""
    assert extra_body(options(temperature=temperature, extra_body=text)) == body


@pytest.mark.parametrize("text", ["{", "[1]", "5", "null", ""])
def test_a_body_that_is_no_json_object_is_refused(text):
    """With what was written."""
    with pytest.raises(ConfigError) as raised:
        extra_body(options(extra_body=text))
    assert str(raised.value).startswith(f"--bench-extra-body: got {text!r}, expected a JSON object")
