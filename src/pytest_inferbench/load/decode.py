"""From spooled reads to request records, after the clock has stopped.

Limits: pure but for reading the spool; whatever the bytes are, the result is a record, never an exception.
"""

from __future__ import annotations

from pytest_inferbench.load.outcome import Outcome
from pytest_inferbench.load.spool import Spool
from pytest_inferbench.records import Failure, FailureKind, RequestRecord
from pytest_inferbench.wire.errors import BodyCut, WireError
from pytest_inferbench.wire.http import BodyReader, ResponseHead, parse_head
from pytest_inferbench.wire.protocol import WireProtocol
from pytest_inferbench.wire.stream import DecodedStream, StreamDecoder, http_failure

_OK = 200
_EMPTY = DecodedStream()


def decode_outcome(outcome: Outcome, spool: Spool, protocol: WireProtocol, worker: int, start_ns: int) -> RequestRecord:
    """The record of one request.

    Args:
        outcome: what the loop kept of it.
        spool: where its bytes are.
        protocol: the protocol it spoke.
        worker: the worker's number.
        start_ns: when the load started; planned offsets count from it.
    """
    decoded, failure = _decode(outcome, spool, protocol)
    request = outcome.request
    return RequestRecord(
        index=request.index,
        worker=worker,
        stream=outcome.stream,
        tag=request.tag,
        scheduled_ns=None if request.offset_ns is None else start_ns + request.offset_ns,
        sent_ns=outcome.sent_ns,
        output_ns=decoded.output_ns,
        answer_ns=decoded.answer_ns,
        end_ns=outcome.end_ns,
        planned_prompt_tokens=request.planned_prompt_tokens,
        planned_output_tokens=request.planned_output_tokens,
        usage=decoded.usage,
        chunk_tokens=decoded.chunk_tokens,
        finish=decoded.finish,
        timing=decoded.timing,
        text=decoded.text,
        failure=outcome.failure or failure,
        reasoned=decoded.reasoned,
        unread=decoded.unread,
    )


def _decode(outcome: Outcome, spool: Spool, protocol: WireProtocol) -> tuple[DecodedStream, Failure | None]:
    """The decoded stream and why it failed, if it did: what came before a failure is kept."""
    head: ResponseHead | None = None
    body: BodyReader | None = None
    early = b""
    stream = StreamDecoder(protocol, keep_text=outcome.request.keep_text)
    error_body: list[bytes] = []
    complete = outcome.failure is None
    try:
        for piece, stamp in spool.read(outcome.trace):
            data = piece
            if body is None:
                early += piece
                parsed = parse_head(early)
                if parsed is None:
                    continue
                head, start = parsed
                body = BodyReader(head)
                data = early[start:]
            content = body.feed(data)
            if head is not None and head.status == _OK:
                stream.feed(content, stamp)
            else:
                error_body.append(content)
        if body is not None and complete:
            body.eof()
    except BodyCut as error:
        return stream.finish(complete=False), Failure(FailureKind.CUT, str(error))
    except WireError as error:
        return stream.finish(complete=False), Failure(FailureKind.PROTOCOL, str(error))
    if head is None:
        return _EMPTY, Failure(FailureKind.CUT, "no answer was received")
    if head.status != _OK:
        return _EMPTY, http_failure(head.status, b"".join(error_body))
    decoded = stream.finish(complete=complete)
    return decoded, decoded.failure
