"""Findings about the server, each at its limit and just past it."""

import dataclasses

import pytest

from measure.observed import codes, evidence, failed, reading, request, round_of
from pytest_inferbench.measure import server_rules
from pytest_inferbench.measure.evidence import CacheState, CaseFacts
from pytest_inferbench.metrics.tokens import TokenMethod
from pytest_inferbench.records import ServerReading, Usage

FACTS = CaseFacts()


def case(*rounds, method=None, **facts):
    return evidence(*(rounds or (round_of(request()),)), facts=dataclasses.replace(FACTS, **facts), method=method)


@pytest.mark.parametrize(
    ("readings", "valid"),
    [
        ([(10, 20), (20, 30)], True),
        ([(10, 20), (25, 30)], True),
        ([(10, 9)], False),
        ([(10, 20), (5, 30)], False),  # between the rounds
        ([(None, 20), (5, None)], False),
        ([(None, None)], True),
    ],
)
def test_restarted_by_counter(readings, valid):
    """A counter that runs backwards anywhere in the case gives a restart away."""
    rounds = [
        round_of(
            request(),
            index=n,
            **{
                name: None if count is None else reading(prompt_tokens=count)
                for name, count in (("before", before), ("after", after))
            },
        )
        for n, (before, after) in enumerate(readings)
    ]
    found = list(server_rules.restarted(case(*rounds)))
    assert codes(found) == ([] if valid else [("server_restarted", True)])
    assert all("counter prompt_tokens ran backwards" in finding.message for finding in found)


def test_gauges_may_fall():
    """Running requests go up and down."""
    assert not list(server_rules.restarted(case(round_of(before=reading(running=5), after=reading(running=0)))))


def cached(*shares, prompt=100):
    """One request a round, `shares` of whose 100 prompt tokens were cached; None: the server does not say."""
    return [
        round_of(request(usage=Usage(prompt_tokens=prompt, output_tokens=3, cached_tokens=share)), index=n)
        for n, share in enumerate(shares)
    ]


@pytest.mark.parametrize(
    ("declared", "shares", "expected"),
    [
        (CacheState.COLD, (0, 10), []),
        (CacheState.COLD, (0, 11), [("prefix_cache", True)]),
        (CacheState.COLD, (None,), [("prefix_cache_unseen", False)]),
        (CacheState.WARM, (1, 99), []),
        (CacheState.WARM, (99, 0), [("prefix_cache", True)]),
        (CacheState.WARM, (None,), [("prefix_cache_unseen", False)]),
        (CacheState.ANY, (99,), []),
        (CacheState.ANY, (None,), []),
    ],
)
def test_prefix_cache_by_usage(declared, shares, expected):
    """Cold: at most 10 % in the worst round. Warm: something in every round."""
    assert codes(server_rules.prefix_cache(case(*cached(*shares), cache=declared))) == expected


@pytest.mark.parametrize(("shares", "valid"), [((25, 12), True), ((0, 26), False)])
def test_what_every_prompt_begins_with_is_no_reuse(shares, valid):
    """Of 100 prompt tokens 15 are the template's: from the second request on they are cached, whatever is asked."""
    found = list(server_rules.prefix_cache(case(*cached(*shares), cache=CacheState.COLD, shared_tokens=15)))
    assert codes(found) == ([] if valid else [("prefix_cache", True)])
    assert all("beside the 15 that every prompt begins with" in finding.message for finding in found)


@pytest.mark.parametrize(("share", "valid"), [(41, True), (40, False), (0, False)])
def test_a_warm_case_sees_half_of_the_reuse_it_plans(share, valid):
    """Where 80 % of the prompt tokens are planned to be cached, 40 % are too few; the message says both."""
    found = list(server_rules.prefix_cache(case(*cached(90, share), cache=CacheState.WARM, cached_share=0.8)))
    assert codes(found) == ([] if valid else [("prefix_cache", True)])
    assert all("plans for 80 %" in finding.message for finding in found)


def test_what_prepares_a_cache_is_no_hit_of_the_case():
    """Requests that do not count are not looked at: all of theirs cached, none of the case's."""
    prime = request(usage=Usage(prompt_tokens=100, output_tokens=3, cached_tokens=100), counted=False)
    plain = request(1, usage=Usage(prompt_tokens=100, output_tokens=3, cached_tokens=0))
    assert not list(server_rules.prefix_cache(case(round_of(prime, plain), cache=CacheState.COLD)))
    found = server_rules.prefix_cache(case(round_of(prime, plain), cache=CacheState.WARM))
    assert codes(found) == [("prefix_cache", True)]


def test_a_fresh_server_a_round_begins_to_count_anew():
    """Counters fall between rounds of a case that wants fresh servers, and may not fall within one."""
    rounds = [
        round_of(request(), index=n, before=reading(prompt_tokens=first), after=reading(prompt_tokens=last))
        for n, (first, last) in enumerate([(5, 50), (5, 50)])
    ]
    assert codes(server_rules.restarted(case(*rounds))) == [("server_restarted", True)]
    assert not list(server_rules.restarted(case(*rounds, wants_fresh=True)))
    torn = round_of(request(), before=reading(prompt_tokens=50), after=reading(prompt_tokens=5))
    assert codes(server_rules.restarted(case(torn, wants_fresh=True))) == [("server_restarted", True)]


