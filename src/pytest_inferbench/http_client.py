"""One question to a server and its whole answer, with an end: so many seconds in all, so many bytes at most.

Idea: a limit on each read lets a server that sends a byte now and then hold us for ever, and an answer without a bound
fills our memory. Here one deadline stands over connecting, TLS, headers and body, and what is too much ends the answer.
Limits: every question that is no load goes through here. One connection a question, nothing kept; no proxy and no key
is taken from the environment; no header stands in a message; an answer is never unpacked.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import httpcore

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK, Clock

OK = 200
MOST_BYTES = 16 * 2**20
_HTTP_PORT = 80
_BEGIN, _SHOWN = b"HTTP/", 40
_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Connection", "close"))
_AGENT = ("User-Agent", "pytest-inferbench")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")


class Why(StrEnum):
    """Why there is no answer."""

    UNHEARD = "unheard"  # nothing listens there, or the name leads nowhere
    BROKEN = "broken"  # the connection ended before the answer did
    LATE = "late"  # the time was over
    TOO_LARGE = "too large"
    NOT_HTTP = "not HTTP"
    NOT_TLS = "not TLS"  # asked in TLS, answered without
    CERTIFICATE = "certificate"  # it cannot be verified
    TLS = "TLS"  # the two sides find no common TLS
    PACKED = "packed"  # compressed, which nobody asked for
    UNSAYABLE = "unsayable"  # the question itself cannot be written: a header holds a line end


class NoAnswer(Exception):  # noqa: N818 - a state, not a fault
    """There was no whole answer; the text is what happened, without any header.

    Attributes:
        why: the class of reason.
    """

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: its HTTP status.
        headers: by name in small letters.
        body: its bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")

    def document(self) -> Any:  # noqa: ANN401 - any JSON
        """The body's JSON value; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """A field of the body's JSON object; None where there is none."""
        document = self.document()
        return document.get(name) if isinstance(document, dict) else None


class HttpClient:
    """Asks one server.

    Args:
        endpoint: the server.
        timeout_s: how long a question may take in all.
        most_bytes: how long an answer may be.
        clock: what deadlines are of.
    """

    def __init__(
        self, endpoint: Endpoint, timeout_s: float, *, most_bytes: int = MOST_BYTES, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.url = endpoint.base_url
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._most_bytes = most_bytes
        self._clock = clock

    def ask(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float | None = None) -> Answer:
        """The answer, whatever its status; no redirect is followed.

        Args:
            method: GET or POST.
            path: after the base URL.
            body: JSON to send.
            timeout_s: how long this question may take; None for the client's own limit.

        Raises:
            NoAnswer: there is no whole one.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        backend = _Deadlines(self._clock, limit_s)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
                pool.stream(method, _url(self.url + path), headers=self._headers(body), content=body) as response,
            ):
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(response.status, headers, self._body(headers, response))
        except httpcore.LocalProtocolError:
            raise NoAnswer(
                Why.UNSAYABLE, "a header cannot be sent: it holds a line end, or a space around it"
            ) from None
        except (httpcore.TimeoutException, httpcore.RemoteProtocolError, httpcore.NetworkError) as error:
            if not (backend.first.startswith(_BEGIN) or _BEGIN.startswith(backend.first)):
                raise NoAnswer(Why.NOT_HTTP, f"the answer begins {backend.first!r}") from None
            if isinstance(error, httpcore.TimeoutException):
                text = "the answer did not end" if backend.first else "no answer"
                raise NoAnswer(_why(error), f"{text} within {limit_s:.3g} s") from None
            raise NoAnswer(_why(error), str(error) or type(error).__name__) from None

    def speaks_tls(self) -> bool:
        """Whether the server, which is asked without TLS, takes up a TLS handshake."""
        url, stream = _url(self.url), None
        try:
            stream = _Deadlines(self._clock, self._timeout_s).connect_tcp(url.host.decode(), url.port or _HTTP_PORT)
            stream = stream.start_tls(ssl.create_default_context(), url.host.decode())
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            return _why(error) in {Why.CERTIFICATE, Why.TLS}
        finally:
            if stream is not None:
                stream.close()
        return True

    def speaks_plainly(self) -> bool:
        """Whether the server, which is asked in TLS, answers without; it is given no header of ours."""
        plain = Endpoint(f"http:{self.url.partition(':')[2]}", "")
        try:
            HttpClient(plain, self._timeout_s, clock=self._clock).ask("GET", "/")
        except NoAnswer as error:
            return error.why is Why.TOO_LARGE
        return True

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https:"):
            return None
        return self._endpoint.verify

    def _headers(self, body: bytes | None) -> list[tuple[bytes, bytes]]:
        own = {name.lower() for name, _ in self._endpoint.headers}
        kind = [] if body is None else [("Content-Type", "application/json")]
        usual = [pair for pair in (*_HEADERS, _AGENT, *kind) if pair[0].lower() not in own]
        return [(name.encode(), value.encode()) for name, value in (*usual, *self._endpoint.headers)]

    def _body(self, headers: Mapping[str, str], response: httpcore.Response) -> bytes:
        packed = headers.get("content-encoding", "identity").strip().lower()
        if packed not in {"", "identity"}:
            raise NoAnswer(Why.PACKED, f"the answer is compressed ({packed}), which was not asked for")
        parts = bytearray()
        for part in response.iter_stream():
            parts += part
            if len(parts) > self._most_bytes:
                raise NoAnswer(Why.TOO_LARGE, f"the answer has more than {self._most_bytes:,} bytes")
        return bytes(parts)


