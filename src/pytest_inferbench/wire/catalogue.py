"""The protocols there are.

Limits: a new protocol is one file and one line here.
"""

from __future__ import annotations

import reprlib

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.llamacpp import LlamaCpp
from pytest_inferbench.wire.ollama import Ollama
from pytest_inferbench.wire.openai_chat import OpenAiChat
from pytest_inferbench.wire.openai_completions import OpenAiCompletions
from pytest_inferbench.wire.protocol import WireProtocol

PROTOCOLS: tuple[WireProtocol, ...] = (OpenAiChat(), OpenAiCompletions(), LlamaCpp(), Ollama())


def protocol_named(name: str) -> WireProtocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    known = ", ".join(protocol.name for protocol in PROTOCOLS)
    raise ConfigError(f"unknown wire protocol {reprlib.repr(name)}; use one of: {known}")
