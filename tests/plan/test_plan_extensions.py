"""What a suite's hooks give a run: used where it can be, refused in our own words where it cannot."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.table import METRICS, Kind, SampleMetric, ValueMetric
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.extensions import Extensions
from pytest_inferbench.plan.pair import CellPair
from pytest_inferbench.policy import gate_rules
from pytest_inferbench.units import MS, RATIO, Direction

CELL = Cell("m", "vllm", "v1", "openai-chat", policy=(parse("alpha: 0.01", "models.yaml"),))


class Caller:
    """One hook with its implementations, as pluggy has it."""

    name = "pytest_inferbench_hook"

    def __init__(self, answer=None, implementations=()):
        self.answer, self.implementations, self.asked = answer, list(implementations), []

    def __call__(self, **arguments):
        self.asked.append(arguments)
        return self.answer

    def get_hookimpls(self):
        return self.implementations


def extensions(metrics=(), policy=(), hardware=None, results=None):
    return Extensions(
        SimpleNamespace(
            pytest_inferbench_metrics=Caller(list(metrics)),
            pytest_inferbench_policy=Caller(list(policy)),
            pytest_inferbench_hardware=Caller(hardware, [object()] if hardware is not None else []),
            pytest_inferbench_results=results or Caller(),
        )
    )


def own(name="answer_words"):
    return SampleMetric(name, MS, Direction.LOWER, Kind.SAMPLE, lambda _: ())


def test_a_suite_s_metrics_come_after_the_table_s():
    """In the order that the hooks give them; without any it is the table."""
    rate = ValueMetric("good_rate", RATIO, Direction.HIGHER, Kind.ROUND, lambda _: None)
    found = extensions([[own()], [rate]]).metrics
    assert list(found) == [*METRICS, "answer_words", "good_rate"]
    assert dict(extensions().metrics) == dict(METRICS)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["ttft"], "pytest_inferbench_metrics: got 'ttft', expected a SampleMetric or a ValueMetric"),
        ([own("Words")], "got the name 'Words', expected lower-case letters, digits and _"),
        ([own("ttft_ms")], "there is a metric 'ttft_ms' already; name yours otherwise"),
        ([own(), own()], "there is a metric 'answer_words' already"),
    ],
)
def test_a_row_that_is_no_metric_is_refused(rows, said):
    """It is not one, has no name that can be used, or has one that is taken."""
    with pytest.raises(ConfigError, match=said):
        _ = extensions([rows]).metrics


def test_what_a_hook_says_of_a_cell_s_gates_goes_before_the_config():
    """The nearest wins, key by key; both arms of a pair have it."""
    given = extensions(policy=[{"margin": 0.1}, {"margin": 0.3, "alpha": 0.02}])
    rules = gate_rules(given.with_policy(CELL).policy)
    assert {(rule.margin, rule.alpha) for rule in rules.values()} == {(0.1, 0.02)}
    pair = given.with_policy(CellPair(CELL, CELL, (5, 12)))
    assert pair.a.policy == pair.b.policy == given.with_policy(CELL).policy
    assert gate_rules(extensions().with_policy(CELL).policy)["ttft_ms.p50"].alpha == 0.01


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (0.1, "pytest_inferbench_policy: got 0.1 for m on vllm, expected a mapping or None"),
        ({"margn": 0.1}, "unknown key 'margn'; did you mean 'margin'"),
        ({"gates": ["nobody_ms.p50"]}, "nobody_ms"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(answer, said):
    """By its type, its keys, or a gate on a metric that nobody has."""
    with pytest.raises(ConfigError, match=said):
        extensions(policy=[answer]).with_policy(CELL)


def test_a_hook_may_name_the_machine():
    """A name is text that is not blank; None is no name, and anything else an error."""
    assert extensions(hardware="lab-1").hardware({}) == "lab-1"
    assert extensions().hardware({}) is None
    assert (extensions(hardware="lab-1").names_hardware, extensions().names_hardware) == (True, False)
    for name in ("  ", 5):
        with pytest.raises(ConfigError, match="expected a name such as '1x-nvidia-h200', or None"):
            extensions(hardware=name).hardware({})


def test_each_receiver_of_results_has_its_own_and_one_that_fails_stops_no_other(tmp_path):
    """What one changes the next does not see; a fault is told with the plugin's name, the last registered first."""
    seen = []

    def changes(document):
        seen.append(document.pop("cases"))

    def fails(folder, document):
        seen.append((folder, document["cases"]))
        raise RuntimeError("no network")

    implementations = [
        SimpleNamespace(function=fails, argnames=("folder", "document"), plugin_name="mine"),
        SimpleNamespace(function=changes, argnames=("document",), plugin_name="other"),
    ]
    document = {"cases": [1]}
    problems = extensions(results=Caller(None, implementations)).give_results(document, tmp_path)
    assert problems == ["pytest_inferbench_hook of mine: RuntimeError: no network"]
    assert seen == [[1], (tmp_path, [1])]
    assert document == {"cases": [1]}
    assert extensions().give_results(document, tmp_path) == []
