"""One request to a server that runs, for people: what it replies, and what it lists.

Limits: short questions with a limit; a server that does not answer is a sentence, not a failure of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.errors import ServerError
from pytest_inferbench.http_client import OK, HttpClient, NoAnswer
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.wire.stream import StreamDecoder

if TYPE_CHECKING:
    from pytest_inferbench.clock import Clock

_REPLY_S = 120.0
_LIST_S = 5.0
_REPLY_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered.

    Attributes:
        text: its words.
        tokens: how many tokens they are; None where it does not say.
        seconds: how long it took.
    """

    text: str
    tokens: int | None
    seconds: float


def ask(endpoint: Endpoint, protocol_name: str, question: str, clock: Clock) -> Reply:
    """Put a question to a server.

    Raises:
        ServerError: it does not answer, or with something else than an answer.
    """
    protocol = protocol_named(protocol_name)
    body = protocol.encode(GenerationRequest((Message("user", question),), output_tokens=_REPLY_TOKENS), endpoint.model)
    start = clock.now_ns()
    try:
        answer = HttpClient(endpoint, _REPLY_S).ask("POST", protocol.path, body)
    except NoAnswer as error:
        raise ServerError(f"{endpoint.base_url}{protocol.path} does not answer: {error}") from None
    decoder = StreamDecoder(protocol, keep_text=True)
    decoder.feed(answer.body, 0)
    decoded = decoder.finish(complete=True)
    if answer.status != OK or decoded.failure is not None:
        said = decoded.failure.message if decoded.failure is not None else answer.text
        raise ServerError(f"{endpoint.base_url}{protocol.path} answers {answer.status}: {said}")
    tokens = decoded.usage.output_tokens if decoded.usage is not None else None
    return Reply(decoded.text or "", tokens, (clock.now_ns() - start) / NS_PER_S)


def list_models(base_url: str) -> str:
    """What a server lists, as a sentence: `serves tiny`, or why that is not known."""
    try:
        answer = HttpClient(Endpoint(base_url, ""), _LIST_S).ask("GET", "/v1/models")
        listed = [str(one["id"]) for one in answer.field("data")]
    except NoAnswer as error:
        return f"does not answer ({error})"
    except (KeyError, TypeError):
        return f"answers {answer.status} and lists no models"
    return f"serves {', '.join(listed)}"
