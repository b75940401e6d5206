"""Policy: the nearest word wins, and every value knows who said it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.schema import BaselineFile, CaseEntry
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.policy import DEFAULT_GATES, SuitePolicy, check_policy, gate_rules, gates, segment_by_machine
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, DEFAULTS, Kind, kind_of

TABLE = {name: METRICS[name] for name in ("ttft_ms", "tpot_ms")}


def layers(*texts):
    """Policies, the nearest first, written in the files case.yaml, model.yaml and suite.yaml."""
    return [parse(text, name) for text, name in zip(texts, ("case.yaml", "model.yaml", "suite.yaml"), strict=False)]


def test_without_a_word_the_defaults_hold():
    """Three gates at the rule's own settings."""
    found = gate_rules([])
    assert tuple(found) == DEFAULT_GATES
    assert found == {gate: DEFAULTS[kind_of(gate)] for gate in found}


def test_the_nearest_word_wins_key_by_key():
    """A case overrides its model and the model its suite, each only in what it says."""
    found = gate_rules(
        layers(
            "margin: 0.02\n",
            "gates: [ttft_ms.p50]\nmargin: 0.03\nwindow: 30\n",
            "gates: [tpot_ms.p50]\nwindow: 40\nalpha: 0.01\n",
        )
    )["ttft_ms.p50"]
    assert (found.margin, found.window, found.alpha, found.resolve) == (0.02, 30, 0.01, 0.20)


@pytest.mark.parametrize(
    ("gate", "text", "margin"),
    [
        ("ttft_ms.p50", "margin: 0.03", 0.03),
        ("ttft_ms.p95", "margin: 0.03", 0.10),
        ("ttft_ms.p95", "tails: {margin: 0.15}", 0.15),
        ("ttft_ms.p50", "tails: {margin: 0.15}", 0.05),
        ("ttft_ms.p95", "tails: {margin: 0.15}\nmetrics: {ttft_ms.p95: {margin: 0.2}}", 0.20),
        ("ttft_ms.p50", "margin: 0.03\nmetrics: {ttft_ms.p50: {margin: 0.01}}", 0.01),
        ("ttft_ms.p50", "margin: 0.03\nmetrics: {ttft_ms.p95: {margin: 0.01}}", 0.03),
    ],
)
def test_margin_of_a_gate(gate, text, margin):
    """`margin` is of typical figures, `tails` of p90 and beyond, and a metric's own word goes before both."""
    assert gate_rules(layers(f"gates: [{gate}]\n{text}\n"))[gate].margin == margin


def test_a_nearer_place_goes_before_a_more_special_one_further_away():
    """What a case says of all its metrics wins over what the suite says of one."""
    found = gate_rules(layers("margin: 0.02\n", "", "metrics: {ttft_ms.p50: {margin: 0.08}}\n"))
    assert found["ttft_ms.p50"].margin == 0.02


def test_a_measured_share_is_told_from_the_assumed_one():
    """`shared` in a policy is what an A/A run measured; without it the rule says that it is assumed."""
    measured = gate_rules(layers("shared: 0.3\n"))["ttft_ms.p50"]
    assert (measured.shared, measured.shared_measured) == (0.3, True)
    assert measured.shared_source.endswith(":1")
    assumed = gate_rules([])["ttft_ms.p50"]
    assert not assumed.shared_measured
    assert (measured.shared_doubt, assumed.shared_doubt) == (0.0, ASSUMED_DOUBT)


def test_another_machine_is_inconclusive_unless_a_policy_says_otherwise():
    """The nearest word wins, and another word than the two is refused with both."""
    assert not segment_by_machine([])
    assert segment_by_machine(layers("margin: 0.02\n", "machine_change: segment\n"))
    assert not segment_by_machine(layers("machine_change: inconclusive\n", "machine_change: segment\n"))
    with pytest.raises(ConfigError, match=r"x.yaml:1: machine_change: got 'new', expected 'inconclusive' or 'segment'"):
        validate(SuitePolicy, parse("machine_change: new\n", "x.yaml"))


def test_settings_that_contradict_each_other_name_both_places():
    """A `resolve` below its `margin` could never end in OK; the error says where both are written."""
    with pytest.raises(ConfigError) as caught:
        gate_rules(layers("resolve: 0.04\n", "\nmargin: 0.06\n"))
    assert str(caught.value) == (
        "case.yaml:1: policy of ttft_ms.p50: resolve 0.04 (case.yaml:1) is below margin 0.06 (model.yaml:2), so no "
        "comparison could ever be OK; raise resolve or lower margin"
    )


def test_a_metric_that_there_is_not_is_told_with_its_place():
    """Every unknown metric of a model's policies is named, with its line and the nearest name."""
    check_policy(layers("gates: [ttft_ms.p95]"), TABLE)
    with pytest.raises(ConfigError) as caught:
        check_policy(layers("gates: [ttft.p95]", "\nmetrics: {tpot_ms.p7: {margin: 0.1}}"), TABLE)
    assert str(caught.value) == (
        "case.yaml:1: unknown metric 'ttft'; did you mean 'ttft_ms'?\n"
        "model.yaml:2: tpot_ms.p7: unknown statistic 'p7'; known are mean, p50, p90, p95, p99"
    )


def test_no_gates_is_a_word_too():
    """An empty list gates nothing, whatever the suite says; a gate named twice is one gate."""
    assert gates(layers("gates: []", "gates: [ttft_ms.p50]")).value == ()
    assert gates(layers("gates: [ttft_ms.p50, ttft_ms.p50]")).value == ("ttft_ms.p50",)


def test_a_case_of_the_file_goes_before_the_config():
    """The rules of a case come from its baseline file first; a case the file lacks has those of the config."""
    case, suite = layers("gates: [ttft_ms.p95]\n", "gates: [tpot_ms.p50]\n")
    file = BaselineFile("m", "b", {"known": CaseEntry((), case, {})})
    assert list(case_rules(file, "known", [suite])) == ["ttft_ms.p95"]
    assert list(case_rules(file, "new", [suite])) == ["tpot_ms.p50"]


@given(
    st.lists(st.dictionaries(st.sampled_from(["alpha", "window", "strict"]), st.just(1)), max_size=3),
)
def test_every_setting_is_the_nearest_one(written):
    """Whatever is written where, a setting is the nearest place's."""
    texts = [
        "".join(
            f"{key}: {({'alpha': 0.01 * (place + 1), 'window': place + 2, 'strict': 'true'})[key]}\n" for key in keys
        )
        for place, keys in enumerate(written)
    ]
    found = gate_rules(layers(*texts))["ttft_ms.p50"]
    places = {
        key: next((n for n, keys in enumerate(written) if key in keys), None) for key in ("alpha", "window", "strict")
    }
    base = DEFAULTS[Kind.TYPICAL]
    assert found.alpha == (base.alpha if places["alpha"] is None else 0.01 * (places["alpha"] + 1))
    assert found.window == (base.window if places["window"] is None else places["window"] + 2)
    assert found.strict is (places["strict"] is not None)
