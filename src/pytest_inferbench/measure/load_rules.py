"""Rules about the load: was what went out, and what came back, what the plan wanted?

Limits: each rule is a pure function of the evidence and yields findings; `validity` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.evidence import Evidence
from pytest_inferbench.measure.failures import in_words
from pytest_inferbench.metrics.formulas import wall_s
from pytest_inferbench.metrics.tokens import TokenMethod
from pytest_inferbench.records import RequestRecord, RoundRecord
from pytest_inferbench.units import RATIO, REQUESTS_PER_SECOND, SECONDS, format_value


def accounting(evidence: Evidence) -> Iterator[Finding]:
    """Issued = completed + failed: each planned request has one record, and a completed one was sent and answered."""
    issued = evidence.facts.planned_requests
    seen = len(evidence.requests)
    if issued is None:
        issued = seen
    hollow = sum(record.sent_ns is None or not record.output_ns for record in evidence.completed)
    twice = sum(len(round_.counted) - len({r.index for r in round_.counted}) for round_ in evidence.rounds)
    accounted = seen - hollow - twice
    if accounted != issued:
        yield Finding(
            "accounting",
            invalid=True,
            message=f"{issued} requests were issued but {accounted} are accounted for as completed or failed "
            f"({hollow} without an answer, {twice} recorded twice)",
            remedy="run again; if it comes back, report it with the run's record files",
            figure=float(accounted),
            limit=float(issued),
        )


def error_rate(evidence: Evidence) -> Iterator[Finding]:
    """Failed / issued within the limit; failures within it are still told."""
    failures = [record.failure for record in evidence.requests if record.failure is not None]
    if not failures:
        return
    rate, limit = len(failures) / len(evidence.requests), evidence.policy.error_rate
    message = (
        f"{len(failures)} of {len(evidence.requests)} requests failed ({format_value(rate, RATIO)}, "
        f"limit {format_value(limit, RATIO)}): {in_words(failures)}"
    )
    if left := evidence.facts.rounds_left:
        message += f". The {left} round{'s' if left > 1 else ''} after that {'were' if left > 1 else 'was'} not run"
    remedy = "see the server's log; lower the load, or raise the case's error limit if failures belong to it"
    yield evidence.finding("error_rate", "error_rate", message, remedy, figure=rate, invalid=rate > limit)


def min_requests(evidence: Evidence) -> Iterator[Finding]:
    """The figures rest on as many completed requests as the case asked for."""
    completed, least = len(evidence.completed), evidence.facts.min_requests
    if completed < least:
        yield Finding(
            "min_requests",
            invalid=True,
            message=f"{completed} requests completed, fewer than the case's minimum of {least}",
            remedy="give the case more requests or rounds, or more time",
            figure=float(completed),
            limit=float(least),
            source="the case",
        )


def prompt_plan(evidence: Evidence) -> Iterator[Finding]:
    """Prompts were as long as planned, by the server's count."""
    pairs = [
        (record.usage.prompt_tokens, record.planned_prompt_tokens) for record in evidence.completed if record.usage
    ]
    remedy = "check that the model's tokenizer is the one the prompts were made for, and the chat template's overhead"
    yield from _off_plan(evidence, "prompt_plan", "prompt", pairs, remedy)


def output_plan(evidence: Evidence) -> Iterator[Finding]:
    """Answers were as long as planned, where the plan fixes their length; each that was shorter is told.

    Counted as chunks, an answer off the plan ended early, or its chunks hold several tokens: its figures are wrong
    either way.
    """
    views = (view for round_ in evidence.views for view in round_.completed)
    pairs = [(view.output_tokens, view.record.planned_output_tokens) for view in views]
    remedy = "use a server that honours `ignore_eos`, or do not fix the output length"
    if evidence.token_method is TokenMethod.CHUNKS:
        remedy += "; if its chunks hold several tokens, have it send usage"
    found = tuple(_off_plan(evidence, "output_plan", "output", pairs, remedy))
    yield from found
    short = [(counted, planned) for counted, planned in pairs if counted is not None and planned and counted < planned]
    if short and not found:
        counted, planned = min(short, key=lambda pair: pair[0] / pair[1])
        yield Finding(
            "output_plan",
            invalid=False,
            message=f"{len(short)} of {len(pairs)} answers have fewer tokens than planned; "
            f"the shortest has {counted} of {planned}",
            remedy=remedy,
            figure=float(len(short)),
        )


