from __future__ import annotations

import pytest

from pytest_inferbench.backends.external import EXTERNAL
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.errors import ConfigError, ProvisionError
from pytest_inferbench.servers.url import attach_url

SEVERAL = {"data": [{"id": "tiny"}, {"id": "other"}]}


def test_a_server_that_is_there_is_taken_as_it_is(script, sleep_clock):
    """Its model and version are its own; it is neither watched nor stopped."""
    server = attach_url(f"{script.url}/v1/", EXTERNAL, model="tiny", timeout_s=5, clock=sleep_clock)
    assert (server.endpoint.base_url, server.endpoint.model) == (script.url, "tiny")
    assert (server.kind, server.version) == ("url", "0.8.0")
    server.stop()
    assert server.alive() is None
    assert server.logs() == ()
    assert server.log_path is None
    script.answers["GET /v1/models"] = [(200, SEVERAL)]
    again = attach_url(script.url, EXTERNAL, model="other", timeout_s=5, clock=sleep_clock)
    assert again.endpoint.model == "other"


def test_headers_stay_with_the_endpoint(script, sleep_clock):
    """Whoever measures sends them too."""
    headers = (("Authorization", "Bearer k"),)
    server = attach_url(script.url, EXTERNAL, model="tiny", timeout_s=5, clock=sleep_clock, headers=headers)
    assert server.endpoint.headers == headers


def test_a_stated_version_must_be_what_the_server_says(script, sleep_clock):
    """A benchmark of another version is not run under this one's name."""
    assert (
        attach_url(script.url, VLLM, model="tiny", timeout_s=5, clock=sleep_clock, version="v0.8.0").version == "0.8.0"
    )
    with pytest.raises(ProvisionError, match=r"says it is vllm 0\.8\.0, not v0\.8\.1"):
        attach_url(script.url, VLLM, model="tiny", timeout_s=5, clock=sleep_clock, version="v0.8.1")


def test_a_server_that_says_no_version_has_the_stated_one_or_none(script, sleep_clock):
    """No number is made up."""
    for path in ("GET /version", "GET /props"):
        script.answers[path] = [(404, "")]
    script.answers["POST /v1/chat/completions"] = [
        (200, 'data: {"choices":[{"delta":{"content":"@"}}]}\n\ndata: [DONE]\n\n')
    ]
    stated = attach_url(script.url, VLLM, model="tiny", timeout_s=5, clock=sleep_clock, version="v0.8.0")
    unstated = attach_url(script.url, VLLM, model="tiny", timeout_s=5, clock=sleep_clock)
    assert (stated.version, unstated.version) == ("v0.8.0", "unknown")


def test_a_bad_address_names_its_place(sleep_clock):
    """Before anything is asked."""
    with pytest.raises(ConfigError, match=r"--server-url: 'box:8000'"):
        attach_url("box:8000", EXTERNAL, model="tiny", timeout_s=5, clock=sleep_clock)
    assert sleep_clock.slept == []


def test_the_only_model_that_is_listed_is_the_model(script, sleep_clock):
    """Nobody has to say what there is one of."""
    script.answers["GET /v1/models"] = [(200, '{"data": [{"id": "org/only"}]}')]
    assert attach_url(script.url, EXTERNAL, model="", timeout_s=5, clock=sleep_clock).endpoint.model == "org/only"


def test_several_models_ask_which(script, sleep_clock):
    """The first one of a list is nobody's choice; nothing is generated before one is named."""
    script.answers["GET /v1/models"] = [(200, SEVERAL)]
    with pytest.raises(ProvisionError, match=r"lists tiny, other: say which is measured, --model tiny"):
        attach_url(script.url, EXTERNAL, model="", timeout_s=5, clock=sleep_clock)
    assert script.asked[-1][0] == "GET /v1/models"
