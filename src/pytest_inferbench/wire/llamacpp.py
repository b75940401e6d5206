"""llama.cpp's own completion: token ids with every chunk, and no chat template.

Limits: the prompt is the messages' contents, one below the other. Source: tools/server/README.md of llama.cpp and
streams captured from it. Older builds and ik_llama.cpp say `stopped_limit` instead of `stop_type`.
"""

from __future__ import annotations

from pytest_inferbench.records import Usage
from pytest_inferbench.wire.body import encode_body, joined_prompt
from pytest_inferbench.wire.openai_chunk import timing_of, timings_of
from pytest_inferbench.wire.payload import count_of, json_object, list_of, text_of
from pytest_inferbench.wire.protocol import Delta, Framing, GenerationRequest
from pytest_inferbench.wire.server_error import stream_error

_FINISH = {"limit": "length", "eos": "stop", "word": "stop"}
_OLDER = {"stopped_limit": "length", "stopped_eos": "stop", "stopped_word": "stop"}
_OWN = ("content", "stop", "tokens")


class LlamaCpp:
    """POST /completion."""

    name = "llamacpp"
    path = "/completion"
    framing = Framing.SSE
    ends = frozenset(_FINISH.values())

    def encode(self, request: GenerationRequest, model: str) -> bytes:  # noqa: ARG002 - it serves one model
        """The JSON body; the model is not sent, since the server ignores it."""
        fields: dict[str, object] = {
            "prompt": joined_prompt(request),
            "n_predict": request.output_tokens,
            "temperature": request.temperature,
            "stream": True,
            "cache_prompt": request.cache_prompt,
            "return_tokens": True,
        }
        if request.ignore_eos:
            fields["ignore_eos"] = True
        return encode_body(fields, request.extra)

    def decode(self, payload: bytes) -> Delta:
        """What one chunk says; the counts so far are on every chunk, timings on the last.

        Raises:
            WireError: not JSON, or a field of another type than the protocol's.
        """
        document = json_object(payload)
        done = document.get("stop") is True
        timings = timings_of(document)
        usage = _usage(document, timings)
        return Delta(
            content=text_of(document, "content"),
            # An empty list beside text: the server was not asked for ids, or is too old to know `return_tokens`.
            tokens=len(list_of(document, "tokens") or ()) or None,
            generated=usage.output_tokens if usage else None,
            usage=usage,
            timing=timing_of(timings),
            finish=_finish(document) if done else None,
            error=stream_error(document, _OWN),
            done=done,
        )


def _usage(document: dict[str, object], timings: dict[str, object]) -> Usage | None:
    prompt, output = count_of(document, "tokens_evaluated"), count_of(document, "tokens_predicted")
    if prompt is None and output is None:
        return None
    return Usage(prompt, output, count_of(timings, "cache_n"), drafted_tokens=count_of(timings, "draft_n_accepted"))


def _finish(document: dict[str, object]) -> str:
    stop_type = text_of(document, "stop_type")
    if stop_type:
        return _FINISH.get(stop_type, stop_type)
    told = [name for name in _OLDER if name in document]
    return next((_OLDER[name] for name in told if document[name] is True), "none" if told else "stop")
