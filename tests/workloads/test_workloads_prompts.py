"""Synthetic prompts of exact length."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import Message
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate
from workloads.workload_made import COLD, TEMPLATE_TOKENS, count, maker

LEAD_TOKENS = 2  # "Go on:"


@settings(deadline=None, derandomize=True)
@given(st.integers(TEMPLATE_TOKENS + LEAD_TOKENS + 1, 3000), st.integers(0, 99))
def test_prompts_have_exactly_the_planned_tokens(tokens, seed):
    """Whatever the length, the server counts what was planned."""
    for request in maker().exact(random.Random(seed), 2, tokens, 8):
        assert count(request.messages[0].content) == tokens
        assert request.planned_prompt_tokens == tokens


def test_prompts_differ_and_repeat_by_seed():
    """No two prompts of a round begin alike, another seed makes others, and the same seed the same."""
    make = maker()
    first, again, other = (make.exact(random.Random(seed), 50, 64, 8) for seed in (1, 1, 2))
    assert first == again
    assert {r.messages for r in first}.isdisjoint(r.messages for r in other)
    assert len({r.messages[0].content[:40] for r in first}) == 50


@pytest.mark.parametrize("tokens", [1, TEMPLATE_TOKENS + LEAD_TOKENS])
def test_a_prompt_shorter_than_the_template_is_refused(tokens):
    """The message names the length, the least one and why."""
    with pytest.raises(ConfigError, match=rf"got {tokens}, expected at least 14: the chat template alone takes 13"):
        maker().text(random.Random(0), tokens)


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 500), st.integers(0, 500))
def test_words_cost_the_same_after_others(first, second):
    """Two stretches of words cost their sum, so a shared prefix and a suffix make an exact prompt."""
    make, rng = maker(), random.Random(3)
    text = make.with_lead(make.words(rng, first), make.words(rng, second))
    assert count(text) == make.led_tokens(first + second)


@settings(deadline=None, derandomize=True)
@given(st.integers(TEMPLATE_TOKENS + LEAD_TOKENS + 1, 300), st.text("0123456789abcdef", min_size=8, max_size=8))
def test_a_salted_prompt_has_exactly_the_planned_tokens(tokens, salt):
    """The salt takes the place of words, and never of all of them."""
    for text in (maker(salt=salt).text(random.Random(seed), tokens) for seed in range(2)):
        assert count(text) == tokens


def test_two_sessions_share_only_the_lead_of_a_prompt():
    """With one seed the words after the first six are the same, and those are the session's."""
    one, again, other = (maker(salt=salt).text(random.Random(1), 128).split() for salt in ("0a1b", "0a1b", "4e5f"))
    assert one == again
    assert one[LEAD_TOKENS] != other[LEAD_TOKENS] or one[LEAD_TOKENS + 1] != other[LEAD_TOKENS + 1]
    assert one[LEAD_TOKENS + 6 :] == other[LEAD_TOKENS + 6 :]


def test_salted_prompts_of_one_session_share_no_beginning():
    """A salt that was the same for all would itself come out of the cache from the second request on."""
    asked = maker(salt="0a1b").exact(random.Random(1), 50, 64, 8)
    assert len({tuple(request.messages[0].content.split()[: LEAD_TOKENS + 3]) for request in asked}) > 45


def test_a_shared_prefix_is_salted_too():
    """Its beginning is the prompt's; what follows a difference is in no cache."""
    first, second = (maker(salt=salt).opening(random.Random(1), 64) for salt in ("a", "b"))
    assert first.split()[:6] != second.split()[:6]
    assert count(maker().with_lead(first)) == count(maker().with_lead(second)) == maker().led_tokens(64)


def test_requests_say_whether_a_cached_prefix_may_be_used():
    """Cold ones carry the backend's fields for that; those that may reuse leave them out and say so."""
    make, messages = maker(), (Message("user", "x"),)
    cold, warm = make.request(messages, 4), make.request(messages, 4, reuse=True)
    assert (dict(cold.extra), cold.cache_prompt) == (COLD, False)
    assert (dict(warm.extra), warm.cache_prompt) == ({}, True)


def test_without_counts_nothing_is_planned():
    """A server that does not count gets prompts of about the length, and no plan to be held to."""
    make = PromptMaker(None, {})
    (request,) = make.exact(random.Random(0), 1, 30, 8)
    assert len(request.messages[0].content.split()) == LEAD_TOKENS + 30
    assert request.planned_prompt_tokens is None
    assert make.led_tokens(5) is None


def test_a_tokenizer_without_single_token_words_cannot_be_planned():
    """Neither can one that counts nothing."""
    assert calibrate(lambda text: 3 * len(text.split())) is None
    assert calibrate(lambda _text: None) is None


def test_words_of_one_token_are_learned_together():
    """The same costs as by asking for each word alone, in a quarter of the questions."""
    asked = []
    costs = calibrate(lambda text: asked.append(text) or count(text))
    words = {word for text in asked for word in text.split()[2:]}
    assert costs.base == count(asked[0])
    assert costs.costs == {word: count(f"{asked[0]} {word}") - costs.base for word in words}
    assert {1, 2} <= set(costs.costs.values())
    few = []
    calibrate(lambda text: few.append(text) or len(text.split()))
    assert len(few) < len(words) / 4
    assert max(len(text.split()) for text in asked) == max(len(text.split()) for text in few)
