"""Requests of a test's own: what is recorded of them, and what the case makes of it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from baselines.baseline_made import result
from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from plugin.owned import OwnedServer
from pytest_inferbench.bench.manual_case import held_to_its_client
from pytest_inferbench.bench.manual_requests import ManualRound
from pytest_inferbench.document.account import ClientAccount
from pytest_inferbench.observe.watch import Seen
from pytest_inferbench.records import FailureKind, Usage

PAGE = Path(__file__).parents[2] / "docs" / "workloads.md"
(EXAMPLE,) = [
    block
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    if "record" in block
]
VALUES = """
def test_a_figure(bench):
    with bench.record() as own:
        for figure in (3.0, 5.0, 4.0):
            with own.round():
                own.value("swap_ms", figure)
    own.result.check()
"""
METRIC = """
from pytest_inferbench import Direction, Kind, Unit, ValueMetric

def pytest_inferbench_metrics():
    read = lambda view: view.found.get("swap_ms")
    return [ValueMetric("swap_ms", Unit("ms"), Direction.LOWER, Kind.ROUND, read)]

def pytest_inferbench_policy():
    return {"gates": ["swap_ms", "ttft_ms.p50"]}
"""


class Clock:
    """A clock that a test sets; processor time runs half as fast."""

    def __init__(self):
        self.ns = 1000

    def now_ns(self):
        return self.ns

    def cpu_ns(self):
        return self.ns // 2


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    """One that takes its time for a test's own requests, which look like any that are asked beside a load."""
    with ScriptedServer(Script(first_ms=30, gap_ms=15)) as running:
        yield running


def requests(round_):
    return round_.record(0, None, Seen()).requests


def test_a_stream_is_stamped_as_it_comes(clock):
    """Sent, each output with its tokens, the end and the server's counts are where the test said them."""
    round_ = ManualRound(clock)
    with round_.request("warm") as request:
        clock.ns = 1100
        request.sent()
        for arrival in (1200, 1300):
            clock.ns = arrival
            request.output(tokens=2)
        request.usage(prompt_tokens=7, output_tokens=4)
        clock.ns = 1400
    (made,) = requests(round_)
    assert (made.tag, made.sent_ns, made.output_ns, made.answer_ns, made.end_ns) == (
        "warm", 1100, (1200, 1300), 1200, 1400,
    )  # fmt: skip
    assert (made.chunk_tokens, made.usage, made.failure) == ((2, 2), Usage(7, 4), None)
    assert round_.cpu_share() == 0.5


def test_an_answer_in_one_piece_arrives_at_its_end(clock):
    """Without a word of output the end is the arrival; tokens that were not told for each chunk are not told."""
    round_ = ManualRound(clock)
    with round_.request(""):
        clock.ns = 1500
    with round_.request("") as request:
        request.output(tokens=1)
        request.output()
    whole, partly = requests(round_)
    assert whole.output_ns == (1500,)
    assert partly.chunk_tokens is None


def test_requests_that_overlap_have_streams_of_their_own(clock):
    """A stream that is free again is used again; records are in the order in which requests began."""
    round_ = ManualRound(clock)
    with round_.request("a"):
        with round_.request("b"):
            pass
        with round_.request("c"):
            pass
    assert [(made.tag, made.index, made.stream) for made in requests(round_)] == [("a", 0, 0), ("b", 1, 1), ("c", 2, 1)]


