"""Rules about the server: was it in the state that the case declares?

Idea: that it is the one that was asked for is seen to when it starts (`provision`).
Limits: each rule is a pure function of the evidence and yields findings; `validity` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.evidence import CacheState, Evidence
from pytest_inferbench.measure.watched import round_pages
from pytest_inferbench.metrics.growth import growth, restart
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import RoundRecord, extent_ns
from pytest_inferbench.units import RATIO, format_value


def restarted(evidence: Evidence) -> Iterator[Finding]:
    """The server lived through the whole case: its page shows no sign of a restart.

    A case that wants fresh servers has one for each round.
    """
    lives = [round_pages(round_) for round_ in evidence.rounds]
    if not evidence.facts.wants_fresh:
        lives = [tuple(chain.from_iterable(lives))]
    seen = next(filter(None, map(restart, lives)), None)
    if seen is None:
        return
    yield Finding(
        "server_restarted",
        invalid=True,
        message=f"the server restarted during the case: {seen}",
        remedy="see the server's log for a crash, then run again",
    )


def prefix_cache(evidence: Evidence) -> Iterator[Finding]:
    """A cold case found next to nothing cached in its worst round; a warm case found what it planned, in each."""
    declared = evidence.facts.cache
    if declared is CacheState.ANY or not evidence.completed:
        return
    shares = [share for round_ in evidence.rounds if (share := _cached_share(round_)) is not None]
    if not shares:
        yield Finding(
            "prefix_cache_unseen",
            invalid=False,
            message=f"the case declares a {declared.value} prefix cache, but the server does not say what was cached",
            remedy="turn on the server's cached-token counts in its usage or its metrics page",
        )
    elif declared is CacheState.COLD and max(shares) > evidence.policy.cached_share + _unavoidable(evidence):
        shared = evidence.facts.shared_tokens
        beside = f" beside the {shared} that every prompt begins with" if shared else ""
        message = (
            f"{format_value(max(shares), RATIO)} of a round's prompt tokens came from the prefix cache, more than "
            f"{format_value(evidence.policy.cached_share, RATIO)}{beside}, but the case declares it cold"
        )
        remedy = "use prompts that differ between rounds, turn the prefix cache off, or declare the case warm"
        yield evidence.finding("prefix_cache", "cached_share", message, remedy, figure=max(shares))
    elif declared is CacheState.WARM and min(shares) <= evidence.policy.warm_share * evidence.facts.cached_share:
        message = (
            f"{format_value(min(shares), RATIO)} of a round's prompt tokens came from the prefix cache, but the case "
            f"declares it warm and plans for {format_value(evidence.facts.cached_share, RATIO)}"
        )
        remedy = "turn the server's prefix cache on, or give it room for as many prompts as there are streams"
        yield evidence.finding("prefix_cache", "warm_share", message, remedy, figure=min(shares))


def page_cost(evidence: Evidence) -> Iterator[Finding]:
    """Writing its metrics page took little of the server's time.

    A page costs what it takes the idle server, just before and after a round. Within it a page may also wait for its
    turn (llama.cpp answers between two batches), which is no work.
    """
    shares = []
    for round_ in evidence.rounds:
        idle = [page.took_ns for page in (round_.before, round_.after) if page is not None]
        start_ns, end_ns = extent_ns(round_.requests) or (0, 0)
        length = end_ns - start_ns
        shares += [len(round_.pages) * min(idle) / length] if idle and length > 0 else []
    if shares and max(shares) > evidence.policy.page_share:
        message = (
            f"writing its metrics page took the server {format_value(max(shares), RATIO)} of a round, more than "
            f"{format_value(evidence.policy.page_share, RATIO)}, on cores that may have served requests"
        )
        remedy = "sample more rarely (--bench-sample-interval-ms), or not at all (0)"
        yield evidence.finding("page_cost", "page_share", message, remedy, figure=max(shares), invalid=False)


def server_count(evidence: Evidence) -> Iterator[Finding]:
    """The server generated as many tokens as we counted, also in loads that do not count.

    Rounds with failures cannot be compared. With chunks for tokens our own count is the doubtful one: a warning.
    """
    ours = theirs = 0.0
    for round_ in evidence.rounds:
        grown = _growth(round_, "generated_tokens")
        if grown is not None and all(record.failure is None for record in round_.requests):
            views = request_views(round_.requests, evidence.token_method, evidence.pace)
            ours += sum(request.output_tokens or 0 for request in views)
            theirs += grown
    limit = evidence.policy.token_deviation
    if ours <= 0 or abs(theirs - ours) <= limit * ours:
        return
    deviation = abs(theirs - ours) / ours
    message = (
        f"the server counts {theirs:.0f} generated tokens and we {ours:.0f}, {format_value(deviation, RATIO)} apart, "
        f"more than {format_value(limit, RATIO)}"
    )
    remedy = "make sure that nobody else uses the server while it is measured"
    if any(record.usage is None for record in evidence.completed):
        remedy += ", and that all tokens are told: ask for usage, and in bench.record() call request.usage()"
    invalid = evidence.token_method is not TokenMethod.CHUNKS
    yield evidence.finding("server_count", "token_deviation", message, remedy, figure=deviation, invalid=invalid)


def _unavoidable(evidence: Evidence) -> float:
    """The share of the prompts' tokens that every prompt begins with: cached from the second request on."""
    lengths = [
        record.usage.prompt_tokens for record in evidence.completed if record.usage and record.usage.prompt_tokens
    ]
    return evidence.facts.shared_tokens * len(lengths) / sum(lengths) if lengths else 0.0


def _growth(round_: RoundRecord, counter: str) -> float | None:
    """How far a counter went up in a round; None where it is not published or the server was started again."""
    return growth(round_pages(round_), counter) if round_.before is not None and round_.after is not None else None


def _cached_share(round_: RoundRecord) -> float | None:
    """Cached / prompt tokens of a round: by usage where any answer says so, else by the server's counter.

    vLLM leaves the count out of answers that had nothing cached, so within a round that has some, absent is none.
    """
    usages = [record.usage for record in round_.counted if record.usage and record.failure is None]
    prompt = sum(usage.prompt_tokens or 0 for usage in usages)
    cached: float | None = None
    if any(usage.cached_tokens is not None for usage in usages):
        cached = sum(usage.cached_tokens or 0 for usage in usages)
    else:
        cached = _growth(round_, "cached_prompt_tokens")
        computed = _growth(round_, "computed_prompt_tokens")
        all_ = _growth(round_, "prompt_tokens") if computed is None else computed + (cached or 0)
        prompt = prompt or int(all_ or 0)
    return cached / prompt if cached is not None and prompt else None
