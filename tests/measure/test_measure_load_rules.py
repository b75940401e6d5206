"""Findings about the load that went out, each at its limit and just past it."""

import dataclasses

import pytest

from measure.observed import codes, evidence, failed, request, round_of
from pytest_inferbench.measure import load_rules
from pytest_inferbench.measure.evidence import CaseFacts, ValidityPolicy
from pytest_inferbench.records import FailureKind, Usage


def planned(counts, *, planned_tokens=100, field="output"):
    """Requests whose server counted `counts` tokens where 100 were planned."""
    usages = [Usage(prompt_tokens=n, output_tokens=n) for n in counts]
    names = {"output": "planned_output_tokens", "prompt": "planned_prompt_tokens"}
    return [request(i, usage=usage, **{names[field]: planned_tokens}) for i, usage in enumerate(usages)]


@pytest.mark.parametrize(
    ("requests", "issued", "valid"),
    [
        ([request(0), failed(1)], 2, True),
        ([request(0), failed(1)], None, True),
        ([request(0)], 2, False),
        ([request(0), request(1)], 1, False),
        ([request(0), request(0)], 2, False),
        ([request(0, out=())], None, False),
        ([request(0, sent=None)], None, False),
    ],
)
def test_accounting(requests, issued, valid):
    """Each issued request has one record, of a failure or of a real answer."""
    found = list(load_rules.accounting(evidence(round_of(*requests), facts=CaseFacts(planned_requests=issued))))
    assert codes(found) == ([] if valid else [("accounting", True)])


def test_loads_that_do_not_count_are_not_judged():
    """A search may overload the server: its failures, and its requests, are no part of the case."""
    seen = evidence(round_of(failed(0, counted=False), request(1)), facts=CaseFacts(planned_requests=1))
    for rule in (load_rules.error_rate, load_rules.accounting, load_rules.min_requests):
        assert not list(rule(seen))


def test_error_rate_at_its_limit_is_a_warning():
    """One failure in four is within a limit of 25 %, and still told."""
    requests = [failed(0), *(request(n) for n in range(1, 4))]
    found = list(load_rules.error_rate(evidence(round_of(*requests), policy=ValidityPolicy(error_rate=0.25))))
    assert codes(found) == [("error_rate", False)]


def test_error_rate_names_the_failures():
    """Above the limit the finding counts the kinds and quotes the first failure of each."""
    requests = [failed(0), failed(1, kind=FailureKind.CUT), failed(2, kind=FailureKind.CUT), request(3)]
    (found,) = load_rules.error_rate(evidence(round_of(*requests)))
    assert found.invalid
    assert found.figure == pytest.approx(0.75)
    assert found.message == (
        "3 of 4 requests failed (75 %, limit 0 %): 2 cut: cut said the server; 1 timeout: timeout said the server"
    )


@pytest.mark.parametrize(("left", "said"), [(1, "The 1 round after that was"), (4, "The 4 rounds after that were")])
def test_error_rate_says_what_was_not_run(left, said):
    """Rounds that could not have made the case valid any more are told."""
    (found,) = load_rules.error_rate(evidence(round_of(failed(0)), facts=CaseFacts(rounds_left=left)))
    assert found.message.endswith(f". {said} not run")


def test_no_failures_no_finding():
    """A clean case and an empty one say nothing of errors."""
    assert not list(load_rules.error_rate(evidence(round_of(request()))))
    assert not list(load_rules.error_rate(evidence()))


def test_min_requests():
    """Completed requests count, over all rounds."""
    rounds = (round_of(request(0), failed(1)), round_of(request(0), index=1))
    assert not list(load_rules.min_requests(evidence(*rounds, facts=CaseFacts(min_requests=2))))
    found = list(load_rules.min_requests(evidence(*rounds, facts=CaseFacts(min_requests=3))))
    assert codes(found) == [("min_requests", True)]


@pytest.mark.parametrize(("field", "rule"), [("output", "output_plan"), ("prompt", "prompt_plan")])
@pytest.mark.parametrize(
    ("counts", "valid"),
    [((100, 100), True), ((102, 100), True), ((104, 101), False), ((95, 100), False)],
)
def test_token_plan(field, rule, counts, valid):
    """2 % of all planned tokens, in either direction, too many not making up for too few."""
    found = list(getattr(load_rules, rule)(evidence(round_of(*planned(counts, field=field)))))
    assert codes(found) == ([] if valid else [(rule, True)])


def test_token_plan_without_a_plan_or_a_count():
    """Nothing planned, or nothing counted, is nothing to compare."""
    unplanned = evidence(round_of(request()))
    silent = evidence(round_of(request(usage=None, planned_prompt_tokens=100)))
    assert not [*load_rules.output_plan(unplanned), *load_rules.prompt_plan(unplanned)]
    assert not list(load_rules.prompt_plan(silent))