REFUSED = httpx.HTTPStatusError(
    "busy", request=httpx.Request("GET", "http://x"), response=httpx.Response(503, request=None)
)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (REFUSED, FailureKind.HTTP, 503),
        (httpx.ConnectError("no"), FailureKind.CONNECT, None),
        (httpx.ReadTimeout("late"), FailureKind.TIMEOUT, None),
        (asyncio.CancelledError(), FailureKind.TIMEOUT, None),
        (httpx.RemoteProtocolError("cut"), FailureKind.CUT, None),
        (KeyError("choices"), FailureKind.PROTOCOL, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failed_request_is_a_record_and_its_exception_goes_on(clock, error, kind, status):
    """The class of failure and its words are kept; nothing arrives by the end of a failed request."""
    round_ = ManualRound(clock)
    with pytest.raises(type(error)), round_.request(""):
        raise error
    (made,) = requests(round_)
    assert (made.failure.kind, made.failure.status, made.output_ns) == (kind, status, ())
    assert made.failure.message.startswith(f"{type(error).__name__}: ")


@pytest.mark.parametrize(("shares", "invalid"), [([0.2, 0.9], True), ([0.2, 0.8], False), ([], False)])
def test_a_test_that_is_too_busy_to_time_anything_is_invalid(shares, invalid):
    """Its busiest round counts; a case without requests has nothing to be late with."""
    found = held_to_its_client(result(client=ClientAccount()), shares)
    assert found.invalid is invalid
    assert found.client == ClientAccount(cpu_share=max(shares) if shares else None)
    assert ("used 90 % of a core in a round, above 85 %" in str(found.validity)) is invalid


def test_the_example_of_the_docs_is_measured_and_judged(suite, server, document):
    """All metrics of a stream, budgets proposed and kept, a history that is judged at once: as for any case."""
    arguments = ("--server-url", server.url, "--backend=vllm")
    suite(*arguments, "--update-baselines", source=EXAMPLE).assert_outcomes(passed=2)
    (case,) = document()["cases"]
    assert (case["case"], case["workload"]["kind"], len(case["rounds"])) == ("my_own", "own", 5)
    assert case["token_method"].startswith("usage")
    assert case["metrics"]["generated_tokens"]["value"] == 5 * 3 * 16
    assert {"ttft_ms", "tpot_ms", "e2e_ms", "output_tok_per_s"} <= set(case["metrics"])
    assert case["metrics"]["ttft_ms"]["p50"] >= 30, "the server waits as long before its first token"
    assert any("timed in the test's own process" in note for note in case["notes"])
    suite(*arguments, source=EXAMPLE)
    (case,) = document()["cases"]
    assert {check["kind"] for check in case["checks"]} == {"budget", "history"}
    judged = next(check["comparison"] for check in case["checks"] if check["kind"] == "history")
    assert (judged["k"], judged["confirmations"]) == (1, 0)


def test_figures_of_a_test_s_own_and_pairs(tmp_path):
    """A declared metric's figure is judged by the median of its rounds; a case of one's own has no pairs."""
    server = OwnedServer(tmp_path)
    (server.folder / "test_suite.py").write_text(VALUES)
    (server.folder / "conftest.py").write_text(METRIC)
    ran = server.run("--update-baselines")
    assert ran.status == 0, ran.text
    (case,) = ran.document["cases"]
    assert [figures["swap_ms"] for figures in case["rounds"]] == [3.0, 5.0, 4.0]
    assert {"metric": "swap_ms", "new": 4.0} in ran.document["accepted"][0]["figures"]
    paired = server.run("--compare=installed..installed")
    assert paired.status == 0, paired.text
    assert "only its test can measure it, so it has no pairs" in paired.text
    assert server.starts == 2


WRONG = {
    "own.request().__enter__()": "bench.record(): request() outside of a round",
    "with own.round(): own.value('swop_ms', 1)": "bench.record(): value(): unknown metric 'swop_ms'",
    "own.result": "bench.record(): its result is there once its `with` block was left",
    "pass": "bench.record(): no round; measure in",
}


def test_what_is_not_measured_so_is_one_clear_error(suite, server):
    """Each mistake is an error of its test that says what to write, without a traceback."""
    tests = [
        f"def test_{number}(bench):\n    with bench.record() as own:\n        {body}\n"
        for number, body in enumerate(WRONG)
    ]
    ran = suite("--server-url", server.url, "--backend=vllm", source="\n".join(tests))
    ran.assert_outcomes(errors=len(WRONG), skipped=len(WRONG))
    for words in WRONG.values():
        assert words in ran.stdout.str()
    assert "Traceback" not in ran.stdout.str()
