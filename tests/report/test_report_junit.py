"""The JUnit file with one entry a check: what CI systems read from it, whatever the run holds."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xmlschema import XMLSchema

from made.cases import case, document
from pytest_inferbench.document.run import Error, Skipped
from pytest_inferbench.judge.comparison import to_check
from pytest_inferbench.report.junit import to_junit
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import Prior
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction
from report.report_cases import GATED, HOSTILE, INVALID, OVER, RUNS, WITHIN
from report.report_strategies import case_results

SCHEMA = XMLSchema(str(Path(__file__).with_name("junit.xsd")))
LOWER = Direction.LOWER
OUTCOMES = {junitparser.Error: "error", junitparser.Failure: "failure", junitparser.Skipped: "skipped"}
EXPECTED = {
    Verdict.INVALID: "error",
    Verdict.OVER_BUDGET: "failure",
    Verdict.REGRESSED: "failure",
    Verdict.INCONCLUSIVE: "skipped",
}


def read(run):
    """Every test case as a CI system reads it: (class, name) -> (outcome, message)."""
    text = to_junit(run)
    SCHEMA.validate(text)
    found = {}
    for suite in junitparser.JUnitXml.fromstring(text.encode()):
        for entry in suite:
            (result,) = entry.result or (None,)
            key = (entry.classname, entry.name)
            found[key] = (OUTCOMES.get(type(result), "passed"), result.message if result is not None else None)
    return found


@pytest.mark.parametrize("name", RUNS)
def test_every_run_is_valid(name):
    """Each of the usual, odd and empty runs is what CI systems agree to read."""
    SCHEMA.validate(to_junit(RUNS[name]))


def test_every_outcome(golden):
    """A run with every outcome, to the letter."""
    golden("every_outcome.junit.xml", to_junit(RUNS["every_outcome"]))


def test_one_test_case_a_check():
    """Each check is a test case named by its metric and bound; its message has value, limit and by how much."""
    found = read(document((OVER, WITHIN)))
    place = "qwen3-8b.vllm.concurrency[c08]"
    assert found == {
        (place, "ttft_ms.p95 max"): ("failure", "OVER BUDGET: 312 ms, max 250 ms, 24.9 % beyond it"),
        (place, "output_tok_per_s min"): ("failure", "OVER BUDGET: 882 tok/s, min 900 tok/s, 1.96 % beyond it"),
        (place, "tpot_ms.p50 max"): ("passed", None),
        ("qwen3-8b.vllm.single", "ttft_ms.p50 max"): ("passed", None),
    }


def test_regression_verdicts():
    """REGRESSED fails, INCONCLUSIVE is skipped with the reason, NEW and OK pass: as pytest's own items do."""
    outcomes = {place: outcome for (place, _), (outcome, _) in read(document(GATED)).items()}
    assert outcomes == {
        "qwen3-8b.vllm.prefix[warm]": "failure",
        "qwen3-8b.vllm.prefix[cold]": "skipped",
        "qwen3-8b.vllm.prefix[half]": "passed",
        "qwen3-8b.vllm.long_context[k32]": "passed",
    }


def gate(*now, sessions=8, **rule):
    past = read_history([Past(41.2 * (1 + away)) for away in (0, 0.011, -0.009, 0.006) * 2][:sessions], LOWER, 20)
    return to_check("ttft_ms.p50", "ms", judge(now, past, Rule(gates=6, **rule), Prior(0.02, 4.1, 5)))


def test_a_comparison_is_told_in_figures():
    """A judged gate is one line: now, the baseline, the change with its interval, how it was confirmed."""
    run = document((case("bad", Verdict.REGRESSED, checks=(gate(52.1, 51.6),)),))
    ((key, (outcome, message)),) = read(run).items()
    assert (key, outcome) == (("qwen3-8b.vllm.bad", "ttft_ms.p50 regression"), "failure")
    figures = r"ttft_ms.p50 51.8 ms, was 41.3 ms \(.*8 sessions.*\): \+25\.\d % \(\+\d.* to \+\d.*\); "
    assert re.match(rf"REGRESSED: {figures}measured twice: [^;]*$", message), message


