"""Request bodies of the four protocols, and the catalogue."""

from __future__ import annotations

import json

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.catalogue import PROTOCOLS, protocol_named
from pytest_inferbench.wire.protocol import Framing, GenerationRequest, Message

MESSAGES = (Message("system", "You are terse."), Message("user", "Say é."))
REQUEST = GenerationRequest(MESSAGES, output_tokens=16)

CONVERSATION = '"messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"Say é."}]'
PROMPT = '"prompt":"You are terse.\\nSay é."'
STREAM = '"max_tokens":16,"temperature":0.0,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true'
BODIES = {
    "openai-chat": f'{{"model":"m",{CONVERSATION},{STREAM}}}',
    "openai-completions": f'{{"model":"m",{PROMPT},{STREAM}}}',
    "llamacpp": f'{{{PROMPT},"n_predict":16,"temperature":0.0,"stream":true,"cache_prompt":false,'
    '"return_tokens":true,"ignore_eos":true}',
    "ollama": f'{{"model":"m",{CONVERSATION},"stream":true,"options":{{"num_predict":16,"temperature":0.0}}}}',
}
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)


@pytest.mark.parametrize(("name", "body"), BODIES.items(), ids=BODIES)
def test_the_body_is_exactly_this(name, body):
    """Compact, UTF-8, keys in a fixed order: the bytes are part of a case's identity."""
    assert protocol_named(name).encode(REQUEST, "m").decode() == body


@each_protocol
def test_ignore_eos_is_sent_only_where_asked(protocol):
    """Servers that refuse unknown fields must be usable without it."""
    polite = GenerationRequest(MESSAGES, output_tokens=16, ignore_eos=False)
    assert "ignore_eos" not in json.loads(protocol.encode(polite, "m"))


@each_protocol
def test_cache_prompt_is_llama_cpps_own_word(protocol):
    """It is sent by llama.cpp's protocol alone."""
    body = json.loads(protocol.encode(GenerationRequest(MESSAGES, 16, cache_prompt=True), "m"))
    assert body.get("cache_prompt") == (True if protocol.name == "llamacpp" else None)


@each_protocol
def test_extra_fields_win(protocol):
    """What the user or a backend adds replaces the protocol's own word and keeps its place; new fields come last."""
    extra = {"top_k": 1, "stream": "never", "cache_prompt": True}
    body = json.loads(protocol.encode(GenerationRequest(MESSAGES, 16, extra=extra), "m"))
    assert body["stream"] == "never"
    assert body["cache_prompt"] is True
    plain = list(json.loads(protocol.encode(GenerationRequest(MESSAGES, 16), "m")))
    assert list(body)[: len(plain)] == plain


@each_protocol
@pytest.mark.parametrize("value", [object(), float("nan"), "\ud800"], ids=["object", "nan", "surrogate"])
def test_what_json_cannot_say_is_the_users_error(protocol, value):
    """The message names the extra field and says what is expected."""
    with pytest.raises(ConfigError, match="my_field"):
        protocol.encode(GenerationRequest(MESSAGES, 16, extra={"my_field": value}), "m")


def test_the_catalogue_names_its_protocols():
    """Every name leads to its protocol, with its path and framing."""
    found = {d.name: (protocol_named(d.name) is d, d.path, d.framing) for d in PROTOCOLS}
    assert found == {
        "openai-chat": (True, "/v1/chat/completions", Framing.SSE),
        "openai-completions": (True, "/v1/completions", Framing.SSE),
        "llamacpp": (True, "/completion", Framing.SSE),
        "ollama": (True, "/api/chat", Framing.NDJSON),
    }


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    """A typing error in an option must show what would be right."""
    with pytest.raises(ConfigError, match="'openai'; use one of: openai-chat, openai-completions, llamacpp, ollama"):
        protocol_named("openai")


def test_what_a_request_does_not_say_is_the_usual() -> None:
    """To the end whatever the model says, greedy, from no cache, with nothing kept and nothing added."""
    plain = GenerationRequest((Message("user", "hi"),), 4)
    assert (plain.ignore_eos, plain.temperature, plain.cache_prompt, plain.keep_text) == (True, 0.0, False, False)
    assert (plain.planned_prompt_tokens, plain.tag, dict(plain.extra)) == (None, "", {})
