"""A case's sessions against a baseline: which gates are judged, by which rule, and what is said where none is."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from baselines.baseline_made import CASE, SERVER, TABLE, YAML, baseline, result, session
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.config.parse import parse
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.stats.site import Restarts
from pytest_inferbench.stats.verdict import Verdict

AWAY = (0.0, 0.011, -0.009, 0.006, -0.012, 0.009, -0.004, 0.002)


def rounds(factor=1.0):
    """Three rounds whose median is `factor` times the history's level."""
    return tuple({"ttft_ms.p50": 41.0 * factor * way, "tpot_ms.p50": 6.1 * factor * way} for way in (0.98, 1.0, 1.3))


def histories(*lines, text=YAML, policy="gates: [ttft_ms.p50, tpot_ms.p50]"):
    text = text.replace("gates: [ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", policy)
    return Histories(baseline(text, *lines), TABLE, (), {})


def eight(case="concurrency[c08]", **fields):
    return [
        session(
            number,
            case,
            rounds={"ttft_ms.p50": [41.0 * (1 + away)], "tpot_ms.p50": [6.1 * (1 + away)]},
            **fields,
        )
        for number, away in enumerate(AWAY)
    ]


def judged(*factors, gates=2, once="", past=None, **fields):
    """What is said of sessions that are slower by these factors."""
    today = [result(rounds=rounds(factor), **fields) for factor in factors]
    return histories(*(eight() if past is None else past)).judge(today, gates, once=once)


def test_a_sessions_figure_is_the_median_over_its_rounds():
    """One slow round of three does not move it, and rounds without the figure do not count."""
    case = result(rounds=(*rounds(), {"tpot_ms.p50": 99.0}))
    assert case.session_figure("ttft_ms.p50") == 41.0
    assert case.session_figure("request_per_s") is None


def test_an_unchanged_case_is_ok_in_every_gate():
    """Each gate has a check with its comparison, in the words of the run document's schema."""
    found = judged(1.0)
    assert [(check.metric, check.kind, check.verdict) for check in found.checks] == [
        ("ttft_ms.p50", "history", Verdict.OK),
        ("tpot_ms.p50", "history", Verdict.OK),
    ]
    assert not found.wants_more
    assert (found.against.sessions, found.against.changes) == (8, ())
    assert [each.value for each in found.checks[1].comparison.accepted] == [6.1 * (1 + away) for away in AWAY]
    for check in found.checks:
        schema = {"$defs": run_schema()["$defs"], "$ref": "#/$defs/Check"}
        jsonschema.validate(json.loads(json.dumps(to_json(check))), schema)


def test_a_slower_case_asks_for_a_confirmation_and_is_regressed_by_it():
    """One session screens and wants more; a second one as slow confirms; one as before does not, nor does it clear."""
    assert judged(1.2).wants_more
    confirmed = judged(1.2, 1.2)
    assert {check.verdict for check in confirmed.checks} == {Verdict.REGRESSED}
    assert not confirmed.wants_more
    assert {check.verdict for check in judged(1.2, 1.0).checks} == {Verdict.INCONCLUSIVE}


def test_what_cannot_be_measured_again_is_judged_at_once():
    """Without a fresh server one session decides, and none is asked for."""
    found = judged(1.2, once="--bench-no-confirm")
    assert {check.verdict for check in found.checks} == {Verdict.REGRESSED}
    assert found.against.once == "--bench-no-confirm"
    assert not found.wants_more


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"past": ()}, "no baseline on this hardware"),
        ({"case": "single"}, "no baseline for this case"),
        ({"workload": {"hash": "w2"}}, "the workload changed"),
        ({"token_method": "chunks"}, "output tokens are counted another way"),
    ],
)
def test_nothing_comparable_is_new_with_the_reason(fields, words):
    """One check says why, and no comparison is made up."""
    (check,) = judged(1.2, **fields).checks
    assert (check.verdict, check.comparison) == (Verdict.NEW, None)
    assert words in check.note


def test_changed_circumstances_are_notes():
    """Other server arguments are compared and flagged."""
    found = judged(1.0, server=replace(SERVER, args_hash="a2"))
    assert any("the server's arguments changed" in note for note in found.notes)


def test_a_figure_that_is_gone_is_invalid():
    """A gate with a history that was not measured today is never passed over in silence."""
    case = result(rounds=({"tpot_ms.p50": 6.1},))
    (ttft, tpot) = histories(*eight()).judge([case], 2).checks
    assert (ttft.verdict, tpot.verdict) == (Verdict.INVALID, Verdict.OK)


def test_a_figure_that_never_was_is_left_out():
    """A gate that neither the history nor this session has says nothing; a case with no other is NEW."""
    case = result(rounds=rounds())
    found = histories(*eight(), policy="gates: [ttft_ms.p50, error_rate]").judge([case], 2)
    assert [check.metric for check in found.checks] == ["ttft_ms.p50"]
    (none,) = histories(*eight(), policy="gates: [error_rate]").judge([case], 2).checks
    assert none.verdict is Verdict.NEW
    assert "error_rate" in none.note


def test_a_tail_of_few_requests_is_not_gated():
    """p95 of 96 requests does not repeat from day to day: it is left out of the history gate, and that is said."""
    past = [each.model_copy(update={"rounds": {**each.rounds, "ttft_ms.p95": [45.0]}}) for each in eight()]
    case = result(rounds=({**rounds()[0], "ttft_ms.p95": 90.0},))
    found = histories(*past, policy="gates: [ttft_ms.p50, ttft_ms.p95]").judge([case], 2)
    assert [check.metric for check in found.checks] == ["ttft_ms.p50"]
    assert any("p95 of 96 requests is not steady" in note for note in found.notes)


