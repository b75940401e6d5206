"""The hooks of docs/hooks.md: its examples run, and what a hook gives wrongly is told in one message."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_of_the_docs(suite, server, document, pytester):
    """One conftest of all examples: its metrics are measured and gated, it names the machine, it gets the results."""
    pytester.makeconftest("\n".join(EXAMPLES))
    arguments = ("--server-url", server.url, "--backend=vllm", "--update-baselines", "-k", "plain")
    suite(*arguments).assert_outcomes(passed=2, deselected=2)
    run = document()
    (case,) = run["cases"]
    assert 0 < case["metrics"]["wait_share"]["p50"] < 1
    assert case["metrics"]["longest_answer_tok"]["value"] == 4
    assert all("wait_share.p50" in figures for figures in case["rounds"])
    assert case["hardware"] == f"lab-{os.cpu_count()}-cores"
    baseline = (pytester.path / "benchmarks/baselines/scripted--vllm.yaml").read_text()
    assert re.search(r"budgets: \{wait_share.p50: \{max: 0\.\d+\}\}", baseline)
    (verdicts,) = pytester.path.glob("perf/*/verdicts.txt")
    assert verdicts.read_text() == "plain new"


ROW = "SampleMetric({}, Unit('x'), Direction.LOWER, Kind.REQUEST, lambda view: ())"
HEAD = "from pytest_inferbench import Direction, Kind, SampleMetric, Unit\n\n"


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("metrics(): return ['ttft']", "metrics: got 'ttft', expected a SampleMetric or a ValueMetric"),
        (
            f"metrics(): return [{ROW.format(repr('My metric'))}]",
            "metrics: got the name 'My metric', expected lower-case letters, digits and _",
        ),
        (
            f"metrics(): return [{ROW.format(repr('ttft_ms'))}]",
            "metrics: there is a metric 'ttft_ms' already; name yours otherwise",
        ),
        ("policy(model): return ['ttft_ms']", "policy: got ['ttft_ms'] for served on external, expected a mapping *"),
        ("policy(): return {'alpha': 2}", "policy: alpha: got 2, expected a number below 0.5"),
        ("policy(): return {'gates': ['tftt_ms.p50']}", "policy: unknown metric 'tftt_ms'; did you mean 'ttft_ms'?"),
        ("hardware(): return ''", "hardware: got '', expected a name such as '1x-nvidia-h200', or None"),
    ],
)
def test_what_cannot_be_used_ends_the_run(suite, server, pytester, hook, message):
    """A hook's mistake ends the run before anything is measured, with one line that names the hook."""
    pytester.makeconftest(f"{HEAD}def pytest_inferbench_{hook}\n")
    result = suite("--server-url", server.url, "-k", "plain")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: pytest_inferbench_{message.replace('[', '[[]')}"])
    assert server.sent_log() == []


def test_a_receiver_that_fails_is_told_and_fails_the_run(suite, server, document, pytester):
    """An exception of one receiver is a line of the summary; the others still get the results, and nothing is lost."""
    pytester.makeconftest("def pytest_inferbench_results(document): document.clear(); raise RuntimeError('no network')")
    pytester.makepyfile(other="def pytest_inferbench_results(document, folder): (folder / 'n').write_text('got it')")
    result = suite("--server-url", server.url, "-p", "other", "-k", "plain")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["pytest_inferbench_results of *conftest.py: RuntimeError: no network"])
    assert [path.read_text() for path in pytester.path.glob("perf/*/n")] == ["got it"]
    assert len(document()["cases"]) == 1
