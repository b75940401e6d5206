"""The questions that tell whether a server is ready, each asked once.

Law: three outcomes. It is ready; it is not yet (NotYet, with what was seen); it never will be (RefusedError).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx

from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.wire.catalogue import dialect_named
from pytest_inferbench.wire.dialect import GenerationRequest, Message
from pytest_inferbench.wire.stream import StreamDecoder

if TYPE_CHECKING:
    from pytest_inferbench.backends.backend import Backend

_QUESTION_S = 5.0
_EXCERPT = 200
_MODELS_PATH = "/v1/models"

_SHORTEST = GenerationRequest((Message("user", "Say something."),), output_tokens=1)
_FINGERPRINT = re.compile(r'"system_fingerprint"\s*:\s*"([^"]+)"')

# Client errors that a server may answer while it starts: timeout, too early, too many requests.
_PASSING = frozenset({408, 425, 429})
_NO_KEY = frozenset({401, 403})


class RefusedError(ProvisionError):
    """A server answered something that waiting cannot change."""


class NotYet(Exception):  # noqa: N818 - a state, not a fault
    """The server is not ready; the text is what it said, or why it could not be asked."""


class Unheard(NotYet):
    """Nothing listens there, or the name leads nowhere."""


class Probe:
    """Asks one server.

    Args:
        client: bound to the server's base URL and headers.
        backend: how it is asked.
        left_s: the longest a generation may take; other questions take at most 5 s.
    """

    def __init__(self, client: httpx.Client, backend: Backend, left_s: float) -> None:
        self._client = client
        self._url = str(client.base_url).rstrip("/")
        self._backend = backend
        self._left_s = left_s
        self._fingerprint: str | None = None

    def ready(self, model: str) -> tuple[str, tuple[str, ...]]:
        """Ask all three questions.

        Args:
            model: the name that must be listed; "" for the only one.

        Returns:
            The model's name and all names listed.

        Raises:
            NotYet: wait and ask again.
            RefusedError: waiting will not help.
        """
        self._ask("GET", self._backend.ready_path)
        models = self._models()
        if model and model not in models:
            raise RefusedError(
                f"the server at {self._url} serves {', '.join(models)}, not {model!r}; "
                "name one of these with --model, or correct the address"
            )
        if not model and len(models) > 1:
            raise RefusedError(
                f"the server at {self._url} lists {', '.join(models)}: say which is measured, --model {models[0]} "
                "(in the config: `repo_id:` with that name)"
            )
        chosen = model or models[0]
        self._generate(chosen)
        return chosen, models

    def version(self) -> str | None:
        """The running version: from the backend's sources, else the fingerprint of the answer seen by `ready`."""
        for path, field in self._backend.version_sources:
            try:
                said = _field(self._ask("GET", path), field)
            except (NotYet, RefusedError):
                continue
            if isinstance(said, str) and said not in self._backend.unknown_versions:
                return said
        return None if self._fingerprint in self._backend.unknown_versions else self._fingerprint

    def _models(self) -> tuple[str, ...]:
        listed = _field(self._ask("GET", _MODELS_PATH), "data")
        if not isinstance(listed, list):
            raise RefusedError(
                f"{self._url} answers {_MODELS_PATH} with something else than a list of models; "
                "is it an OpenAI-compatible server, and its address complete?"
            )
        models = tuple(str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry)
        if not models:
            raise NotYet("it lists no model yet")
        return models

    def _generate(self, model: str) -> None:
        """One token, asked for as the benchmark will ask: as a stream of the backend's own dialect."""
        dialect = dialect_named(self._backend.dialects[0])
        answer = self._ask("POST", dialect.path, dialect.encode(_SHORTEST, model), self._left_s)
        decoder = StreamDecoder(dialect)
        decoder.feed(answer.content, 0)
        decoded = decoder.finish(complete=True)
        if not decoded.output_ns:
            said = decoded.failure.message if decoded.failure is not None else _excerpt(answer)
            raise NotYet(f"{dialect.path} generated nothing: {said}")
        fingerprint = _FINGERPRINT.search(answer.text)
        self._fingerprint = fingerprint[1] if fingerprint else None

    def _ask(self, method: str, path: str, body: bytes | None = None, timeout_s: float = _QUESTION_S) -> httpx.Response:
        """The answer with status 200."""
        try:
            answer = self._client.request(
                method,
                path,
                content=body,
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=min(timeout_s, self._left_s),
            )
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(f"{self._url}: {error}; name its CA with --bench-ca") from None
            seen = Unheard if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)) else NotYet
            raise seen(f"{path} does not answer ({error or type(error).__name__})") from None
        status = answer.status_code
        if status == httpx.codes.OK:
            return answer
        said = f"{path} answers {status} {_excerpt(answer)}".rstrip()
        if status in _NO_KEY:
            raise RefusedError(f"{self._url}{said}; give its key with --bench-api-key-env")
        if httpx.codes.is_client_error(status) and status not in _PASSING:
            raise RefusedError(f"{self._url}{said}; is this the address of a {self._backend.name} server?")
        raise NotYet(said)


def _field(answer: httpx.Response, name: str) -> Any:  # noqa: ANN401 - any JSON
    """A field of a JSON object; None where the answer is no such thing."""
    try:
        document = answer.json()
    except ValueError:
        return None
    return document.get(name) if isinstance(document, dict) else None


def _excerpt(answer: httpx.Response) -> str:
    """A server's words on one line: its error message where it has the usual form, else the start of its body."""
    error = _field(answer, "error")
    message = error.get("message") if isinstance(error, dict) else error
    text = message if isinstance(message, str) else answer.text
    text = " ".join(text.split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