def test_m_counts_what_a_test_can_be_judged_by():
    """The gates of a test's case and of its further workloads, of this variant, that have a history."""
    past = [*eight(), *eight("concurrency[c08]#2"), *eight("single"), *eight(variant="chunked")]
    found = histories(*past)
    assert found.gates("concurrency[c08]", "") == 2 + 2
    assert found.gates("concurrency[c08]", "chunked") == 2
    assert found.gates("prefix", "") == 0


def test_the_policy_of_a_case_holds():
    """Margin and resolve of the baseline file are those of the comparison."""
    policy = "policy: {margin: 0.3, resolve: 0.4}"
    text = YAML.replace(
        "    budgets: {ttft_ms.p95: {max: 400}", f"    {policy}\n    budgets: {{ttft_ms.p95: {{max: 400}}"
    )
    found = histories(*eight(), text=text).judge([result(rounds=rounds(1.2))], 2)
    assert {check.comparison.margin for check in found.checks} == {0.3}
    assert {check.verdict for check in found.checks} == {Verdict.OK}


NOISE = Noise(
    id="aa",
    date="2025-01-21T02:00:00+00:00",
    case=CASE,
    version="v0.8.1",
    workload_hash="w1",
    pairs=12,
    restart_sd={"ttft_ms.p50": 0.0020},
)


def shares(*past, text=YAML, **fields):
    """What each gate was judged with: c, and who says so."""
    found = histories(*past, text=text).judge([result(rounds=rounds(), **fields)], 2)
    return {check.metric: (check.comparison.shared, check.comparison.shared_source) for check in found.checks}


def test_what_an_a_a_run_measured_takes_the_place_of_what_is_assumed():
    """Servers that scatter by .2 % beside sessions that do by .9 % share more than is assumed; it names the run."""
    found = shares(NOISE, *eight())
    share, source = found["ttft_ms.p50"]
    assert 0.5 < share < 1 - (0.002 / 0.009) ** 2
    assert source == "A/A run of 2025-01-21, 12 pairs, 1 gate"
    assert found["tpot_ms.p50"] == (0.5, "assumed")


def test_an_a_a_run_that_does_not_fit_is_not_used():
    """One of another workload, a policy's own word, and one session without scatter leave c as it is without it."""
    other = NOISE.model_copy(update={"workload_hash": "w0"})
    assert shares(other, *eight())["ttft_ms.p50"] == (0.5, "assumed")
    written = YAML.replace("    hardware:", "    policy: {shared: 0.3}\n    hardware:")
    assert shares(NOISE, *eight(), text=written)["ttft_ms.p50"] == (0.3, "q.yaml:10")
    assert shares(NOISE, *eight()[:1])["ttft_ms.p50"] == (0.5, "assumed")


def test_the_gates_of_an_a_a_run_say_it_together():
    """All that were measured, of all cases, are judged with one c; it is nearer the truth than one gate's alone."""
    both = NOISE.model_copy(update={"restart_sd": {"ttft_ms.p50": 0.0020, "tpot_ms.p50": 0.0020}})
    cases = [CASE, *(f"single#{number}" for number in range(2, 6))]
    past = [line for name in cases for line in (both.model_copy(update={"case": name}), *eight(name))]
    found = shares(*past)
    assert len(set(found.values())) == 1
    share, source = found["ttft_ms.p50"]
    assert share > shares(NOISE, *eight())["ttft_ms.p50"][0]
    assert source == "A/A run of 2025-01-21, 12 pairs, 10 gates"


def test_an_a_a_run_that_is_not_recorded_yet_counts_with_what_is():
    """A case's fresh figures take the place of its recorded ones; none leave those as they are."""
    known = histories(NOISE, *eight())
    fresh = {CASE: {gate: Restarts(0.0020, 12) for gate in ("ttft_ms.p50", "tpot_ms.p50")}}
    assert (known.share().gates, known.share(fresh).gates) == (1, 2)
    assert known.share({CASE: {}}) == known.share()
    assert histories(*eight()).share() is None


def test_written_gates_are_those_of_the_file():
    """With or without a history: those of the test's first case, and of further workloads that the file knows."""
    more = YAML.rstrip() + "\n  concurrency[c08]#2: {gates: [ttft_ms.p50]}\n  single: {gates: [tpot_ms.p50]}\n"
    found = histories(text=more)
    assert found.written_gates(CASE, "") == 2 + 1
    assert found.written_gates(CASE, "chunked") == len(found.rules(f"{CASE}@chunked"))
    assert found.written_gates("single", "") == 1
    assert list(found.rules(CASE)) == ["ttft_ms.p50", "tpot_ms.p50"]


def test_sessions_of_an_earlier_version_are_said_to_be():
    """The newest of them decides: once one of this version is accepted, nothing more is said."""
    older = [each.model_copy(update={"schema_version": 2}) for each in eight()]
    assert any("of an earlier version" in note for note in judged(1.0, past=older).notes)
    assert not any("of an earlier version" in note for note in judged(1.0, past=[*older[:-1], eight()[-1]]).notes)


def test_a_gate_of_a_metric_that_nobody_knows_is_invalid():
    """Accepted figures of a metric that is gone are not compared: which way is better is not known any more."""
    past = [each.model_copy(update={"rounds": {"gone_ms.p50": [4.1]}}) for each in eight()]
    above = (parse("gates: [gone_ms.p50]", "suite.yaml"),)
    (check,) = (
        Histories(baseline(None, *past), TABLE, above, {}).judge([result(rounds=({"gone_ms.p50": 4.1},))], 1).checks
    )
    assert (check.verdict, check.unit) == (Verdict.INVALID, "")
    assert "neither more nor less of this metric is better" in check.note
