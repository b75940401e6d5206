"""Requests that a test makes itself, stamped as they go: what `bench.record()` collects.

Limits: the clock is an argument. A failed request is a record, and its exception goes on; what was not said is absent.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from pytest_inferbench.records import Failure, FailureKind, RequestRecord, RoundRecord, Usage

if TYPE_CHECKING:
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.observe.watch import Seen

_EVIDENCE = 300  # characters of an exception that are kept


@cache
def _kinds() -> tuple[tuple[type[BaseException], FailureKind], ...]:
    """Why a request failed, by what it raised; the first that fits."""
    import httpx  # noqa: PLC0415 - a tenth of a second, which a collection needs not wait for

    return (
        (httpx.HTTPStatusError, FailureKind.HTTP),
        (httpx.ConnectError, FailureKind.CONNECT),
        (httpx.TimeoutException, FailureKind.TIMEOUT),
        (TimeoutError, FailureKind.TIMEOUT),
        (CancelledError, FailureKind.TIMEOUT),
        (httpx.RemoteProtocolError, FailureKind.CUT),
        (httpx.ReadError, FailureKind.CUT),
    )


class ManualRequest:
    """One request under way; its clock runs since its `with` block was entered.

    Args:
        clock: stamps it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent_ns = clock.now_ns()
        self._output_ns: list[int] = []
        self._tokens: list[int | None] = []
        self._usage: Usage | None = None

    def sent(self) -> None:
        """It went out only now: what came before was preparation."""
        self._sent_ns = self._clock.now_ns()

    def output(self, tokens: int | None = None) -> None:
        """A chunk with output has arrived; `tokens`: how many it holds, where the server says it."""
        self._output_ns.append(self._clock.now_ns())
        self._tokens.append(tokens)

    def usage(self, *, prompt_tokens: int | None = None, output_tokens: int | None = None) -> None:
        """What the server says of the whole request."""
        self._usage = Usage(prompt_tokens=prompt_tokens, output_tokens=output_tokens)

    def record(self, index: int, stream: int, tag: str, failure: Failure | None) -> RequestRecord:
        """The request, which ends now. Of one that never told of an output, the whole answer arrives at its end."""
        end_ns = self._clock.now_ns()
        output = tuple(self._output_ns) or (() if failure is not None else (end_ns,))
        tokens = tuple(count for count in self._tokens if count is not None)
        return RequestRecord(
            index=index,
            worker=0,
            stream=stream,
            tag=tag,
            scheduled_ns=None,
            sent_ns=self._sent_ns,
            output_ns=output,
            answer_ns=output[0] if output else None,
            end_ns=end_ns,
            usage=self._usage,
            chunk_tokens=tokens if tokens and len(tokens) == len(output) else None,
            failure=failure,
        )


class ManualRound:
    """One round of them.

    Args:
        clock: stamps them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_ns, self._began_cpu_ns = clock.now_ns(), clock.cpu_ns()
        self._lock = Lock()  # a plain test may send from threads of its own
        self._open: set[int] = set()
        self._indices = count()
        self._records: list[RequestRecord] = []
        self._values: dict[str, float] = {}

    @contextmanager
    def request(self, tag: str) -> Generator[ManualRequest]:
        """Time one request; requests that overlap are on streams of their own."""
        with self._lock:
            index = next(self._indices)
            stream = next(number for number in count() if number not in self._open)
            self._open.add(stream)
        request, failure = ManualRequest(self._clock), None
        try:
            yield request
        except BaseException as error:  # given up by a timeout around it, too
            failure = _failure(error)
            raise
        finally:
            record = request.record(index, stream, tag, failure)
            with self._lock:
                self._open.discard(stream)
                self._records.append(record)

    def value(self, name: str, figure: float) -> None:
        """A figure of the whole round."""
        self._values[name] = figure

    def cpu_share(self) -> float | None:
        """The share of one core that this process has used since the round began; None where it timed no request."""
        if not self._records:
            return None
        return (self._clock.cpu_ns() - self._began_cpu_ns) / max(1, self._clock.now_ns() - self._began_ns)

    def record(self, index: int, streams: int | None, watched: Seen) -> RoundRecord:
        """The round, over by now."""
        return RoundRecord(
            index=index,
            requests=tuple(sorted(self._records, key=lambda record: record.index)),
            workers=(),
            before=watched.before,
            after=watched.after,
            concurrency=streams,
            found=self._values,
            pages=watched.pages,
            missed=watched.missed,
            gpu=watched.gpu,
        )


def _failure(error: BaseException) -> Failure:
    import httpx  # noqa: PLC0415 - as above

    kind = next((kind for classes, kind in _kinds() if isinstance(error, classes)), FailureKind.PROTOCOL)
    status: int | None = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    return Failure(kind, f"{type(error).__name__}: {error}"[:_EVIDENCE], status)
