"""The dialects there are.

Limits: a new dialect is one file and one line here.
"""

from __future__ import annotations

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.dialect import Dialect
from pytest_inferbench.wire.llamacpp import LlamaCpp
from pytest_inferbench.wire.ollama import Ollama
from pytest_inferbench.wire.openai_chat import OpenAiChat
from pytest_inferbench.wire.openai_completions import OpenAiCompletions

DIALECTS: tuple[Dialect, ...] = (OpenAiChat(), OpenAiCompletions(), LlamaCpp(), Ollama())


def dialect_named(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    known = ", ".join(dialect.name for dialect in DIALECTS)
    raise ConfigError(f"unknown wire dialect {name!r}; use one of: {known}")
