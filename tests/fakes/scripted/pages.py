"""What each address answers: the generation endpoint, and the small pages beside it.

Limits: a request in, a plan out; no sockets, no clock. Any base path before `/v1` is accepted, as behind a gateway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .plan import MODEL, Plan, at_once, error_page, page, plan
from .script import Script, ScriptError
from .truth import Ledger, Served

if TYPE_CHECKING:
    from collections.abc import Callable

    from .http1 import Request


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send; `served` for a generation only."""

    plan: Plan
    close_after: int | None = None
    served: Served | None = None


def answer(request: Request, default: Script, ledger: Ledger, connection: int, received_ns: int) -> Reply:
    """The reply to one whole request."""
    if request.method == "POST" and request.path.endswith("/chat/completions"):
        try:
            return _generation(request, default, ledger, connection, received_ns)
        except (ScriptError, ValueError, TypeError, AttributeError, KeyError) as error:
            return Reply(at_once(error_page(400, f"cannot be served: {type(error).__name__}: {error}")))
    for method, ending, make in _PAGES:
        if request.method == method and request.path.endswith(ending):
            return Reply(at_once(make(request, ledger)))
    return Reply(at_once(error_page(404, f"no {request.method} {request.path} here")))


def _generation(request: Request, default: Script, ledger: Ledger, connection: int, received_ns: int) -> Reply:
    body = json.loads(request.body)
    script = default.but(body.get("script") or {}).but(json.loads(request.headers.get("x-script", "{}")))
    if body.get("stream") is not True:
        raise ValueError("this server only streams; set stream: true")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"max_tokens={limit!r}; expected a whole number above 0")
    if script.quick_asides and (limit == 1 or not body.get("ignore_eos")):
        script = script.but({"first_ms": 0.0, "gap_ms": 0.0, "delay_ms": 0.0, "jitter_ms": 0.0})
    prompt_tokens = sum(_words(message.get("content")) for message in body["messages"])
    request_id = request.headers.get("x-request-id") or body.get("request_id") or ledger.number()
    reply = plan(script, request_id, limit, prompt_tokens)
    # A refused request has no prompt processed.
    processed = prompt_tokens if script.status == 200 else 0
    served = Served(request_id, connection, received_ns, reply, processed)
    return Reply(reply, script.close_after, served)


def _words(content: Any) -> int:
    if isinstance(content, str):
        return len(content.split())
    return sum(len(part.get("text", "").split()) for part in content or ())


def _tokenize(request: Request, _: Ledger) -> bytes:
    """One token a word, in llama.cpp's words (`content`) and vLLM's (`prompt`)."""
    try:
        body = json.loads(request.body)
        words = _words(body.get("content", body.get("prompt", "")))
    except (ValueError, AttributeError, TypeError) as error:
        return error_page(400, f"cannot be tokenized: {error}")
    return _json({"tokens": list(range(words)), "count": words})


def _health(_: Request, __: Ledger) -> bytes:
    return _json({"status": "ok"})


def _models(_: Request, __: Ledger) -> bytes:
    return _json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})


def _truth(_: Request, ledger: Ledger) -> bytes:
    return _json(ledger.to_json())


def _forget(_: Request, ledger: Ledger) -> bytes:
    ledger.forget()
    return _json({})


def _metrics(_: Request, ledger: Ledger) -> bytes:
    """The page in llama.cpp's spelling."""
    rows = (
        ("prompt_tokens_total", "counter", "Number of prompt tokens processed.", ledger.prompt_tokens),
        ("tokens_predicted_total", "counter", "Number of generation tokens processed.", ledger.predicted_tokens),
        ("requests_processing", "gauge", "Number of requests processing.", ledger.processing),
        ("requests_deferred", "gauge", "Number of requests deferred.", ledger.deferred),
    )
    text = "".join(
        f"# HELP llamacpp:{name} {help_}\n# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value}\n"
        for name, kind, help_, value in rows
    )
    return page(text.encode(), "text/plain; version=0.0.4")


def _json(value: object) -> bytes:
    return page(json.dumps(value, separators=(",", ":")).encode())


_PAGES: tuple[tuple[str, str, Callable[[Request, Ledger], bytes]], ...] = (
    ("GET", "/health", _health),
    ("GET", "/v1/models", _models),
    ("GET", "/metrics", _metrics),
    ("GET", "/truth", _truth),
    ("DELETE", "/truth", _forget),
    ("POST", "/tokenize", _tokenize),
)