def test_an_answer_without_a_cached_count_had_none():
    """Where some answers of a round say what was cached, the others had nothing cached."""
    usages = [Usage(prompt_tokens=100, output_tokens=3, cached_tokens=n) for n in (11, None)]
    round_ = round_of(*(request(n, usage=usage) for n, usage in enumerate(usages)))
    assert not list(server_rules.prefix_cache(case(round_, cache=CacheState.COLD)))


@pytest.mark.parametrize(("cached_tokens", "valid"), [(10, True), (11, False)])
@pytest.mark.parametrize("usage", [Usage(prompt_tokens=100, output_tokens=3), None])
def test_prefix_cache_by_counter(cached_tokens, valid, usage):
    """Without a cached count in usage the server's counters tell, over our prompt tokens or its own."""
    round_ = round_of(
        request(usage=usage),
        before=reading(cached_prompt_tokens=50, prompt_tokens=500),
        after=reading(cached_prompt_tokens=50 + cached_tokens, prompt_tokens=600),
    )
    found = server_rules.prefix_cache(case(round_, cache=CacheState.COLD))
    assert codes(found) == ([] if valid else [("prefix_cache", True)])


def test_prefix_cache_of_failed_requests_is_not_judged():
    """A case without an answer has other findings."""
    assert not list(server_rules.prefix_cache(case(round_of(failed()), cache=CacheState.COLD)))


def counted(tokens, *requests):
    return round_of(*requests, before=reading(generated_tokens=1000), after=reading(generated_tokens=1000 + tokens))


ANSWER = request(usage=Usage(output_tokens=100))


def test_the_server_counts_what_we_do_not():
    """Its counter grows in loads that do not count, too: 100 tokens of each."""
    uncounted = request(1, usage=Usage(output_tokens=100), counted=False)
    assert not list(server_rules.server_count(case(counted(200, ANSWER, uncounted))))
    assert codes(server_rules.server_count(case(counted(100, ANSWER, uncounted)))) == [("server_count", True)]


@pytest.mark.parametrize(("tokens", "valid"), [(100, True), (102, True), (98, True), (103, False), (97, False)])
def test_server_count(tokens, valid):
    """The server's counter may differ by 2 % of our count."""
    found = server_rules.server_count(case(counted(tokens, ANSWER)))
    assert codes(found) == ([] if valid else [("server_count", True)])


def test_server_count_of_chunks_is_a_warning():
    """Where we counted chunks, the difference is ours."""
    found = server_rules.server_count(case(counted(100, request(usage=None)), method=TokenMethod.CHUNKS))
    assert codes(found) == [("server_count", False)]


def test_server_count_asks_for_usage_where_there_was_none():
    """Tokens that a test counted itself may be fewer than the server made, and nobody else is to blame."""
    ours = dataclasses.replace(request(usage=None), chunk_tokens=(1,) * len(request().output_ns))
    (found,) = server_rules.server_count(case(counted(100, ours), method=TokenMethod.CHUNK_TOKENS))
    assert "nobody else uses the server" in found.remedy
    assert "in bench.record() call request.usage()" in found.remedy
    (found,) = server_rules.server_count(case(counted(500, ANSWER)))
    assert "usage" not in found.remedy


def test_server_count_needs_complete_rounds_and_a_counter():
    """A failed request's tokens are in the server's counter only; without a counter there is nothing to compare."""
    assert not list(server_rules.server_count(case(counted(500, ANSWER, failed(1)))))
    assert not list(server_rules.server_count(case(round_of(ANSWER, before=reading(), after=reading()))))
    reset = round_of(ANSWER, before=reading(generated_tokens=9), after=reading(generated_tokens=1))
    assert not list(server_rules.server_count(case(reset)))


@pytest.mark.parametrize(("took_ms", "warned"), [(0.1, False), (0.2, False), (0.3, True)])
def test_page_cost(took_ms, warned):
    """Five pages in a round of 20 ms: one millisecond of it is 5 %; more is a warning, never INVALID."""
    pages = tuple(ServerReading(0, {}) for _ in range(5))
    idle = ServerReading(0, {}, took_ns=round(took_ms * 1_000_000))
    round_ = dataclasses.replace(round_of(request(out=(10, 20)), before=idle, after=idle), pages=pages)
    assert codes(server_rules.page_cost(case(round_))) == ([("page_cost", False)] if warned else [])


def test_a_page_that_waits_for_its_turn_costs_nobody():
    """What counts is what a page takes the idle server, the quicker of both, not how long one waited in the round."""
    before, after = (ServerReading(0, {}, took_ns=each) for each in (9_000_000, 200_000))
    waited = ServerReading(0, {}, took_ns=18_000_000)
    round_ = dataclasses.replace(round_of(request(out=(10, 20)), before=before, after=after), pages=(waited,))
    assert not list(server_rules.page_cost(case(round_)))


def test_page_cost_of_nothing():
    """No page, or nothing sent: nothing to say."""
    assert not list(server_rules.page_cost(case(round_of(request()))))
    assert not list(server_rules.page_cost(case(round_of(failed(sent=None)))))
