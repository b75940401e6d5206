"""Workloads without a server: a tokenizer of words, a context, and answers made by hand."""

from __future__ import annotations

import random
from collections.abc import Callable

from pytest_inferbench.load.shape import Load, OpenLoop
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, Usage
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate
from pytest_inferbench.workloads.workload import RoundContext, Workload

TEMPLATE_TOKENS = 11
COLD = {"cache_prompt": False}


def count(text: str) -> int:
    """Tokens of a one-message prompt: the template's, and one for each five letters of a word."""
    return TEMPLATE_TOKENS + sum(1 + (len(word) - 1) // 5 for word in text.split())


def maker(**fields) -> PromptMaker:
    return PromptMaker(calibrate(count), COLD, **fields)


def context(seed: int = 0, **fields) -> RoundContext:
    return RoundContext(maker(), random.Random(seed), **fields)


def answered(load: Load, **changes) -> tuple[RequestRecord, ...]:
    """Each request of a load answered: sent one second after the other, first chunk 10 ms later, last 100 ms later."""
    return tuple(record(index, load, **changes) for index in range(len(load.requests)))


def record(index: int, load: Load, *, ttft_ms: float = 10, last_ms: float = 100, **changes) -> RequestRecord:
    request = load.requests[index]
    offset = load.shape.offsets_ns[index] if isinstance(load.shape, OpenLoop) else None
    sent_ns = index * 1_000_000_000
    last_ns = sent_ns + round(last_ms * 1e6)
    fields = {
        "index": index,
        "worker": 0,
        "stream": 0,
        "tag": request.tag,
        "scheduled_ns": offset,
        "sent_ns": sent_ns,
        "output_ns": (sent_ns + round(ttft_ms * 1e6), last_ns),
        "answer_ns": None,
        "end_ns": last_ns,
        "usage": Usage(request.planned_prompt_tokens, request.output_tokens),
        "chunk_tokens": (1, request.output_tokens - 1),
        "text": f"answer {index}" if request.keep_text else None,
    }
    return RequestRecord(**(fields | changes))


def failed(index: int, load: Load) -> RequestRecord:
    failure = Failure(FailureKind.TIMEOUT, "too late")
    return record(index, load, output_ns=(), usage=None, text=None, failure=failure)


def run(workload: Workload, answer: Callable[[Load], tuple[RequestRecord, ...]] = answered, **fields):
    """The loads of one round and what the workload found in it."""
    steps = workload.steps(context(**fields))
    loads = []
    try:
        load = next(steps)
        while True:
            loads.append(load)
            load = steps.send(answer(load))
    except StopIteration as end:
        return loads, end.value


def texts(load: Load) -> list[str]:
    return [request.messages[-1].content for request in load.requests]
