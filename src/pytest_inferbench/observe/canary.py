"""The canary: a few greedy answers whose text must not change, so that an upgrade cannot be fast because it is broken.

Limits: asked once per server, before anything is measured; only a hash of the texts is kept.
"""

from __future__ import annotations

import hashlib

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.http_client import OK, HttpClient, NoAnswer
from pytest_inferbench.wire.protocol import GenerationRequest, Message, WireProtocol
from pytest_inferbench.wire.stream import StreamDecoder

_QUESTIONS = (
    "Say something.",
    "Count from one to ten.",
    "Name the capital of France and one river in it.",
)
_TOKENS = 16
_TIMEOUT_S = 60.0


def canary_hash(endpoint: Endpoint, protocol: WireProtocol, cold: dict[str, object]) -> str | None:
    """A hash of the server's greedy answers to three fixed questions; None where one of them failed.

    Args:
        endpoint: the server.
        protocol: the protocol that the benchmark speaks.
        cold: body fields that keep the prompt cache out of it.
    """
    digest = hashlib.sha256()
    client = HttpClient(endpoint, _TIMEOUT_S)
    for question in _QUESTIONS:
        request = GenerationRequest((Message("user", question),), _TOKENS, ignore_eos=False, extra=cold)
        try:
            answer = client.ask("POST", protocol.path, protocol.encode(request, endpoint.model))
        except NoAnswer:
            return None
        decoder = StreamDecoder(protocol, keep_text=True)
        decoder.feed(answer.body, 0)
        decoded = decoder.finish(complete=True)
        if answer.status != OK or decoded.failure is not None or decoded.text is None:
            return None
        digest.update(decoded.text.encode() + b"\0")
    return digest.hexdigest()[:16]