def test_what_was_not_called_says_what_would_have_been():
    """An OK is worth what it could have seen."""
    message = to_junit(document((case("x", Verdict.OK, checks=(gate(41.3),)),)))
    assert re.search(r"<system-out>OK: .*would have seen \+\d+\.\d %", message), message


def test_what_could_not_be_told_says_what_would_decide():
    """INCONCLUSIVE is skipped with a message that says how many more sessions would decide."""
    run = document((case("x", Verdict.INCONCLUSIVE, checks=(gate(41.0, sessions=1, resolve=0.1),)),))
    ((outcome, message),) = read(run).values()
    assert outcome == "skipped"
    assert re.match(r"INCONCLUSIVE: ttft_ms.p50 41.0 ms.*\d+ more sessions would decide", message), message


def test_an_invalid_case_is_one_error():
    """What must not be judged is one error with every finding; its checks are not among the test cases."""
    ((key, outcome),) = read(document((INVALID,))).items()
    assert key == ("qwen3-8b.vllm.concurrency[c32]", "validity")
    assert outcome == ("error", "client_lag: the client read sockets 61.2 ms late at p99, limit 60.2 ms.")
    assert "error_rate: 1.72 % of 2,560 requests failed" in to_junit(document((INVALID,)))


def test_what_has_no_result():
    """A case that ended without figures is an error, one that could not run here is skipped, each with its words."""
    run = document((), errors=[Error("t.py::a", "died\nlog")], skipped=[Skipped("t.py::b", "no GPU")])
    assert read(run) == {
        ("tests", "t.py::a"): ("error", "died"),
        ("tests", "t.py::b"): ("skipped", "no GPU"),
    }


def test_times_add_up():
    """A case's checks share the time of its rounds, so the suite's time is the time that was measured."""
    rounds = ({"wall_s": 1.5}, {"wall_s": 3.0})
    (suite,) = junitparser.JUnitXml.fromstring(
        to_junit(document((case("x", Verdict.OVER_BUDGET, checks=OVER.checks, rounds=rounds),))).encode()
    )
    assert [entry.time for entry in suite] == [1.5, 1.5, 1.5]
    assert suite.time == 4.5


def test_names_hold_through_an_upgrade():
    """Another version changes the suite's name and properties and no test case's name."""
    old, new = (read(document((case("x", Verdict.OK, checks=OVER.checks, version=v),))) for v in ("v1", "v2"))
    assert old.keys() == new.keys()
    assert 'name="version" value="v9"' in to_junit(document((case("x", Verdict.OK, version="v9"),)))


def test_text_from_outside_is_harmless():
    """Names and messages with control characters and markup come back as the characters they are made of."""
    run = document((), errors=[Error(HOSTILE, HOSTILE)])
    ((place, name),) = read(run)
    assert place == "tests"
    assert name.startswith("bad\\nname\\r\\x1b[31mred")
    assert "</testcase>" in name


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.lists(case_results, max_size=3))
def test_any_run_is_valid_and_complete(cases):
    """Whatever a run holds, the file is valid and has one entry for each check of a valid case, with its outcome."""
    run = document(tuple(cases))
    text = to_junit(run)
    SCHEMA.validate(text)
    wanted = Counter()
    for each in run.cases:
        if each.verdict is Verdict.INVALID or any(finding.invalid for finding in each.validity):
            wanted["error"] += 1
            continue
        wanted.update(EXPECTED.get(check.verdict, "passed") for check in each.checks)
    results = [entry.result for suite in junitparser.JUnitXml.fromstring(text.encode()) for entry in suite]
    assert Counter(OUTCOMES[type(result[0])] if result else "passed" for result in results) == wanted
