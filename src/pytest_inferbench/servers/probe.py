"""The questions that tell whether a server is ready, each asked once.

Limits: three outcomes. It is ready; it is not yet (NotYet, with what was seen); it never will be (RefusedError).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_inferbench.http_client import Answer, HttpClient, NoAnswer, Why
from pytest_inferbench.servers.answers import Doubtful, NotYet, RefusedError, excerpt, expect_ok, no_answer
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.wire.stream import StreamDecoder

if TYPE_CHECKING:
    from pytest_inferbench.backends.backend import Backend

QUESTION_S = 5.0
_MODELS_PATH = "/v1/models"

_SHORTEST = GenerationRequest((Message("user", "Say something."),), output_tokens=1)
_FINGERPRINT = re.compile(r'"system_fingerprint"\s*:\s*"([^"]+)"')
_PERHAPS_TLS = frozenset({Why.NOT_HTTP, Why.BROKEN})
_PERHAPS_PLAIN = frozenset({Why.UNHEARD, Why.LATE, Why.BROKEN})


class Probe:
    """Asks one server.

    Args:
        client: asks the server.
        backend: how it is asked.
        left_s: the longest a generation may take; other questions take at most 5 s.
    """

    def __init__(self, client: HttpClient, backend: Backend, left_s: float) -> None:
        self._client = client
        self._url = client.url
        self._backend = backend
        self._left_s = left_s
        self._fingerprint: str | None = None

    def ready(self, model: str) -> str:
        """Ask all three questions.

        Args:
            model: the name that must be listed; "" for the only one.

        Returns:
            The model's name.

        Raises:
            NotYet: wait and ask again.
            RefusedError: waiting will not help.
        """
        self._ask("GET", self._backend.ready_path, bare=True)
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
        return chosen

    def version(self) -> str | None:
        """The running version: from the backend's sources, else the fingerprint of the answer seen by `ready`."""
        for path, field in self._backend.version_sources:
            try:
                said = self._ask("GET", path).field(field)
            except (NotYet, RefusedError):
                continue
            if isinstance(said, str) and said not in self._backend.unknown_versions:
                return said
        return None if self._fingerprint in self._backend.unknown_versions else self._fingerprint

    def _models(self) -> tuple[str, ...]:
        answer = self._ask("GET", _MODELS_PATH)
        listed = answer.field("data")
        if answer.field("error"):
            raise Doubtful(f"{_MODELS_PATH} answers 200 with an error: {excerpt(answer)}")
        if not isinstance(listed, list):
            raise RefusedError(
                f"{self._url} answers {_MODELS_PATH} with something else than a list of models ({excerpt(answer)}); "
                "is it an OpenAI-compatible server, and its address complete?"
            )
        models = tuple(str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry)
        if not models:
            raise NotYet("it lists no model yet")
        return models

    def _generate(self, model: str) -> None:
        """One token, asked for as the benchmark will ask: as a stream of the backend's own protocol."""
        protocol = protocol_named(self._backend.protocols[0])
        answer = self._ask("POST", protocol.path, protocol.encode(_SHORTEST, model), self._left_s)
        decoder = StreamDecoder(protocol)
        decoder.feed(answer.body, 0)
        decoded = decoder.finish(complete=True)
        if not decoded.output_ns:
            self._expect_stream(answer, protocol.path)
            said = decoded.failure.message if decoded.failure is not None else excerpt(answer)
            raise Doubtful(f"{protocol.path} generated nothing: {said}")
        fingerprint = _FINGERPRINT.search(answer.text)
        self._fingerprint = fingerprint[1] if fingerprint else None

    def _expect_stream(self, answer: Answer, path: str) -> None:
        """Tell an answer without a token from one that is no stream at all."""
        document = answer.document()
        if not isinstance(document, dict | list):
            return
        if isinstance(document, dict) and document.get("error"):
            raise Doubtful(f"{path} answers 200 with an error: {excerpt(answer)}")
        raise RefusedError(
            f"{self._url}{path} answers with one JSON document, though a stream was asked for ({excerpt(answer)}); "
            "a benchmark needs the stream: turn off what collects it on the way (a proxy), or correct the address"
        )

    def _ask(
        self, method: str, path: str, body: bytes | None = None, timeout_s: float = QUESTION_S, *, bare: bool = False
    ) -> Answer:
        """The answer with status 200."""
        try:
            answer = self._client.ask(method, path, body, timeout_s=min(timeout_s, self._left_s))
        except NoAnswer as error:
            tls = error.why in _PERHAPS_TLS and self._url.startswith("http:") and self._client.speaks_tls()
            if error.why in _PERHAPS_PLAIN and self._url.startswith("https:") and self._client.speaks_plainly():
                error = NoAnswer(Why.NOT_TLS, str(error))  # it waits for the end of a request in our handshake
            raise no_answer(error, self._url, path, self._backend.name, tls=tls) from None
        expect_ok(answer, self._url, path, self._backend.name, bare=bare)
        return answer
