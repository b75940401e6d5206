"""The properties of a JUnit test case."""

from __future__ import annotations

from made.cases import budget, case, history, summary
from pytest_inferbench.report.properties import comparison_properties, junit_properties
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import ABSENT_CASE, OVER


def test_properties_name_the_unit_and_hold_plain_decimals() -> None:
    """Verdict, cell and workload come first, then each figure under `metric.statistic`."""
    properties = junit_properties(OVER)
    assert properties[:8] == [
        ("verdict", "OVER BUDGET"),
        ("case", "concurrency[c08]"),
        ("model", "qwen3-8b"),
        ("backend", "vllm"),
        ("version", "v0.8.0"),
        ("hardware", "1x-nvidia-h200"),
        ("workload.hash", "5c1e0d9b"),
        ("ttft_ms.n", "640"),
    ]
    figures = dict(properties)
    assert figures["ttft_ms.p50"] == "238.4"
    assert figures["ttft_ms.p95"] == "312.304"
    assert figures["output_tok_per_s"] == "882.4"
    assert figures["error_rate"] == "0"
    assert figures["client.self_error_ms"] == "0.052"


def test_no_figure_is_written_with_an_exponent() -> None:
    """Very small and very large figures are spelled out, whole numbers exactly."""
    metrics = {
        "a": summary("s", value=1.5e-7),
        "b": summary("tok", value=12345678901.0),
        "c": summary("s", value=0.1 + 0.2),
    }
    figures = dict(junit_properties(case("x", Verdict.OK, metrics=metrics)))
    assert (figures["a"], figures["b"], figures["c"]) == ("0.00000015", "12345678901", "0.3")


def test_absent_figures_have_no_property() -> None:
    """A case without metrics says its verdict and its cell, and no empty value."""
    properties = dict(junit_properties(ABSENT_CASE))
    assert list(properties) == [
        "verdict",
        "case",
        "model",
        "backend",
        "variant",
        "version",
        "hardware",
        "workload.hash",
    ]


def test_workload_without_a_hash_has_no_such_property() -> None:
    """A case measured by hand may have no workload hash."""
    plain = case("x", Verdict.OK, workload={"kind": "record"})
    assert "workload.hash" not in dict(junit_properties(plain))


def test_a_comparison_s_properties_are_each_gate_s() -> None:
    """The case, then of every gate its verdict, and ratio and detectable change where there are any."""
    checks = (
        history("ttft_ms.p50", Verdict.REGRESSED, 49.0, ratio=1.19, detectable=0.082),
        history("tpot_ms.p50", Verdict.NEW, 6.1, n=0),
        budget("ttft_ms.p95", 60.0, "max 90", "ms", 7, over=False),
        history("history", Verdict.NEW, None, "no baseline for this case"),
    )
    assert comparison_properties(case("single", Verdict.REGRESSED, checks=checks)) == [
        ("case", "single"),
        ("ttft_ms.p50.verdict", "REGRESSED"),
        ("ttft_ms.p50.ratio", "1.19"),
        ("ttft_ms.p50.detectable", "0.082"),
        ("tpot_ms.p50.verdict", "NEW"),
    ]
