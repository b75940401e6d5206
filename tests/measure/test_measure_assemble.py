"""Assembly of a case's result, and the order and words of its findings."""

import json

import pytest

from measure.observed import evidence, failed, reading, request, round_of, worker
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.document.case import CaseIdentity, CaseResult
from pytest_inferbench.document.codec import from_json, to_json
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.assemble import assemble
from pytest_inferbench.measure.evidence import CaseFacts, ValidityPolicy
from pytest_inferbench.measure.validity import findings
from pytest_inferbench.records import Usage
from pytest_inferbench.stats.verdict import Verdict

IDENTITY = CaseIdentity("t.py::t[x]", "single", "tiny", "llama", "", "b1", "2x-cpu")
WORKLOAD = {"kind": "single", "hash": "abc"}


def steady_round(index=0, counts=(1, 39, 60), **fields):
    """One stream, two requests of a second each, 100 tokens in 3 chunks that do not say how many they hold."""
    usage = Usage(prompt_tokens=10, output_tokens=100)
    requests = [
        request(n, stream=0, sent=1000 * n, out=out, usage=usage, chunk_tokens=counts)
        for n in range(2)
        for out in [(1000 * n + 500, 1000 * n + 700, 1000 * n + 1000)]
    ]
    return round_of(*requests, index=index, concurrency=1, workers=[worker(lag=(0.1,))], **fields)


def test_a_clean_case():
    """Figures, rounds, client and method are there, nothing is found, and the verdict is open."""
    rounds = [steady_round(n) for n in range(2)]
    result = assemble(IDENTITY, WORKLOAD, rounds, CaseFacts(planned_requests=4), slo={"ttft_ms": 500})
    assert (result.verdict, result.validity, result.token_method) == (Verdict.NEW, (), "usage")
    assert result.figure("ttft_ms.p50") == pytest.approx(500.0)
    assert result.figure("output_tok_per_s") == pytest.approx(100.0)
    assert result.figure("goodput_per_s") == pytest.approx(1.0)
    assert result.figure("generated_tokens") == pytest.approx(400.0)
    assert result.rounds[1]["request_per_s"] == pytest.approx(1.0)
    assert result.client.workers == 1
    assert result.figure("tpot_ms.p50") == pytest.approx(500 / 99)
    assert result.notes == ()


def test_tokens_of_chunks_that_are_not_said():
    """No figure a token where three chunks hold a hundred; rates and times to the first token stand."""
    result = assemble(IDENTITY, WORKLOAD, [steady_round(counts=None)], CaseFacts(planned_requests=2))
    assert [(found.code, found.invalid) for found in result.validity] == [("unseen_tokens", False)]
    assert not {"tpot_ms", "itl_ms", "chunk_gap_ms", "generation_tok_per_s"} & set(result.metrics)
    assert result.figure("ttft_ms.p50") == pytest.approx(500.0)
    assert result.figure("output_tok_per_s") == pytest.approx(100.0)


def test_one_answer_whose_chunks_are_not_counted_leaves_itl_out():
    """The others alone would be those that lost no token on the way."""
    counted, not_quite = request(0), request(1, usage=Usage(prompt_tokens=100, output_tokens=4))
    kept = assemble(IDENTITY, WORKLOAD, [round_of(counted)], CaseFacts())
    left = assemble(IDENTITY, WORKLOAD, [round_of(*[counted] * 9, not_quite)], CaseFacts())
    assert (kept.metrics["itl_ms"].n, kept.notes) == (2, ())
    assert "itl_ms" not in left.metrics
    assert left.figure("tpot_ms.p50") == pytest.approx(10.0)
    assert left.notes == ("itl_ms is absent: the server does not say how many tokens a chunk holds",)


def test_a_case_becomes_json():
    """The result of any case is JSON without a number that is none."""
    rounds = [steady_round(before=reading(generated_tokens=0), after=reading(generated_tokens=200))]
    result = assemble(IDENTITY, WORKLOAD, rounds, CaseFacts(), server=ServerAccount(log="x"))
    document = json.loads(json.dumps(to_json(result), allow_nan=False))
    assert document["metrics"]["ttft_ms"]["p50"] == pytest.approx(500.0)
    assert document["server"]["log"] == "x"
    assert document["server"]["observed"]["pages"] == 2
    assert "gpu" not in document


def test_requests_that_do_not_count_are_in_no_figure_but_their_tags():
    """A slow search step tagged `c16` beside a fast counted request: the case is fast, the tag is slow."""
    round_ = round_of(request(0, out=(900,), tag="c16", counted=False), request(1, sent=1000, out=(1010,), load=1))
    result = assemble(IDENTITY, WORKLOAD, [round_], CaseFacts())
    assert result.figure("ttft_ms.p50") == pytest.approx(10.0)
    assert result.metrics["ttft_ms"].n == 1
    assert result.figure("wall_s") == pytest.approx(0.01)
    assert result.by_tag["c16"]["ttft_ms"].p50 == pytest.approx(900.0)
    assert from_json(CaseResult, json.loads(json.dumps(to_json(result)))) == result


def test_a_finding_makes_the_case_invalid():
    """A failed request is enough under the default policy, and not under a looser one."""
    rounds = [round_of(request(0), failed(1))]
    assert assemble(IDENTITY, WORKLOAD, rounds, CaseFacts()).verdict is Verdict.INVALID
    loose = assemble(IDENTITY, WORKLOAD, rounds, CaseFacts(), policy=ValidityPolicy(error_rate=0.5))
    assert (loose.verdict, loose.invalid, len(loose.validity)) == (Verdict.NEW, False, 1)


def test_itl_is_not_excused_where_it_is_measured():
    """A server that says the tokens of each chunk gets its figure and no note."""
    result = assemble(IDENTITY, WORKLOAD, [round_of(request(chunk_tokens=(1, 1, 1)))], CaseFacts())
    assert "itl_ms" in result.metrics
    assert result.notes == ()


def test_a_wrong_slo_is_the_suites_fault():
    """A limit on something that is no metric is explained, not ignored."""
    with pytest.raises(ConfigError, match="did you mean 'ttft_ms'"):
        assemble(IDENTITY, WORKLOAD, [steady_round()], CaseFacts(), slo={"tfft_ms": 1})


def test_nothing_observed_is_invalid():
    """A case without a single request has no figures and too few requests."""
    result = assemble(IDENTITY, WORKLOAD, [], CaseFacts())
    assert (dict(result.metrics), result.verdict) == ({}, Verdict.INVALID)
    assert [finding.code for finding in result.validity] == ["min_requests"]


def test_findings_that_invalidate_come_first():
    """Warnings follow, and every finding says what to do and whose limit it is."""
    policy = ValidityPolicy(sources={"cpu_share": "suite.py:9"})
    busy = round_of(request(usage=None), workers=[worker(cpu=0.9)], concurrency=1)
    found = findings(evidence(busy, policy=policy))
    assert [(each.code, each.invalid, each.source) for each in found] == [
        ("client_cpu", True, "suite.py:9"),
        ("token_method", False, "default"),
    ]
    assert all(each.message and each.remedy for each in found)
