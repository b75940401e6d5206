"""Baseline files as text: what they hold, and each mistake with its line."""

import json

import pytest
from baseline_made import TABLE, YAML, session

from pytest_inferbench.baselines.read import read_file, read_sessions
from pytest_inferbench.baselines.schema import Budget
from pytest_inferbench.baselines.session import Accepted
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import BaselineError
from pytest_inferbench.policy import DEFAULT_GATES, gates


def read(text):
    return read_file(parse(text, "q.yaml"), TABLE)


def refused(text):
    with pytest.raises(BaselineError) as caught:
        read(text)
    return str(caught.value)


def test_the_documented_file():
    """Budgets, gates and accepted figures are read, each with its line."""
    case = read(YAML).cases["concurrency[c08]"]
    assert case.budgets == (
        Budget("ttft_ms.p95", "max", 400.0, "q.yaml:8"),
        Budget("output_tok_per_s", "min", 500.0, "q.yaml:8"),
    )
    assert gates([case.policy]).value == ("ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s")
    assert str(gates([case.policy]).source) == "q.yaml:9"
    entry = case.hardware["1x-nvidia-h200"]
    assert entry.budgets == (Budget("ttft_ms.p95", "max", 250.0, "q.yaml:12"),)
    assert entry.accepted == Accepted(
        "v0.8.1", "vllm/vllm@sha256:0f", 1, {"ttft_ms.p50": 41.0, "tpot_ms.p50": 6.1}, "q.yaml:13"
    )


def test_what_may_be_left_out():
    """Without gates the default ones hold; without budgets and hardware there are none."""
    file = read("schema: 1\nmodel: m\nbackend: b\ncases:\n  x: {}\n  y: {gates: []}\n")
    assert gates([file.cases["x"].policy]).value == DEFAULT_GATES
    assert file.cases["x"].budgets == ()
    assert gates([file.cases["y"].policy]).value == ()
    assert read("schema: 1\nmodel: m\nbackend: b\ncases:\n").cases == {}


def test_both_bounds_of_a_neutral_metric():
    """A metric without a better side takes both limits; a bound without a figure is none."""
    budgets = "{generated_tokens: {min: 1, max: 9}, ttft_ms.p50: {max: 4, min: }}"
    file = read(f"schema: 1\nmodel: m\nbackend: b\ncases:\n  x: {{budgets: {budgets}}}\n")
    assert [(b.bound, b.limit) for b in file.cases["x"].budgets] == [("min", 1.0), ("max", 9.0), ("max", 4.0)]


KNOWN = "error_rate, generated_tokens, output_tok_per_s, tpot_ms, ttft_ms"
HEAD = "schema: 1\nmodel: m\nbackend: b\ncases:\n  x:\n"