@pytest.mark.parametrize(
    ("counts", "invalid", "said"),
    [
        ((102, 98), False, "1 of 2 answers have fewer tokens than planned; the shortest has 98 of 100"),
        ((96, 100), False, "1 of 2 answers have fewer tokens than planned; the shortest has 96 of 100"),
        ((100,) * 199 + (1,), False, "1 of 200 answers have fewer tokens than planned; the shortest has 1 of 100"),
        ((100, 1, 1), True, "102 counted, 300 planned, in 3 requests, 2 of which have fewer"),
    ],
)
def test_each_answer_shorter_than_planned_is_told(counts, invalid, said):
    """Not only their sum: one answer in two hundred that ended at once hides in 2 % of all tokens."""
    (found,) = load_rules.output_plan(evidence(round_of(*planned(counts))))
    assert (found.code, found.invalid) == ("output_plan", invalid)
    assert found.message.endswith(said)


def test_answers_counted_as_chunks_are_held_to_the_plan_too():
    """They ended early, or their chunks hold several tokens; neither is what the figures say."""
    short = request(usage=None, planned_output_tokens=64)
    (found,) = load_rules.output_plan(evidence(round_of(short)))
    assert (found.code, found.invalid) == ("output_plan", True)
    assert "have it send usage" in found.remedy


def test_counting_chunks_is_told():
    """The weakest method is a warning, any other is silent, and so is a case without an answer."""
    assert codes(load_rules.token_method(evidence(round_of(request(usage=None))))) == [("token_method", False)]
    assert not list(load_rules.token_method(evidence(round_of(request()))))
    assert not list(load_rules.token_method(evidence(round_of(failed()))))


def open_loop(*pairs, index=0):
    return round_of(*(request(i, scheduled=at, sent=sent) for i, (at, sent) in enumerate(pairs)), index=index)


def test_achieved_rate():
    """95 % of the scheduled rate are enough and 94 % are not; a lag that stays the same costs no rate."""
    assert not list(load_rules.achieved_rate(evidence(open_loop((0, 0), (95.01, 100)))))
    assert not list(load_rules.achieved_rate(evidence(open_loop((0, 50), (100, 150)))))
    (found,) = load_rules.achieved_rate(evidence(open_loop((0, 0), (100, 100)), open_loop((0, 0), (94, 100), index=1)))
    assert (found.code, found.invalid, found.figure) == ("achieved_rate", True, pytest.approx(0.94))
    assert found.message == "10.0 req/s were sent of 10.6 req/s scheduled, below 95 %"


def test_requests_that_were_never_sent_lower_the_rate():
    """Two of three scheduled requests went out at their times: half the rate."""
    requests = (*open_loop((0, 0), (100, 100)).requests, failed(2, scheduled=50, sent=None, kind=FailureKind.CONNECT))
    (found,) = load_rules.achieved_rate(evidence(round_of(*requests)))
    assert found.figure == pytest.approx(0.5)


def test_a_closed_loop_has_no_rate():
    """Without a schedule of some length there is nothing to reach."""
    assert not list(load_rules.achieved_rate(evidence(round_of(request()), open_loop((0, 0)))))


def staggered(overlap, *, scale=1):
    """Two streams over 100 ms that overlap for `overlap` of it."""
    first = request(0, sent=0, out=(50 * scale, (50 + overlap / 2) * scale))
    second = request(1, sent=(50 - overlap / 2) * scale, out=(60 * scale, 100 * scale))
    return round_of(first, second, concurrency=2)


def test_steady_window():
    """A fifth of the round is enough; less, or none, is not."""
    assert not list(load_rules.steady_window(evidence(staggered(20.1))))
    found = list(load_rules.steady_window(evidence(staggered(20.1), staggered(19.9))))
    assert codes(found) == [("steady_window", True)]
    assert found[0].figure == pytest.approx(0.199)
    lonely = dataclasses.replace(staggered(20), concurrency=3)
    assert "for 0 % of its time" in next(load_rules.steady_window(evidence(lonely))).message


def test_little_steady_time_is_a_note():
    """Half a second in two rounds is a full second; a quarter is not. Nothing is invalid, nor is an open loop told."""
    long, short = staggered(50, scale=10), staggered(50, scale=5)
    assert load_rules.little_steady_time(evidence(long, long)) is None
    assert load_rules.little_steady_time(evidence(short, short)).startswith("rates rest on less than 1.00 s of steady")
    assert load_rules.little_steady_time(evidence(open_loop((0, 0)))) is None
    assert not list(load_rules.steady_window(evidence(short, short)))


def test_one_stream_is_steady():
    """A round of one stream is steady from its first send to its last chunk."""
    round_ = round_of(*(request(n, stream=0, sent=1000 * n, out=(1000 * n + 900,)) for n in range(3)), concurrency=1)
    assert not list(load_rules.steady_window(evidence(round_)))


def test_an_open_loop_needs_no_window():
    """Neither an open loop nor a round without output is judged by its window."""
    assert not list(load_rules.steady_window(evidence(round_of(request()))))
    assert not list(load_rules.steady_window(evidence(round_of(failed(), concurrency=1))))