def _url(text: str) -> httpcore.URL:
    """The address as it goes over the wire: host names in IDNA, paths in per cent."""
    import httpx  # noqa: PLC0415 - a tenth of a second, which a collection needs not wait for

    url = httpx.URL(text)
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _why(error: Exception) -> Why:
    text = str(error)
    if isinstance(error, httpcore.TimeoutException):
        return Why.UNHEARD if isinstance(error, httpcore.ConnectTimeout) else Why.LATE
    if isinstance(error, httpcore.RemoteProtocolError):
        return Why.BROKEN if "disconnected" in text or "closed connection" in text else Why.NOT_HTTP
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Why.CERTIFICATE
    if any(sign in text for sign in _NOT_TLS):
        return Why.NOT_TLS
    if "ALERT" in text or "UNSUPPORTED_PROTOCOL" in text:
        return Why.TLS
    return Why.UNHEARD if isinstance(error, httpcore.ConnectError) and "EOF" not in text else Why.BROKEN


class _Deadlines(httpcore.NetworkBackend):
    """Connections that all end at one moment, however often they are read.

    Attributes:
        first: how what was read begins.
    """

    def __init__(self, clock: Clock, limit_s: float) -> None:
        self.first = b""
        self._clock = clock
        self._end_ns = clock.now_ns() + round(limit_s * NS_PER_S)
        self._network = httpcore.SyncBackend()

    def left_s(self, error: type[httpcore.TimeoutException]) -> float:
        """The seconds that are left; raises `error` where none is."""
        left = (self._end_ns - self._clock.now_ns()) / NS_PER_S
        if left <= 0:
            raise error
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self.left_s(httpcore.ConnectTimeout)
        return _Stream(self, self._network.connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection that ends when its deadline has passed."""

    def __init__(self, deadlines: _Deadlines, stream: httpcore.NetworkStream) -> None:
        self._deadlines = deadlines
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpcore's signature
        data = self._stream.read(max_bytes, self._deadlines.left_s(httpcore.ReadTimeout))
        self._deadlines.first = self._deadlines.first or data[:_SHOWN]
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        self._stream.write(buffer, self._deadlines.left_s(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = self._deadlines.left_s(httpcore.ConnectTimeout)
        return _Stream(self._deadlines, self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._stream.get_extra_info(info)
