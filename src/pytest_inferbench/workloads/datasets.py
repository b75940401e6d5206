"""Datasets: what people's prompt files hold.

Two formats, told apart by their first character: JSON Lines (one object a line), and a JSON array of the same
objects (ShareGPT's). An object is one of

    {"prompt": "..."}                                               one user message
    {"messages": [{"role": "user", "content": "..."}]}              a conversation, sent up to the user's last message
    {"conversations": [{"from": "human", "value": "..."}, ...]}     ShareGPT: its first human message is sent

with `"output_tokens": N` where its answer shall have a length of its own; other keys are the owner's.

Limits: pure; an entry that cannot be used is an error with its `file:line`, never left out. Only ShareGPT conversations
without a human message are: published copies hold hundreds of them.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import Message

_FORMS = ("prompt", "messages", "conversations")
_ROLES = ("system", "developer", "user", "assistant")
_SHAREGPT = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One entry of a prompt file.

    Attributes:
        messages: what to send; the last is the user's.
        follow_ups: what the user said after that, where the entry is a conversation whose answers are to be had anew.
        output_tokens: the length of its answer; None where the entry does not say.
    """

    messages: tuple[Message, ...]
    follow_ups: tuple[str, ...] = ()
    output_tokens: int | None = None

    @property
    def turns(self) -> tuple[tuple[Message, ...], tuple[str, ...]]:
        """The messages up to the user's first, and everything the user said later."""
        said = [index for index, message in enumerate(self.messages) if message.role == "user"]
        later = tuple(self.messages[index].content for index in said[1:])
        return self.messages[: said[0] + 1], (*later, *self.follow_ups)


def parse_prompts(text: str, where: str) -> tuple[Prompt, ...]:
    """The prompts in a file's text, in its order; at least one.

    Args:
        text: the file's content.
        where: the file's name, for messages.

    Raises:
        ConfigError: an entry is no prompt, or there is none.
    """
    rows = _array(text, where) if text.lstrip()[:1] == "[" else _lines(text, where)
    prompts = tuple(prompt for place, row in rows if (prompt := _prompt(row, place)) is not None)
    if not prompts:
        raise ConfigError(f'{where}: no prompt in it; write one object a line: {{"prompt": "..."}}')
    return prompts


def _lines(text: str, where: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines(): U+2028 may stand inside a prompt
        if line.strip():
            place = f"{where}:{number}"
            try:
                yield place, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"{place}: not JSON: {error}; each line is one JSON object") from None


def _array(text: str, where: str) -> Iterator[tuple[str, Any]]:
    """The entries of a JSON array, each with the line on which it begins."""
    decoder = json.JSONDecoder()
    at = _skip(text, text.index("[") + 1)
    line, counted = 1, 0
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        place = f"{where}:{line}"
        try:
            row, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{place}: the entry that begins here is not JSON: {error}") from None
        yield place, row
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ConfigError(f"{place}: after the entry that begins here there is neither `,` nor `]`")
    if text[at + 1 :].strip():
        raise ConfigError(f"{where}:{text.count(chr(10), 0, at) + 1}: something follows the array's end")


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _prompt(row: Any, place: str) -> Prompt | None:  # noqa: ANN401 - whatever was written
    if not isinstance(row, dict):
        raise ConfigError(f'{place}: got {reprlib.repr(row)}, expected an object like {{"prompt": "..."}}')
    forms = [form for form in _FORMS if form in row]
    if len(forms) != 1:
        raise ConfigError(
            f"{place}: has {' and '.join(forms) if forms else f'keys {reprlib.repr(list(row))}'}, "
            f"expected exactly one of {', '.join(_FORMS)}"
        )
    output_tokens = row.get("output_tokens")
    if output_tokens is not None and (type(output_tokens) is not int or output_tokens < 1):
        raise ConfigError(f"{place}: output_tokens: got {reprlib.repr(output_tokens)}, expected an integer above 0")
    if forms == ["prompt"]:
        text = _text(row["prompt"], place, "prompt")
        if not text.strip():
            raise ConfigError(f"{place}: prompt: is empty")
        return Prompt((Message("user", text),), (), output_tokens)
    if forms == ["messages"]:
        return Prompt(_messages(row["messages"], place), (), output_tokens)
    return _sharegpt(row["conversations"], place, output_tokens)


def _messages(rows: Any, place: str) -> tuple[Message, ...]:  # noqa: ANN401 - whatever was written
    messages = [
        Message(_role(row.get("role"), place), _text(row.get("content"), place, "content"))
        for row in _objects(rows, place, "messages")
    ]
    while messages and messages[-1].role == "assistant":  # the answer that is to be had anew
        messages.pop()
    if not messages or messages[-1].role != "user":
        raise ConfigError(f"{place}: messages: there must be a message of the user at the end, to be answered")
    return tuple(messages)


def _sharegpt(rows: Any, place: str, output_tokens: int | None) -> Prompt | None:  # noqa: ANN401 - whatever was written
    said = []
    for row in _objects(rows, place, "conversations"):
        speaker = row.get("from")
        if not isinstance(speaker, str) or speaker not in _SHAREGPT:
            raise ConfigError(f"{place}: from: got {reprlib.repr(speaker)}, expected one of {', '.join(_SHAREGPT)}")
        said.append(Message(_SHAREGPT[speaker], _text(row.get("value"), place, "value")))
    human = [message for message in said if message.role == "user" and message.content.strip()]
    if not human:
        return None
    system = tuple(message for message in said[:1] if message.role == "system")
    return Prompt((*system, human[0]), tuple(message.content for message in human[1:]), output_tokens)


def _objects(rows: Any, place: str, name: str) -> list[Mapping[str, Any]]:  # noqa: ANN401 - whatever was written
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{place}: {name}: got {reprlib.repr(rows)}, expected a list of objects")
    return rows


def _role(role: Any, place: str) -> str:  # noqa: ANN401 - whatever was written
    if role not in _ROLES:
        raise ConfigError(f"{place}: role: got {reprlib.repr(role)}, expected one of {', '.join(_ROLES)}")
    return str(role)


def _text(value: Any, place: str, name: str) -> str:  # noqa: ANN401 - whatever was written
    if not isinstance(value, str):
        raise ConfigError(f"{place}: {name}: got {reprlib.repr(value)}, expected text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{place}: {name}: holds half of a surrogate pair, which no server takes") from None
    return value
