"""From an abstract load to bytes: everything that can be done before the clock starts.

Limits: pure. What is sent in a round is fixed here, and its hash says whether two cases asked the same.
"""

from __future__ import annotations

from pytest_inferbench.load.job import EncodedRequest
from pytest_inferbench.load.shape import Load, OpenLoop
from pytest_inferbench.wire.http import encode_head
from pytest_inferbench.wire.protocol import WireProtocol


def encode_load(
    load: Load, protocol: WireProtocol, model: str, host: str, prefix: str, headers: tuple[tuple[str, str], ...]
) -> tuple[EncodedRequest, ...]:
    """Every request of a load as the bytes that will be sent.

    Args:
        load: what to ask and when.
        protocol: in which words.
        model: the model's name as the server knows it.
        host: value of the Host header.
        prefix: path prefix of the server's base URL, "" for none.
        headers: further headers (authorisation).

    Raises:
        ConfigError: a header cannot be sent.
    """
    offsets = load.shape.offsets_ns if isinstance(load.shape, OpenLoop) else (None,) * len(load.requests)
    fixed = (("Content-Type", "application/json"), ("Accept", "text/event-stream"), *headers)
    encoded = []
    for index, (request, offset) in enumerate(zip(load.requests, offsets, strict=True)):
        body = protocol.encode(request, model)
        head = encode_head("POST", prefix + protocol.path, host, fixed, len(body))
        encoded.append(
            EncodedRequest(
                index=index,
                data=head + body,
                planned_prompt_tokens=request.planned_prompt_tokens,
                planned_output_tokens=request.output_tokens if request.ignore_eos else None,
                tag=request.tag,
                keep_text=request.keep_text,
                offset_ns=offset,
            )
        )
    return tuple(encoded)
