"""Pairs of results, look after look, to verdicts and to what an A/A run says of its site."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from baselines.baseline_made import result
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.judge.pairs import Compared, conclude, look, restarts_of, want_more_pairs, with_site
from pytest_inferbench.stats.moderation import Spread
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.verdict import Verdict

LOOKS = Looks(5, 12)
AWAY = (0.004, -0.006, 0.002, -0.001, 0.005, -0.004, 0.003, -0.002, 0.001, 0.0, -0.003, 0.002)
RULES = {"ttft_ms.p50": Rule(gates=2), "tpot_ms.p50": Rule(gates=2)}


CHECK = {"$defs": run_schema()["$defs"], "$ref": "#/$defs/Check"}


def case(factor=1.0, tpot=1.0):
    return result(rounds=({"ttft_ms.p50": 41.0 * factor, "tpot_ms.p50": 6.1 * tpot},))


def pairs(count, factor=1.0, scatter=1.0):
    """Pairs whose arm B has a TTFT `factor` times that of A, give or take `scatter` times half a per cent."""
    return tuple((case(), case(factor * (1 + scatter * away))) for away in AWAY[:count])


def compared(count, factor=1.0, scatter=1.0, rules=None):
    return {"x": Compared(case(), RULES if rules is None else rules, pairs(count, factor, scatter))}


def verdicts(found):
    return {gate: comparison.verdict for gate, comparison in found["x"].items()}


def test_five_quiet_pairs_decide():
    """A slower arm is regressed in the gate that is slower, and the other is OK; nobody wants another pair."""
    found = look(compared(5, 1.2), {}, LOOKS)
    assert verdicts(found) == {"ttft_ms.p50": Verdict.REGRESSED, "tpot_ms.p50": Verdict.OK}
    assert not want_more_pairs(found)


def test_noise_wants_more_pairs():
    """Pairs that scatter widely leave the gate open until there are enough."""
    assert want_more_pairs(look(compared(5, 1.08, 30.0), {}, LOOKS))


def test_a_change_that_is_called_stays_called():
    """Further pairs, measured for another gate's sake, do not take it back."""
    before = look(compared(5, 1.2), {}, LOOKS)
    after = look(compared(8, 1.0), before, LOOKS)
    assert after["x"]["ttft_ms.p50"] == before["x"]["ttft_ms.p50"]


def test_a_gate_that_is_ok_is_judged_with_the_pairs_of_the_others():
    """What five pairs let pass is called where the pairs that came after them show it, and has those pairs' figures."""
    before = look(compared(5), {}, LOOKS)
    assert verdicts(before)["ttft_ms.p50"] is Verdict.OK
    after = look(compared(8, 1.2), before, LOOKS)
    assert verdicts(after) == {"ttft_ms.p50": Verdict.REGRESSED, "tpot_ms.p50": Verdict.OK}
    assert {comparison.n for comparison in after["x"].values()} == {8}


def test_a_slower_second_server_is_taken_out_of_every_gate():
    """An effect of 8 % that all gates have leaves the changes of the arms alone; a note says it, each check has it."""
    second = (True, False, False, True, True)
    orders = tuple(
        (case(), case(1.2 * 1.08 * (1 + away), 1.08)) if last else (case(1.08, 1.08), case(1.2 * (1 + away)))
        for last, away in zip(second, AWAY, strict=False)
    )
    known = {"x": Compared(case(), RULES, orders, second)}
    found = look(known, {}, LOOKS)
    ttft, tpot = found["x"].values()
    assert (ttft.verdict, tpot.verdict) == (Verdict.REGRESSED, Verdict.OK)
    assert ttft.change.ratio == pytest.approx(1.2, rel=0.01)
    assert ttft.change.ratio == pytest.approx(ttft.now / ttft.baseline)
    assert ttft.spread.sd < 0.01 < look({"x": replace(known["x"], second=())}, {}, LOOKS)["x"]["ttft_ms.p50"].spread.sd
    judged = conclude(known["x"], found["x"], ("v1", "v2"))
    assert [note.startswith("the second server of a pair was 8") for note in judged.notes] == [True]
    for check in judged.checks:
        assert 0.07 < check.comparison.order.taken_out <= check.comparison.order.effect < 0.09
        jsonschema.validate(json.loads(json.dumps(to_json(check))), CHECK)