def token_method(evidence: Evidence) -> Iterator[Finding]:
    """Chunks are counted only where nothing better is known, and then said so."""
    if evidence.completed and evidence.token_method is TokenMethod.CHUNKS:
        yield Finding(
            "token_method",
            invalid=False,
            message="output tokens were counted as chunks: the server reports no usage, and a chunk may hold several",
            remedy="have the server send usage in its streams",
        )


def achieved_rate(evidence: Evidence) -> Iterator[Finding]:
    """An open loop's requests went out at the rate of its schedule, in every round.

    Held against the schedule and not the nominal rate: random arrivals miss their nominal rate by chance.
    """
    rates = [rates for round_ in evidence.rounds if (rates := _rates(round_))]
    if not rates:
        return
    sent, wanted = min(rates, key=lambda pair: pair[0] / pair[1])
    limit = evidence.policy.rate_share
    if sent < limit * wanted:
        message = (
            f"{format_value(sent, REQUESTS_PER_SECOND)} were sent of {format_value(wanted, REQUESTS_PER_SECOND)} "
            f"scheduled, below {format_value(limit, RATIO)}"
        )
        remedy = "lower the rate, allow more connections or use more load workers"
        yield evidence.finding("achieved_rate", "rate_share", message, remedy, figure=sent / wanted)


def steady_window(evidence: Evidence) -> Iterator[Finding]:
    """Every closed-loop round had a steady state, long enough to stand for it.

    A share and not a time makes a round invalid: a fast server's round of half a second is steady or not as any other.
    """
    steady = _steady(evidence)
    if not steady:
        return
    round_, seconds, wall = min(steady, key=lambda row: row[1] / row[2])
    share, limit = seconds / wall, evidence.policy.window_share
    if share < limit:
        message = (
            f"round {round_.index} kept {round_.concurrency} streams in flight for {format_value(share, RATIO)} "
            f"of its time, below {format_value(limit, RATIO)}"
        )
        remedy = "give the case more requests per stream"
        yield evidence.finding("steady_window", "window_share", message, remedy, figure=share)


def little_steady_time(evidence: Evidence) -> str | None:
    """A note where rates rest on little time: they spread more from run to run, which every judgement of them sees."""
    steady, least = _steady(evidence), evidence.policy.window_seconds
    if not steady or sum(seconds for _, seconds, _ in steady) >= least:
        return None
    return (
        f"rates rest on less than {format_value(least, SECONDS)} of steady load; "
        "with more requests per stream they spread less"
    )


def _steady(evidence: Evidence) -> list[tuple[RoundRecord, float, float]]:
    """Each closed-loop round with the seconds of its steady windows and those of the whole round."""
    return [
        (round_, sum(window.seconds for window in view.windows), wall)
        for round_, view in zip(evidence.rounds, evidence.views, strict=True)
        if round_.concurrency is not None and (wall := wall_s(view)) is not None
    ]


def _off_plan(
    evidence: Evidence, code: str, what: str, pairs: Iterable[tuple[int | None, int | None]], remedy: str
) -> Iterator[Finding]:
    """Sum of |counted - planned| / sum of planned, so that long ones do not make up for short ones."""
    known = [(counted, planned) for counted, planned in pairs if counted is not None and planned]
    if not known:
        return
    planned_total = sum(planned for _, planned in known)
    deviation = sum(abs(counted - planned) for counted, planned in known) / planned_total
    limit = evidence.policy.token_deviation
    if deviation > limit:
        counted_total = sum(counted for counted, _ in known)
        short = sum(counted < planned for counted, planned in known)
        message = (
            f"{what} tokens are {format_value(deviation, RATIO)} off the plan, more than "
            f"{format_value(limit, RATIO)}: {counted_total} counted, {planned_total} planned, "
            f"in {len(known)} requests" + (f", {short} of which have fewer" if short else "")
        )
        yield evidence.finding(code, "token_deviation", message, remedy, figure=deviation)


def _rates(round_: RoundRecord) -> tuple[float, float] | None:
    """Requests per second sent and scheduled; None for a round without a schedule of some length."""
    scheduled = [r.scheduled_ns for r in round_.requests if r.scheduled_ns is not None]
    wanted = _rate(scheduled)
    if wanted is None:
        return None
    return _rate(_sends(round_.requests)) or 0.0, wanted


def _sends(requests: Iterable[RequestRecord]) -> list[int]:
    return [record.sent_ns for record in requests if record.sent_ns is not None]


def _rate(stamps: list[int]) -> float | None:
    if not stamps or max(stamps) == min(stamps):
        return None
    return (len(stamps) - 1) * NS_PER_S / (max(stamps) - min(stamps))
