"""Observations made by hand: times in milliseconds, turned into the records' nanoseconds."""

from pytest_inferbench.measure.aggregate import aggregate
from pytest_inferbench.measure.evidence import CaseFacts, Evidence, ValidityPolicy
from pytest_inferbench.measure.window import steady_windows
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.pace import pace_of
from pytest_inferbench.metrics.tokens import request_views, token_method
from pytest_inferbench.records import (
    Failure,
    FailureKind,
    RequestRecord,
    RoundRecord,
    ServerReading,
    Usage,
    WorkerReading,
)


def ns(milliseconds):
    return None if milliseconds is None else round(milliseconds * 1_000_000)


def request(index=0, *, sent=0.0, out=(10, 20, 30), stream=None, failure=None, end=None, **fields):
    """A completed request of a stream of its own, unless said otherwise; `out` are its chunks' arrivals."""
    times = {name: ns(fields.pop(name, None)) for name in ("scheduled", "answer")}
    last = max((*out, sent or 0.0))
    return RequestRecord(
        index=index,
        worker=fields.pop("worker", 0),
        stream=index if stream is None else stream,
        tag=fields.pop("tag", ""),
        scheduled_ns=times["scheduled"],
        sent_ns=ns(sent),
        output_ns=tuple(ns(at) for at in out),
        answer_ns=times["answer"],
        end_ns=ns(last if end is None else end),
        usage=fields.pop("usage", Usage(prompt_tokens=100, output_tokens=len(out)) if failure is None else None),
        failure=Failure(failure, f"{failure.value} said the server") if failure else None,
        **fields,
    )


def failed(index=0, *, sent=0.0, end=25.0, kind=FailureKind.TIMEOUT, **fields):
    return request(index, sent=sent, out=(), end=end, failure=kind, **fields)


def worker(number=0, *, lag=(), schedule_lag=(), cpu=0.1, seconds=1.0, kernel_stamps=True, clock_step=0.0, **fields):
    return WorkerReading(
        worker=number,
        seconds=seconds,
        cpu_seconds=cpu,
        loop_lag_ns=tuple(ns(each) for each in lag),
        schedule_lag_ns=tuple(ns(each) for each in schedule_lag),
        received_bytes=fields.pop("received_bytes", 1000),
        reads=fields.pop("reads", 10),
        reconnects=fields.pop("reconnects", 0),
        kernel_stamps=kernel_stamps,
        clock_step_ns=ns(clock_step),
        pause_ns=ns(fields.pop("pause", 0.0)),
    )


def reading(**values):
    return ServerReading(0, {name: float(value) for name, value in values.items()})


def round_of(*requests, index=0, workers=(), concurrency=None, before=None, after=None):
    return RoundRecord(index, tuple(requests), tuple(workers), before, after, concurrency)


def evidence(*rounds, facts=None, policy=None, method=None):
    """The evidence of a case, as `assemble` would gather it."""
    seen = [record for each in rounds for record in each.requests]
    method, pace = method or token_method(seen), pace_of(seen)
    views = tuple(
        RoundView(requests, steady_windows(requests, each.concurrency))
        for each in rounds
        for requests in [request_views(each.counted, method, pace)]
    )
    metrics = aggregate(views).metrics
    return Evidence(rounds, views, metrics, method, pace, facts or CaseFacts(), policy or ValidityPolicy())


def codes(found):
    return [(finding.code, finding.invalid) for finding in found]
