"""Which texts a run must not show, and texts without them."""

from __future__ import annotations

from types import SimpleNamespace

from measure.observed import failed, request, round_of
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.secrets import Secrets, secrets_of

CELL = Cell("m", "external", "running", "openai-chat", api_key="SERVER_KEY", hub_token="MY_HUB")  # noqa: S106 - a variable
ENVIRON = {"HF_TOKEN": "hf_usual_token", "MY_KEY": "option-key", "SERVER_KEY": "config-key", "MY_HUB": "hub-token-1"}


def options(*header, api_key_env=None):
    return SimpleNamespace(header=header, api_key_env=api_key_env)


def test_keys_come_from_every_place_that_gives_a_run_one():
    """The hub's token, the option's variable, the cell's own, and what headers hold, whole and behind their scheme."""
    found = secrets_of(options("Authorization: Bearer abc-123456", api_key_env="MY_KEY"), CELL, ENVIRON)
    assert set(found.values) == {
        "hf_usual_token",
        "option-key",
        "config-key",
        "hub-token-1",
        "Bearer abc-123456",
        "abc-123456",
    }
    assert secrets_of(options(), None, ENVIRON).values == ("hf_usual_token",)
    assert secrets_of(options(), None, {}).values == ()


def test_what_is_too_short_is_no_secret():
    """Six characters are one; five stand in other words."""
    assert secrets_of(options("X-A: sixsix", "X-B: fives"), None, {"HF_TOKEN": ""}).values == ("sixsix",)


def test_the_longest_is_hidden_first():
    """So that nothing is left of one that holds another."""
    found = secrets_of(options("Authorization: Bearer abc-123456"), None, {"HF_TOKEN": "abc-123456-more"})
    assert [len(each) for each in found.values] == sorted((len(each) for each in found.values), reverse=True)
    assert found.hidden("got abc-123456-more and Bearer abc-123456") == "got *** and ***"


def test_they_are_hidden_wherever_they_stand():
    """In keys and values of any JSON, at any depth; all else keeps its type."""
    secrets = Secrets(("secret-key",))
    value = {"a secret-key": ["secret-key", 1, None, ("x", "xsecret-keyx")], "b": {"c": True, "d": 1.5}}
    assert secrets.hidden(value) == {"a ***": ["***", 1, None, ("x", "x***x")], "b": {"c": True, "d": 1.5}}
    assert Secrets(()).hidden(value) is value
    assert repr(Secrets(("secret-key", "another"))) == "<2 secrets>"


def test_what_servers_said_of_failed_requests_is_searched():
    """A server may say a key back; whatever else a round holds is as it was."""
    good, bad = request(0), failed(1)
    said = bad.failure.message
    (found,) = Secrets((said[:7],)).hidden_in([round_of(good, bad)])
    assert found.requests[0] is good
    assert found.requests[1].failure.message == said.replace(said[:7], "***")
    assert found.requests[1].failure.kind is bad.failure.kind
