"""Gates whose figures can be 0, from sessions and lines to verdicts: by counts, and in steps."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema

from baselines.baseline_made import ROUNDS, TABLE, YAML, baseline, result, session
from made.cases import summary
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.comparison import AcceptedSession
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.judge.pairs import Compared, conclude, look, with_site
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.report.change import gates_of, what_was_visible, would_have_seen
from pytest_inferbench.report.comparison_table import comparison_table
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.verdict import Verdict

LOOKS = Looks(5, 12)


def failing(failed, issued=200, **fields):
    """A session in which so many of so many requests failed, alike in each round."""
    rate = failed / issued
    metrics = result().metrics | {"error_rate": summary("%", value=rate)}
    rounds = tuple({**each, "error_rate": rate} for each in ROUNDS)
    return result(metrics=metrics, rounds=rounds, issued=issued, **fields)


def accepted(*failed, issued=200, **fields):
    made = []
    for number, each in enumerate(failed):
        rounds = {"error_rate": (each / issued,) * 3, "ttft_ms.p50": (41.0 + 0.1 * number,) * 3}
        made.append(session(number, rounds=rounds, failed=each, issued=issued, **fields))
    return made


def histories(*lines, gates="[error_rate]"):
    text = YAML.replace("[ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", gates)
    return Histories(baseline(text, *lines), TABLE, (), {})


def judged(*today, past=None, once=""):
    lines = accepted(*[0] * 8) if past is None else past
    return histories(*lines).judge([failing(each) for each in today], 3, once=once)


def test_an_error_rate_of_zero_is_a_history():
    """Eight sessions without a failure are a gate like any other: it counts for m, and today's 0 is OK."""
    found = histories(*accepted(*[0] * 8)).gates("concurrency[c08]", "")
    assert found == 1
    (check,) = judged(0).checks
    assert (check.verdict, check.value, check.comparison.baseline) == (Verdict.OK, 0.0, 0.0)
    assert check.comparison.accepted == (AcceptedSession(0.0, 1),) * 8
    assert would_have_seen(gates_of(result(checks=(check,)))[0]) == "3.88 %"


def test_failures_where_there_were_none_are_confirmed_and_regressed():
    """The first session asks for another; both together are REGRESSED, and the text says how many failed."""
    assert judged(10).wants_more
    found = judged(10, 10)
    (check,) = found.checks
    assert check.verdict is Verdict.REGRESSED
    assert not found.wants_more
    case = result(checks=found.checks, verdict=Verdict.REGRESSED)
    schema = {"$defs": run_schema()["$defs"], "$ref": "#/$defs/Check"}
    jsonschema.validate(json.loads(json.dumps(to_json(check))), schema)
    text = comparison_table(case, Verdict.REGRESSED)
    assert "measured  twice, each time on a server of its own\n" in text
    assert "note      error_rate: 20 of 400 requests failed now, 0 of 1600 before" in text
    assert judged(10, once="--bench-no-confirm").checks[0].verdict is Verdict.REGRESSED


def test_an_ok_says_the_rate_it_would_have_seen():
    """As a rate, since a share of none says nothing."""
    case = result(checks=judged(0).checks)
    assert "would have seen error_rate 3.88 %" in what_was_visible(case)


def test_lines_without_counts_are_left_out_and_said():
    """Older lines have a rate at most, which is no count; with them alone the gate is NEW."""
    older = [each.model_copy(update={"failed": None, "issued": None}) for each in accepted(0, 0)]
    newer = [each.model_copy(update={"id": f"n{each.id}"}) for each in accepted(*[0] * 8)]
    (check,) = judged(0, past=[*older, *newer]).checks
    assert (check.verdict, check.comparison.n) == (Verdict.OK, 8)
    assert "2 of 10 accepted sessions do not say how many requests failed" in check.note
    (check,) = judged(10, past=older).checks
    assert check.verdict is Verdict.NEW


