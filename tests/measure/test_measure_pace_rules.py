"""Findings about pace: what arrivals and counts do not show is left out, and said."""

import pytest

from measure.observed import codes, evidence, request, round_of, worker
from pytest_inferbench.measure import pace_rules
from pytest_inferbench.records import Usage


def arrivals(*, tokens=64, clump=1, gap=10.0, apart=0.02, first=100.0):
    """A token every `gap` ms through a buffer that holds `clump` of them and lets go of one every `apart` ms."""
    flushed = [first + gap * (min((n // clump + 1) * clump, tokens) - 1) + apart * (n % clump) for n in range(tokens)]
    return tuple(flushed)


def rules(*requests, **fields):
    seen = evidence(round_of(*requests, workers=[worker()], **fields))
    found = [*pace_rules.unread_text(seen), *pace_rules.unseen_tokens(seen), *pace_rules.clumps(seen)]
    return found, seen.metrics


def figures(*requests):
    return {"tpot_ms", "itl_ms", "chunk_gap_ms", "generation_tok_per_s"} & set(rules(*requests)[1])


@pytest.mark.parametrize("apart", [0.0, 0.02, 0.3], ids=["one read", "a burst", "a slow burst"])
@pytest.mark.parametrize("clump", [2, 3, 4, 16, 64])
def test_a_stream_in_clumps_shows_no_pace(clump, apart):
    """Whatever a buffer on the way lets go of at once, times a token and gaps are absent and the clump is named."""
    held = [request(n, out=arrivals(clump=clump, apart=apart if clump < 64 else apart / 10)) for n in range(4)]
    found, metrics = rules(*held)
    assert codes(found) == [("clumps", False)]
    assert f"in clumps of {clump}:" in found[0].message
    assert figures(*held) == set()
    assert metrics["ttft_ms"].p50 == pytest.approx(100 + 10 * (clump - 1))


def test_clumps_are_seen_where_nobody_counts_tokens():
    """How many chunks arrive together is a matter of arrivals alone."""
    found, _ = rules(*[request(n, out=arrivals(clump=16), usage=None) for n in range(4)])
    assert codes(found) == [("clumps", False)]
    assert "in clumps of 16:" in found[0].message


@pytest.mark.parametrize("gap", [0.05, 0.2, 10.0, 50.0])
def test_an_even_stream_keeps_its_pace(gap):
    """Also that of a model so small that it makes a token in the time of a burst."""
    even = [request(n, out=arrivals(gap=gap, first=5.0)) for n in range(4)]
    found, metrics = rules(*even)
    assert found == []
    assert figures(*even) == {"tpot_ms", "itl_ms", "chunk_gap_ms", "generation_tok_per_s"}
    assert metrics["tpot_ms"].p50 == pytest.approx(gap)


def test_some_chunks_that_arrive_together_are_no_clumps():
    """A client that reads a little late, or a network that holds a packet now and then."""
    out = tuple(10 * (n - (n % 4 == 3)) for n in range(1, 65))
    found, metrics = rules(request(out=out, sent=-100.0))
    assert found == []
    assert min(metrics["chunk_gap_ms"].p50, metrics["tpot_ms"].p50) > 9


def test_a_tiny_model_on_a_busy_machine_is_held_back_by_nobody():
    """Tokens of 0.2 ms each that wait for a reader to wake up: their time a token is still that of the server."""
    found, metrics = rules(*[request(n, out=arrivals(gap=0.2, clump=16, apart=0.0, first=5.0)) for n in range(4)])
    assert found == []
    assert metrics["tpot_ms"].p50 == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize(("drafted", "clumped"), [(48, False), (0, True)])
def test_drafts_explain_tokens_that_arrive_together(drafted, clumped):
    """A step of the server that accepts three drafts gives four tokens at once, which is its pace."""
    steps = [request(out=arrivals(clump=4), usage=Usage(10, 64, drafted_tokens=drafted))]
    assert codes(rules(*steps)[0]) == ([("clumps", False)] if clumped else [])


def test_drafts_do_not_explain_a_whole_answer_at_once():
    """A buffer is seen behind a server that drafts, too."""
    held = request(out=arrivals(clump=64, apart=0.0), usage=Usage(10, 64, drafted_tokens=48))
    assert codes(rules(held)[0]) == [("clumps", False)]


@pytest.mark.parametrize(("usage", "out"), [(Usage(10, 64), (500.0,)), (Usage(10, 2), (500.0,))])
def test_answers_that_come_whole_are_told(usage, out):
    """In one chunk there is no pace at all, and their time to the first token is that of the last."""
    found, _ = rules(request(out=out, usage=usage))
    assert codes(found) == [("clumps", False)]
    assert "1 of 1 answers came whole, in one chunk" in found[0].message
    assert not rules(request(out=out, usage=Usage(10, 1)))[0]


def test_a_test_that_times_its_own_requests_may_do_without_a_stream():
    """No load worker carried it, so nothing promised one."""
    seen = evidence(round_of(request(out=(500.0,), usage=Usage(10, 64))))
    assert not list(pace_rules.clumps(seen))


@pytest.mark.parametrize(
    ("usage", "fields", "code", "tpot"),
    [
        (Usage(10, 64, reasoning_tokens=32), {}, None, 10.0),  # taken out: 32 chunks of a token
        (Usage(10, 32, reasoning_tokens=32), {}, None, 10.0),  # counted beside the output
        (Usage(10, 32, reasoning_tokens=16), {"reasoned": True}, None, 10.0),  # streamed, and counted
        (Usage(10, 64), {}, "unseen_tokens", None),  # nobody says what the other 32 are
        (Usage(10, 64), {"chunk_tokens": (33, *[1] * 31)}, None, 10.0),  # generated before the first chunk
        (Usage(10, 64), {"chunk_tokens": (2,) * 32}, None, 5.0),  # two in each chunk
        (Usage(10, 64, reasoning_tokens=32), {"reasoned": True}, "unseen_tokens", None),  # a summary was streamed
        (Usage(10, 36), {}, None, 310 / 35),  # half characters held back
        (Usage(10, 16), {}, "miscounted", None),  # the answer without its reasoning
    ],
)
def test_a_time_a_token_covers_the_tokens_it_counts(usage, fields, code, tpot):
    """32 chunks, 10 ms apart: what was counted and not seen is taken out, or the figure is absent and that is said."""
    found, metrics = rules(*[request(n, out=arrivals(tokens=32), usage=usage, **fields) for n in range(3)])
    assert [finding.code for finding in found] == ([code] if code else [])
    assert ("tpot_ms" in metrics) == (tpot is not None)
    if tpot:
        assert metrics["tpot_ms"].p50 == pytest.approx(tpot)


def test_a_count_that_leaves_out_what_was_streamed_is_invalid():
    """Every rate that is made of it is too low."""
    found, _ = rules(request(out=arrivals(tokens=32), usage=Usage(10, 16)))
    assert codes(found) == [("miscounted", True)]


def test_text_that_is_not_read_is_named_and_makes_the_case_invalid():
    """The first chunk with output may not have been the first token."""
    found, _ = rules(request(0, unread="thoughts"), request(1, unread="thoughts"), request(2))
    assert codes(found) == [("unread_text", True)]
    assert found[0].message.startswith("2 of 3 answers streamed text in 'thoughts'")
