"""How many tokens a prompt has, by the only authority: the server's own usage.

Limits: one short request a question, before any clock runs. Works with every protocol that reports usage.
"""

from __future__ import annotations

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import Clock
from pytest_inferbench.errors import ServerError
from pytest_inferbench.http_client import OK, Answer, HttpClient, NoAnswer
from pytest_inferbench.wire.protocol import GenerationRequest, Message, WireProtocol
from pytest_inferbench.wire.stream import StreamDecoder, http_failure

TIMEOUT_S = 60.0
_BUSY = (429, 503)
_TRIES, _LONGEST_PAUSE_S = 4, 5.0


class TokenCounter:
    """Counts prompt tokens.

    Args:
        endpoint: the server.
        protocol: the protocol the benchmark will speak.
        clock: stamps the decoder wants.
        extra: body fields every request carries.
        timeout_s: how long each question may take.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        protocol: WireProtocol,
        clock: Clock,
        extra: dict[str, object],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = HttpClient(endpoint, timeout_s)
        self._endpoint = endpoint
        self._protocol = protocol
        self._clock = clock
        self._extra = extra

    def __call__(self, text: str) -> int | None:
        """Tokens of a prompt with this text, template included; None where the server does not say.

        Raises:
            ServerError: the server refused the request.
        """
        request = GenerationRequest((Message("user", text),), output_tokens=1, extra=self._extra)
        body = self._protocol.encode(request, self._endpoint.model)
        answer = self._answer(body)
        for _ in range(_TRIES - 1):
            if answer.status not in _BUSY:
                break
            self._clock.sleep(_pause_s(answer))
            answer = self._answer(body)
        if answer.status != OK:
            failure = http_failure(answer.status, answer.body)
            raise ServerError(
                f"{self._endpoint.base_url} refused a short prompt: HTTP {failure.status}: {failure.message}"
            )
        decoder = StreamDecoder(self._protocol)
        decoder.feed(answer.body, self._clock.now_ns())
        usage = decoder.finish(complete=True).usage
        return usage.prompt_tokens if usage is not None else None

    def _answer(self, body: bytes) -> Answer:
        try:
            return self._client.ask("POST", self._protocol.path, body)
        except NoAnswer as error:
            raise ServerError(
                f"{self._endpoint.base_url} did not answer while prompts were prepared: {error}"
            ) from None


def _pause_s(answer: Answer) -> float:
    """How long a server that is busy wants to be left alone, within reason."""
    wanted = answer.headers.get("retry-after", "")
    return min(float(wanted), _LONGEST_PAUSE_S) if wanted.isdecimal() else 1.0
