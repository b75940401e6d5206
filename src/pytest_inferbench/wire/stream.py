"""One response body, as stamped pieces, becomes what its request record needs.

Limits: nothing a server sends raises here: it becomes a `Failure`, and what came before it is kept. An event's time is
the stamp of the piece that completed it. Decoding happens after the measurement, yet there may be a million events:
this file and what it calls take some five microseconds for one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Protocol

from pytest_inferbench.records import Failure, FailureKind, ServerTiming, Usage
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.ndjson import NdjsonFramer
from pytest_inferbench.wire.payload import sound_text
from pytest_inferbench.wire.protocol import Delta, Framing, WireProtocol
from pytest_inferbench.wire.server_error import body_error, shorten
from pytest_inferbench.wire.sse import SseFramer


class _Framer(Protocol):
    def feed(self, data: bytes) -> list[bytes]: ...
    def close(self) -> list[bytes]: ...


_FRAMERS: dict[Framing, type[_Framer]] = {Framing.SSE: SseFramer, Framing.NDJSON: NdjsonFramer}
_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class DecodedStream:
    """One response, decoded.

    Attributes:
        output_ns: the stamp of each chunk that carried output, in order.
        answer_ns: the stamp of the first content that is not reasoning.
        chunk_tokens: tokens in each output chunk, aligned with `output_ns`: from token ids, else from the steps of a
            running count; None unless every output chunk says it. Tokens of a chunk without output (a character not
            yet whole) count with the next output chunk; those after the last one (an end-of-text token) with none.
        usage: the last usage seen.
        timing: the last server timing seen.
        finish: the finish reason as the server put it.
        text: the answer's content without reasoning, where it was asked for.
        reasoned: whether any of the output was reasoning.
        unread: the field of a delta that carried text we do not read, in several payloads without output; else None.
        failure: why it is not a complete answer; None if it is one.
    """

    output_ns: tuple[int, ...] = ()
    answer_ns: int | None = None
    chunk_tokens: tuple[int, ...] | None = None
    usage: Usage | None = None
    timing: ServerTiming | None = None
    finish: str | None = None
    text: str | None = None
    failure: Failure | None = None
    reasoned: bool = False
    unread: str | None = None


def http_failure(status: int, body: bytes) -> Failure:
    """The failure that a response of another status than 200 is, in the server's words."""
    return Failure(FailureKind.HTTP, body_error(body) or "the answer has no body", status)


class StreamDecoder:
    """Decodes one response body, piece by piece.

    Args:
        protocol: the protocol that was asked for.
        keep_text: join the answer's text.
    """

    def __init__(self, protocol: WireProtocol, keep_text: bool = False) -> None:
        self._decode = protocol.decode
        self._ends = protocol.ends
        self._framer = _FRAMERS[protocol.framing]()
        self._text: list[str] | None = [] if keep_text else None
        self._output_ns: list[int] = []
        self._answer_ns: int | None = None
        self._steps: list[int] | None = []  # tokens of each output chunk; None once a chunk did not say
        self._running: list[int] | None = [0]  # output tokens after each output chunk; None once a chunk did not say
        self._pending_tokens = 0
        self._usage: Usage | None = None
        self._timing: ServerTiming | None = None
        self._finish: str | None = None
        self._done = False
        self._reasoned = False
        self._unread: list[str] = []
        self._failure: Failure | None = None
        self._beginning = b""
        self._stamp_ns = 0

    def feed(self, body: bytes, stamp_ns: int) -> None:
        """Take a piece of the decoded HTTP body that arrived at `stamp_ns`; what follows the end marker is ignored."""
        if not self._beginning:
            self._beginning = body[:_SHOWN_BYTES]
        self._stamp_ns = stamp_ns
        self._take(self._framer.feed(body))

    def finish(self, complete: bool) -> DecodedStream:
        """What the whole body said.

        Args:
            complete: whether the HTTP body came to its end; False where the connection ended first.
        """
        if complete:  # of a body that was cut, the last event is half an event
            self._take(self._framer.close())
        return DecodedStream(
            output_ns=tuple(self._output_ns),
            answer_ns=self._answer_ns,
            chunk_tokens=self._chunk_tokens(),
            usage=self._usage,
            timing=self._timing,
            finish=self._finish,
            text=None if self._text is None else sound_text("".join(self._text)),
            failure=self._failure or self._missing(complete),
            reasoned=self._reasoned,
            # One such payload may describe the answer; text that streams comes in several.
            unread=self._unread[0] if len(self._unread) > 1 else None,
        )

    def _take(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            if self._done:
                return
            try:
                delta = self._decode(payload)
            except WireError as error:
                self._fail(FailureKind.PROTOCOL, str(error))
                return
            if delta.carries_output:
                self._take_output(delta)
            else:
                self._pending_tokens += delta.tokens or 0
                if delta.unread:
                    self._unread.append(delta.unread)
            self._take_facts(delta)

    def _take_output(self, delta: Delta) -> None:
        self._output_ns.append(self._stamp_ns)
        if delta.reasoning:
            self._reasoned = True
        if delta.content:
            if self._answer_ns is None:
                self._answer_ns = self._stamp_ns
            if self._text is not None:
                self._text.append(delta.content)
        if self._steps is not None:
            if delta.tokens is None:
                self._steps = None
            else:
                self._steps.append(self._pending_tokens + delta.tokens)
                self._pending_tokens = 0
        if self._running is not None:
            if delta.generated is None:
                self._running = None
            else:
                self._running.append(delta.generated)

    def _take_facts(self, delta: Delta) -> None:
        if delta.usage is not None:
            self._usage = delta.usage
        if delta.timing is not None:
            self._timing = delta.timing
        if delta.finish is not None:
            self._finish = shorten(delta.finish)
        if delta.done:
            self._done = True
        if delta.error is not None:
            self._fail(FailureKind.IN_STREAM, delta.error)

    def _fail(self, kind: FailureKind, message: str) -> None:
        self._failure = Failure(kind, shorten(message))
        self._done = True

    def _chunk_tokens(self) -> tuple[int, ...] | None:
        if not self._output_ns:
            return None
        if self._steps is not None:
            return tuple(self._steps)
        if self._running is None:
            return None
        steps = tuple(after - before for before, after in pairwise(self._running))
        return steps if min(steps) >= 0 else None

    def _missing(self, complete: bool) -> Failure | None:
        chunks = f"{len(self._output_ns)} output chunk{'s' * (len(self._output_ns) != 1)}"
        if not complete:
            return Failure(FailureKind.CUT, f"the connection ended inside the answer, after {chunks}")
        if self._finish is not None and self._finish not in self._ends:
            return Failure(FailureKind.ABORTED, f"the server ended the answer with {self._finish!r} after {chunks}")
        if not self._output_ns:
            said = f"finish reason {self._finish!r}, {_counts(self._usage)}"
            body = f"the body begins {self._beginning!r}" if self._beginning else "the body is empty"
            return Failure(FailureKind.EMPTY, shorten(f"the answer has no output ({said}); {body}"))
        if self._finish is None:
            return Failure(FailureKind.CUT, f"the stream ended without a finish reason, after {chunks}")
        return None


def _counts(usage: Usage | None) -> str:
    known = {name: count for name, count in asdict(usage).items() if count is not None} if usage else {}
    return ", ".join(f"{name} {count}" for name, count in known.items()) or "no usage"