BROKEN = {
    "no schema": ("model: m\nbackend: b\n", "q.yaml:1: missing key 'schema'; add it"),
    "newer": (
        "# x\nschema: 2\nnew_key: 1\n",
        "q.yaml:2: schema 2 is newer than 1, the newest read here; upgrade pytest-inferbench",
    ),
    "schema is text": ("schema: one\nmodel: m\nbackend: b\n", "q.yaml:1: schema: got 'one', expected 1"),
    "unknown key": (HEAD + "    budget: {}\n", "q.yaml:6: cases.x: unknown key 'budget'; did you mean 'budgets'?"),
    "unknown metric": (
        HEAD + "    budgets:\n      tfft_ms.p95: {max: 1}\n",
        "q.yaml:7: unknown metric 'tfft_ms'; did you mean 'ttft_ms'?",
    ),
    "unknown statistic": (
        HEAD + "    budgets: {ttft_ms.p94: {max: 1}}\n",
        "q.yaml:6: ttft_ms.p94: unknown statistic 'p94'; known are mean, p50, p90, p95, p99",
    ),
    "distribution without its statistic": (
        HEAD + "    budgets:\n      ttft_ms: {max: 5}\n",
        (
            "q.yaml:7: ttft_ms: it has a distribution, so say which figure of it: "
            "ttft_ms.mean, ttft_ms.p50, ttft_ms.p90, ttft_ms.p95, ttft_ms.p99"
        ),
    ),
    "gate without its statistic": (
        HEAD + "    gates: [tpot_ms]\n",
        (
            "q.yaml:6: tpot_ms: it has a distribution, so say which figure of it: "
            "tpot_ms.mean, tpot_ms.p50, tpot_ms.p90, tpot_ms.p95, tpot_ms.p99"
        ),
    ),
    "statistic of one figure": (
        HEAD + "    budgets: {output_tok_per_s.p50: {min: 5}}\n",
        "q.yaml:6: output_tok_per_s.p50: output_tok_per_s is one figure, without statistics; write output_tok_per_s",
    ),
    "unknown gate": (HEAD + "    gates: [tpot.p50]\n", "q.yaml:6: unknown metric 'tpot'; did you mean 'tpot_ms'?"),
    "neutral gate": (
        HEAD + "    gates: [generated_tokens]\n",
        "q.yaml:6: gates: neither more nor less of generated_tokens is better; gate another metric",
    ),
    "margin in per cent": (
        HEAD + "    policy: {margin: 5}\n",
        "q.yaml:6: cases.x.policy.margin: got 5, expected a number below 1",
    ),
    "window too wide": (
        HEAD + "    policy:\n      window: 65\n",
        "q.yaml:7: cases.x.policy.window: got 65, expected a number of at most 64",
    ),
    "gates under policy": (
        HEAD + "    policy: {gates: [ttft_ms.p50]}\n",
        (
            "q.yaml:6: cases.x.policy: unknown key 'gates'; known are "
            "alpha, confirmations, margin, metrics, resolve, shared, strict, tails, window"
        ),
    ),
    "policy of an unknown metric": (
        HEAD + "    policy:\n      metrics: {tttf_ms.p50: {margin: 0.1}}\n",
        "q.yaml:7: unknown metric 'tttf_ms'; did you mean 'ttft_ms'?",
    ),
    "max of a throughput": (
        HEAD + "    budgets:\n      output_tok_per_s:\n        max: 900\n",
        "q.yaml:8: output_tok_per_s: got max: 900, but higher is better; write {min: 900}",
    ),
    "min of a latency": (
        HEAD + "    hardware:\n      h:\n        budgets: {ttft_ms.p95: {min: 90.5}}\n",
        "q.yaml:8: ttft_ms.p95: got min: 90.5, but lower is better; write {max: 90.5}",
    ),
    "no limit": (
        HEAD + "    budgets: {ttft_ms.p95: {}}\n",
        "q.yaml:6: cases.x.budgets.ttft_ms.p95: neither max nor min; write a limit such as {max: 250}",
    ),
    "bare number": (
        HEAD + "    budgets: {ttft_ms.p95: 250}\n",
        "q.yaml:6: cases.x.budgets.ttft_ms.p95: got 250, expected a mapping (key: value)",
    ),
    "limit with its unit": (
        HEAD + "    budgets: {ttft_ms.p95: {max: 250 ms}}\n",
        "q.yaml:6: cases.x.budgets.ttft_ms.p95.max: got '250 ms', expected a number",
    ),
    "limit that is no number": (
        HEAD + "    budgets: {ttft_ms.p95: {max: .inf}}\n",
        "q.yaml:6: cases.x.budgets.ttft_ms.p95.max: got .inf, expected a finite number",
    ),
    "accepted without sessions": (
        HEAD + "    hardware:\n      h:\n        accepted: {version: v1}\n",
        "q.yaml:8: cases.x.hardware.h.accepted: missing key 'sessions'; add it",
    ),
    "accepted figure is text": (
        HEAD + "    hardware:\n      h:\n        accepted: {version: v1, sessions: 1, ttft_ms.p50: fast}\n",
        "q.yaml:8: cases.x.hardware.h.accepted.ttft_ms.p50: got 'fast', expected a number",
    ),
    "noise below zero": (
        HEAD + "    hardware:\n      h:\n        noise: {date: d, version: v, workload: w, pairs: 5,\n"
        "          restart_sd: {ttft_ms.p50: -0.1}}\n",
        "q.yaml:9: cases.x.hardware.h.noise.restart_sd.ttft_ms.p50: got -0.1, expected a number of at least 0",
    ),
    "noise of an unknown metric": (
        HEAD + "    hardware:\n      h:\n        noise: {date: d, version: v, workload: w, pairs: 5,\n"
        "          restart_sd: {tfft_ms.p50: 0.1}}\n",
        "q.yaml:9: unknown metric 'tfft_ms'; did you mean 'ttft_ms'?",
    ),
    "hardware without a value": (
        HEAD + "    hardware:\n      h:\n",
        "q.yaml:7: cases.x.hardware.h: got nothing, expected a mapping (key: value)",
    ),
    "several": (
        HEAD + "    gates: [nope, ttft_ms.p7]\n    budgets: {nope: {max: 1}}\n",
        (
            f"q.yaml:6: unknown metric 'nope'; known are {KNOWN}\n"
            "q.yaml:6: ttft_ms.p7: unknown statistic 'p7'; known are mean, p50, p90, p95, p99\n"
            f"q.yaml:7: unknown metric 'nope'; known are {KNOWN}"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files(text, message):
    """Each mistake in a YAML file is told with its line, what was found and what to write."""
    assert refused(text) == message


def line(**changes):
    data = {**json.loads(session().to_line()), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not ...})


def test_sessions_are_read():
    """Lines come back as the sessions they were made of; blank lines say nothing."""
    first, second = session(1), session(2, variant="chunked", canary="c", rounds={"ttft_ms.p50": [1.5, None]})
    text = f"{first.to_line()}\n\n{second.to_line()}\n"
    assert read_sessions(text, "h.jsonl") == (first, second)
    assert second.value("ttft_ms.p50") == 1.5
    assert second.value("tpot_ms.p50") is None


BROKEN_LINES = {
    "cut off": (
        line()[:60],
        (
            "h.jsonl:2: not a whole line of JSON (Expecting property name enclosed in double quotes at column 61); "
            "restore the file from version control, or delete the line"
        ),
    ),
    "conflict": (
        "<<<<<<< HEAD",
        (
            "h.jsonl:2: not a whole line of JSON (Expecting value at column 1); "
            "restore the file from version control, or delete the line"
        ),
    ),
    "a number": ("3", "h.jsonl:2: got '3', expected a session as a JSON object; delete the line"),
    "newer": (
        line(schema=2, more=1),
        "h.jsonl:2: schema 2 is newer than 1, the newest read here; upgrade pytest-inferbench",
    ),
    "no schema": (line(schema=...), "h.jsonl:2: missing key 'schema'; add it"),
    "missing key": (line(segment=...), "h.jsonl:2: missing key 'segment'; add it"),
    "unknown key": (line(segmnt=1), "h.jsonl:2: unknown key 'segmnt'; did you mean 'segment'?"),
    "wrong type": (line(requests="96"), "h.jsonl:2: requests: got '96', expected an integer"),
    "not finite": (
        line(rounds={"ttft_ms.p50": [float("nan")]}),
        "h.jsonl:2: rounds.ttft_ms.p50[0]: got nan, expected a finite number",
    ),
    "unknown way": (line(how="magic"), "h.jsonl:2: how: got 'magic', expected 'append', 'reseat' or 'accept'"),
    "twice": (
        session(0).to_line(),
        "h.jsonl:2: run run-0 of concurrency[c08] was already accepted on line 1; delete one",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
def test_broken_lines(text, message):
    """Each bad line of a session file is told with its number and what to do."""
    with pytest.raises(BaselineError) as caught:
        read_sessions(f"{session(0).to_line()}\n{text}\n", "h.jsonl")
    assert str(caught.value) == message