def test_it_does_not_quieten_other_gates():
    """Sessions of 0 have no scatter: the prior of another case's gate is the same with them and without."""
    gates = "[error_rate, ttft_ms.p50]"
    other = accepted(*[0] * 8, case="single")
    alone = [each.model_copy(update={"rounds": {"ttft_ms.p50": each.rounds["ttft_ms.p50"]}}) for each in other]
    text = YAML.replace("[ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", gates)
    text += f"  single: {{gates: {gates}}}\n"
    found = [
        Histories(baseline(text, *lines, *accepted(*[0] * 8)), TABLE, (), {}).spreads("concurrency[c08]")["ttft_ms.p50"]
        for lines in (other, alone)
    ]
    assert found[0].prior == found[1].prior


def arms(a, b, count=5):
    gates = {"error_rate": Rule(gates=2)}
    return {"x": Compared(failing(0), gates, tuple((failing(a), failing(b)) for _ in range(count)))}


def test_pairs_add_up_the_failures_of_each_arm():
    """Of two arms, the one with more failures is regressed, without any both are OK, and the mirror improves."""

    def found(*failed):
        return look(arms(*failed), {}, LOOKS)["x"]["error_rate"]

    worse = found(0, 8)
    assert (worse.verdict, worse.baseline, worse.now) == (Verdict.REGRESSED, 0.0, 0.04)
    assert "40 of 1000 requests of B failed, 0 of 1000 of A: +4.0 percentage points" in worse.notes[0].message
    assert found(8, 0).verdict is Verdict.IMPROVED
    same = found(0, 0)
    assert (same.verdict, same.wants_more) == (Verdict.OK, False)
    assert 0.01 < same.detectable_at < 0.03


def test_an_a_a_run_leaves_such_a_gate_as_it_is():
    """There is no scatter of a ratio to record."""
    cases = arms(0, 0)
    found = look(cases, {}, LOOKS)["x"]
    judged = conclude(cases["x"], found, ("v1", "v1"))
    assert with_site(judged, cases["x"], found, LOOKS, {}, None) == judged


def test_a_pair_without_a_count_is_left_out():
    """An arm that is not valid costs its pair."""
    case = arms(0, 8, 6)["x"]
    case = replace(case, pairs=(*case.pairs[:5], (None, case.pairs[5][1])))
    found = look({"x": case}, {}, LOOKS)["x"]["error_rate"]
    assert found.n == 5
    assert "1 of 6 pairs" in found.notes[0].message


def queued(preemptions):
    metrics = result().metrics | {"server_preemptions": summary("", value=preemptions)}
    return result(metrics=metrics, rounds=tuple({**each, "server_preemptions": preemptions} for each in ROUNDS))


def test_a_gate_in_steps_goes_the_same_way():
    """Eight lines without preemptions count for m; 8 are measured again and called, 4 are OK; A/B the same."""
    lines = [session(number, rounds={"server_preemptions": (0.0,) * 3}) for number in range(8)]
    text = YAML.replace("[ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", "[server_preemptions]")
    found = Histories(baseline(text, *lines, metrics=METRICS), METRICS, (), {})
    assert found.gates("concurrency[c08]", "") == 1
    assert found.judge([queued(8.0)], 3).wants_more
    (check,) = found.judge([queued(8.0), queued(9.0)], 3).checks
    assert (check.verdict, check.comparison.baseline) == (Verdict.REGRESSED, 0.0)
    assert check.comparison.accepted == (AcceptedSession(0.0, 1),) * 8
    assert found.judge([queued(4.0)], 3).checks[0].verdict is Verdict.OK
    arms = Compared(queued(0.0), {"server_preemptions": Rule()}, ((queued(0.0), queued(8.0)),) * 5)
    assert look({"x": arms}, {}, LOOKS)["x"]["server_preemptions"].verdict is Verdict.REGRESSED