def test_an_a_a_run_on_a_machine_with_an_order_knows_its_servers():
    """What one server among its like scatters by is told without the 8 % that the second one of a pair is slower."""
    second = (True, False) * 6
    alike = [case(1 + away) for away in AWAY]
    orders = tuple((case(), each) for each in alike)
    slowed = tuple(
        (case(), case(1.08 * (1 + away), 1.08)) if last else (case(1.08, 1.08), case(1 + away))
        for last, away in zip(second, AWAY, strict=True)
    )
    scatter = {}
    for name, measured in {"alike": orders, "slowed": slowed}.items():
        known = {"x": Compared(case(), RULES, measured, second)}
        found = look(known, {}, LOOKS)["x"]
        judged = with_site(conclude(known["x"], found, ("v1", "v1")), known["x"], found, LOOKS, {}, None)
        scatter[name] = judged.checks[0].comparison.site.restart_sd
    assert scatter["slowed"] == pytest.approx(scatter["alike"], rel=0.1)


def test_a_measurement_that_is_not_valid_costs_its_pair():
    """It is left out and said."""
    measured = compared(6, 1.2)["x"]
    measured = replace(measured, pairs=(*measured.pairs[:5], (None, measured.pairs[5][1])))
    comparison = look({"x": measured}, {}, LOOKS)["x"]["ttft_ms.p50"]
    assert comparison.n == 5
    assert "1 of 6 pairs have no usable figure" in comparison.notes[0].message


def test_why_measurements_were_not_valid_is_told():
    """Each reason once, with how many measurements it cost; nothing where all are valid."""
    measured = compared(6, 1.2)["x"]
    found = look({"x": measured}, {}, LOOKS)["x"]
    assert conclude(measured, found, ("v1", "v2")).notes == ()
    measured = replace(measured, refused=("2 requests failed", "loop lag", "loop lag"))
    assert conclude(measured, found, ("v1", "v2")).notes == (
        "INVALID and left out, with its pair: 3 of 12 measurements: 2 requests failed; loop lag",
    )


def test_a_gate_that_the_case_does_not_have_is_left_out():
    """Default gates hold only where they are measured; a case with none of its gates is NEW."""
    rules = {**RULES, "itl_ms.p50": Rule()}
    assert set(look(compared(5, rules=rules), {}, LOOKS)["x"]) == set(RULES)
    (check,) = conclude(Compared(case(), {"itl_ms.p50": Rule()}), {}, ("v1", "v2")).checks
    assert (check.verdict, check.note) == (Verdict.NEW, "it measures none of its gates (itl_ms.p50)")


@pytest.mark.parametrize("history", [True, False], ids=["history", "none"])
def test_an_a_a_run_describes_its_site(history):
    """Restart noise and detectable changes always; session noise and shared variance where there is a history."""
    cases = compared(12)
    spreads = {gate: Spread(0.02, 11.0, 0.02, 8, None) for gate in RULES} if history else {}
    found = look(cases, {}, LOOKS)["x"]
    judged = conclude(cases["x"], found, ("v1", "v1"))
    for check in map(to_json, with_site(judged, cases["x"], found, LOOKS, spreads, None).checks):
        site = check["comparison"]["site"]
        assert {"pairs", "restart_sd", "false_alarms_per_100"} <= set(site)
        assert ({"session_sd", "shared", "history"} <= set(site)) is history
        jsonschema.validate(json.loads(json.dumps(check)), CHECK)


def test_servers_that_are_alike_and_differed_say_nothing_of_the_site():
    """Each gate of an A/A run has its servers' scatter; none where one of the case's gates was called."""
    cases = compared(12)
    told = restarts_of(cases["x"], look(cases, {}, LOOKS)["x"])
    assert set(told) == set(RULES)
    assert told["ttft_ms.p50"].pairs == 12
    assert told["ttft_ms.p50"].sd == pytest.approx(0.0033 / 2**0.5, rel=0.1)
    cases = compared(12, 1.2)
    assert restarts_of(cases["x"], look(cases, {}, LOOKS)["x"]) == {}
