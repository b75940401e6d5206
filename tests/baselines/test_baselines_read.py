"""People's file as text: what it holds, and each mistake with its line."""

import pytest

from baselines.baseline_made import TABLE, YAML
from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.read import read_file
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
    """Budgets and gates are read, each with its line."""
    case = read(YAML).cases["concurrency[c08]"]
    assert case.budgets == (
        Budget("ttft_ms.p95", "max", 400.0, "q.yaml:8"),
        Budget("output_tok_per_s", "min", 500.0, "q.yaml:8"),
    )
    assert gates([case.policy]).value == ("ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s")
    assert str(gates([case.policy]).source) == "q.yaml:9"
    assert case.hardware["1x-nvidia-h200"] == (Budget("ttft_ms.p95", "max", 250.0, "q.yaml:12"),)
    assert case.source == "q.yaml:7"


def test_what_may_be_left_out():
    """Without gates the default ones hold; without budgets and hardware there are none."""
    file = read("schema: 1\nmodel: m\nbackend: b\ncases:\n  x: {}\n  y: {gates: []}\n")
    assert gates([file.cases["x"].policy]).value == DEFAULT_GATES
    assert file.cases["x"].budgets == ()
    assert gates([file.cases["y"].policy]).value == ()
    assert read("schema: 1\nmodel: m\nbackend: b\ncases:\n").cases == {}
    empty = read("schema: 1\nmodel: m\nbackend: b\ncases:\n  x:\n  y:\n    hardware:\n      h:\n").cases
    assert (empty["x"].budgets, empty["y"].hardware) == ((), {"h": ()})


def test_both_bounds_of_a_neutral_metric():
    """A metric without a better side takes both limits; a bound without a figure is none."""
    budgets = "{generated_tokens: {min: 1, max: 9}, ttft_ms.p50: {max: 4, min: }}"
    file = read(f"schema: 1\nmodel: m\nbackend: b\ncases:\n  x: {{budgets: {budgets}}}\n")
    assert [(b.bound, b.limit) for b in file.cases["x"].budgets] == [("min", 1.0), ("max", 9.0), ("max", 4.0)]


def test_relative_budgets():
    """A share of the accepted figure is read as written, with or without blanks."""
    budgets = "{ttft_ms.p50: {max: +25 %}, output_tok_per_s: {min: '-7.5%'}, tpot_ms.p50: {max: + 5 %}}"
    file = read(f"schema: 1\nmodel: m\nbackend: b\ncases:\n  x: {{budgets: {budgets}}}\n")
    assert [(b.limit, b.share) for b in file.cases["x"].budgets] == [
        ("+25 %", 0.25),
        ("-7.5%", -0.075),
        ("+ 5 %", 0.05),
    ]


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
            "alpha, confirmations, machine_change, margin, metrics, resolve, shared, strict, tails, window"
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
        (
            "q.yaml:6: cases.x.budgets.ttft_ms.p95.max: got '250 ms', expected a number, or a share of the accepted "
            "figure such as +25 %"
        ),
    ),
    "signed number": (
        HEAD + "    budgets:\n      ttft_ms.p50: {max: +25}\n",
        (
            "q.yaml:7: ttft_ms.p50: got max: +25, a signed number; write 25 for a limit, or +25 % for a share of the "
            "accepted figure"
        ),
    ),
    "share without its sign": (
        HEAD + "    budgets: {ttft_ms.p50: {max: 25 %}}\n",
        (
            "q.yaml:6: cases.x.budgets.ttft_ms.p50.max: got '25 %', expected a number, or a share of the accepted "
            "figure such as +25 %"
        ),
    ),
    "share below what was accepted": (
        HEAD + "    budgets: {ttft_ms.p50: {max: -5 %}}\n",
        (
            "q.yaml:6: cases.x.budgets.ttft_ms.p50.max: got '-5 %', expected +5 %: else the accepted figure itself "
            "would be over budget"
        ),
    ),
    "all of it": (
        HEAD + "    budgets: {output_tok_per_s: {min: -100 %}}\n",
        ("q.yaml:6: cases.x.budgets.output_tok_per_s.min: got '-100 %', expected a fall of less than 100 %"),
    ),
    "share on the wrong side": (
        HEAD + "    budgets: {output_tok_per_s: {max: +25 %}}\n",
        "q.yaml:6: output_tok_per_s: got max: +25 %, but higher is better; write {min: -25 %}",
    ),
    "share of what has no better side": (
        HEAD + "    budgets: {generated_tokens: {max: +25 %}}\n",
        (
            "q.yaml:6: generated_tokens: got +25 %, but neither more nor less of it is better, so no accepted figure "
            "is kept of it; write a number"
        ),
    ),
    "limit that is no number": (
        HEAD + "    budgets: {ttft_ms.p95: {max: .inf}}\n",
        "q.yaml:6: cases.x.budgets.ttft_ms.p95.max: got .inf, expected a finite number",
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
