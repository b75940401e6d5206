"""Shared prefixes, cold and warm."""

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.workloads.prefix import Prefix
from workloads.workload_made import COLD, context, count, run, texts

SIZES = {"prefix_tokens": 50, "suffix_tokens": 7, "requests": 6, "streams": 2}
PROMPT_TOKENS = 13 + 57


def shared(first, second):
    """How many words two texts begin with in common."""
    pairs = zip(first.split(), second.split(), strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), len(first.split()))


def test_warm_brings_the_prefix_in_first():
    """One uncounted request for each stream, then the requests, which differ only behind the prefix."""
    (prime, load), _ = run(Prefix(cache="warm", **SIZES))
    assert (prime.counted, prime.streams, len(prime.requests)) == (False, 2, 2)
    assert {(request.tag, request.output_tokens) for request in prime.requests} == {("prime", 1)}
    assert (load.counted, load.streams, len(load.requests)) == (True, 2, 6)
    said = [*texts(prime), *texts(load)]
    assert {count(text) for text in said} == {PROMPT_TOKENS}
    assert len(set(said)) == 8
    prefix = said[0][: len(said[0]) // 2]
    assert all(text.startswith(prefix) for text in said)
    assert all(request.cache_prompt and not request.extra for request in load.requests)
    assert {request.planned_prompt_tokens for request in load.requests} == {PROMPT_TOKENS}


def test_cold_shares_nothing():
    """The same lengths, but no two prompts begin alike, and the server is told not to reuse."""
    (load,), _ = run(Prefix(cache="cold", **SIZES))
    said = texts(load)
    assert {count(text) for text in said} == {PROMPT_TOKENS}
    assert all(shared(one, other) < 10 for one in said for other in said if one is not other)
    assert all(request.extra == COLD and not request.cache_prompt for request in load.requests)


def test_rounds_do_not_warm_each_other():
    """Another round has another prefix, and so has the warm-up."""
    workload = Prefix(cache="warm", **SIZES)
    ((_, one), _), ((_, two), _) = run(workload, seed=1), run(workload, seed=2)
    warm_up = workload.warm_up(context(seed=3), 1)
    assert len(warm_up.requests) == 2
    assert shared(texts(one)[0], texts(two)[0]) < 10
    assert shared(texts(one)[0], texts(warm_up)[0]) < 10


def test_the_plan():
    """Only what counts is planned; a warm case plans to reuse the prefix's share."""
    warm, cold = Prefix(cache="warm", **SIZES), Prefix(cache="cold", **SIZES)
    assert warm.planned_requests == cold.planned_requests == 6
    assert (warm.planned_cached_share, cold.planned_cached_share) == (pytest.approx(50 / 57), 0.0)


def test_the_cache_must_be_named():
    """Cold or warm, and at least a request for each stream."""
    with pytest.raises(ConfigError, match="missing key 'cache'; add it"):
        Prefix()
    with pytest.raises(ConfigError, match="expected 'cold' or 'warm'"):
        Prefix(cache="hot")
    with pytest.raises(ConfigError, match="requests: got 2, expected at least one for each of 3 streams"):
        Prefix(cache="cold", streams=3, requests=2)
