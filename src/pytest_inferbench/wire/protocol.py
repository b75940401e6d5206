"""What a wire protocol must do: encode a generation request, decode what streams back.

Limits: a protocol is stateless. It turns one abstract request into a path and a body, and one framed payload into one
`Delta`. Framing (SSE, NDJSON) and HTTP are not its business; stamps are not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pytest_inferbench.records import ServerTiming, Usage


class Framing(StrEnum):
    """How payloads are told apart in a streamed body."""

    SSE = "sse"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a workload wants generated, in no protocol's words.

    Attributes:
        messages: the conversation; a protocol for plain completion joins their contents.
        output_tokens: the most tokens to generate.
        ignore_eos: go on to `output_tokens` whatever the model says; the count is then exact.
        temperature: 0 is greedy.
        cache_prompt: whether the server may reuse a cached prefix, where the protocol can say so.
        planned_prompt_tokens: exact prompt length, where the workload knows it.
        tag: the workload's label.
        keep_text: keep the answer's text in the record.
        extra: further body fields, verbatim; they win over the protocol's own.
    """

    messages: tuple[Message, ...]
    output_tokens: int
    ignore_eos: bool = True
    temperature: float = 0.0
    cache_prompt: bool = False
    planned_prompt_tokens: int | None = None
    tag: str = ""
    keep_text: bool = False
    extra: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


class Delta(NamedTuple):
    """What one streamed payload said. All fields may be absent: such a payload carries nothing we measure.

    (There may be a million of them, and a tuple is made in a third of a frozen dataclass's time.)

    Attributes:
        content: answer text added by this payload.
        reasoning: reasoning text added.
        tool: whether it carried a piece of a tool call.
        tokens: tokens in this payload, where the server says so (token ids).
        generated: output tokens so far, where it says so (a running usage, llama.cpp's timings).
        usage: usage counts, cumulative for the request.
        timing: the server's own timings.
        finish: finish reason.
        error: an error inside the stream.
        done: the protocol's end marker.
        unread: a field that is not known and carried text; "" for none.
    """

    content: str = ""
    reasoning: str = ""
    tool: bool = False
    tokens: int | None = None
    generated: int | None = None
    usage: Usage | None = None
    timing: ServerTiming | None = None
    finish: str | None = None
    error: str | None = None
    done: bool = False
    unread: str = ""

    @property
    def carries_output(self) -> bool:
        """Whether the user got something: content, reasoning or a tool call (not a role, not an empty delta)."""
        return bool(self.content or self.reasoning or self.tool)


class WireProtocol(Protocol):
    """One wire protocol.

    Attributes:
        name: the option's value (`openai-chat`).
        path: the endpoint below the server's base URL, with its leading slash.
        framing: how payloads are told apart.
        ends: the finish reasons of a complete answer; any other is a failure.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def framing(self) -> Framing: ...  # noqa: D102
    @property
    def ends(self) -> frozenset[str]: ...  # noqa: D102

    def encode(self, request: GenerationRequest, model: str) -> bytes:
        """The JSON body that asks for `request` as a stream with usage."""
        ...

    def decode(self, payload: bytes) -> Delta:
        """What one payload says.

        Raises:
            WireError: the payload is not this protocol.
        """
        ...
