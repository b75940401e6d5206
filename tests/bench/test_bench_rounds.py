"""One case on one server, with everything outside of `run` played: what becomes of a workload's steps."""

from __future__ import annotations

from typing import ClassVar

import pytest

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.backends.ollama import OLLAMA
from pytest_inferbench.bench.rounds import CasePlan, CaseRunner
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.engine import Observed
from pytest_inferbench.load.shape import ClosedLoop, Load, OpenLoop
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, Usage
from pytest_inferbench.servers.server import Server
from pytest_inferbench.servers.url import NotOurs
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.workloads.prompts import PromptMaker
from pytest_inferbench.workloads.workload import Workload


class Engine:
    """Answers every load at once, and remembers how many requests and streams each had."""

    def __init__(self, failing=()):
        self.carried = []
        self.hung = []
        self.failing = failing  # numbers of the loads whose requests all fail

    def carry(self, requests, *, streams, limits, **_):
        failure = Failure(FailureKind.STALL, "no byte") if len(self.carried) in self.failing else None
        self.carried.append((len(requests), streams))
        self.hung.append(limits.hung)
        return Observed(tuple(answer(each, failure) for each in requests), ())


def answer(request, failure=None):
    usage = Usage(request.planned_prompt_tokens, 1)
    return RequestRecord(request.index, 0, 0, request.tag, None, 0, (5,), None, 5, usage=usage, failure=failure)


class Steps(Workload):
    """Loads as they are told to it; remembers what it was sent back."""

    kind: ClassVar[str] = "told"
    loads: tuple[tuple[int, int | None, bool], ...]
    found: dict[str, float] | None = None
    planned_requests: ClassVar[None] = None

    def steps(self, context):
        for number, (requests, streams, counted) in enumerate(self.loads):
            records = yield self._load(context, requests, streams, counted)
            assert [record.index for record in records] == list(range(requests)), number
        return self.found

    def warm_up(self, context, requests):
        return self._load(context, requests, 1, counted=True)

    def _load(self, context, requests, streams, counted):
        shape = OpenLoop(tuple(range(requests))) if streams is None else ClosedLoop(streams)
        return Load(context.prompts.exact(context.rng, requests, 20, 1), shape, counted)


class FreshSteps(Steps):
    fresh_server: ClassVar[bool] = True


def server(ready_seconds=1.0):
    """One that lives for ever, and whose backend has no page of its counters."""
    return Server(Endpoint("http://127.0.0.1:1", "m"), OLLAMA, "v1", "url", ready_seconds, None, NotOurs())


@pytest.fixture
def engine():
    return Engine()


def measured(workload, engine, *, rounds=1, fresh=None, said=None, slo=None, failures=None):
    report = (lambda _text: None) if said is None else said.append
    runner = CaseRunner(
        server(), protocol_named("openai-chat"), PromptMaker(None, {}), engine, SYSTEM_CLOCK, report, fresh
    )
    return list(runner.run(CasePlan("told", workload, rounds, 2, 7, 60.0, slo or {}, failures=failures)))


def test_steps_become_one_round(engine):
    """Records keep their order and get numbers of the round; each says its load and whether it counts."""
    (round_,) = measured(Steps(loads=((2, 2, False), (3, 4, True))), engine)
    assert [(r.index, r.load, r.counted) for r in round_.requests] == [
        (0, 0, False), (1, 0, False), (2, 1, True), (3, 1, True), (4, 1, True),
    ]  # fmt: skip
    assert [record.index for record in round_.counted] == [2, 3, 4]
    assert engine.carried == [(2, 1), (2, 2), (3, 4)]


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        (((4, 2, True),), 2),
        (((4, 2, False), (4, 3, True)), 3),
        (((4, 2, True), (4, 2, True)), 2),
        (((4, 2, True), (4, 3, True)), None),
        (((4, None, True),), None),
        (((4, 2, True), (4, None, True)), None),
        (((4, 2, False),), None),
    ],
)
def test_a_rounds_concurrency_is_that_of_the_loads_that_count(engine, loads, expected):
    """Known only where all of them had the same streams."""
    (round_,) = measured(Steps(loads=loads), engine)
    assert round_.concurrency == expected


def test_what_the_workload_found_is_the_rounds(engine):
    """A workload that finds nothing has no figures of its own."""
    loads = ((1, 1, True),)
    assert measured(Steps(loads=loads, found={"max_rate": 3.0}), engine)[0].found == {"max_rate": 3.0}
    assert measured(Steps(loads=loads), engine)[0].found == {}


def test_a_round_without_a_load(engine):
    """A schedule may hold no request: the round is there, and empty."""
    (round_,) = measured(Steps(loads=()), engine)
    assert (round_.requests, round_.concurrency) == ((), None)


def test_the_step_is_told(engine):
    """From the second step of a round on."""
    said = []
    measured(Steps(loads=((1, 1, True),) * 2), engine, rounds=2, said=said)
    assert said == ["warm-up", "round 1/2", "round 1/2, step 2", "round 2/2", "round 2/2, step 2"]


def test_the_models_limits_reach_the_workload(engine):
    """Through the round's context."""

    class Asks(Steps):
        def steps(self, context):
            assert context.slo == {"ttft_ms": 9.0}
            yield from super().steps(context)

    assert measured(Asks(loads=((1, 1, True),)), engine, slo={"ttft_ms": 9.0})


def test_a_fresh_server_for_every_round(engine):
    """Nothing is warmed up, each round has a server of its own, and how long that took is a figure of the round."""
    times = iter([2.5, 3.5])
    rounds = measured(FreshSteps(loads=((1, 1, True),)), engine, rounds=2, fresh=lambda: server(next(times)))
    assert [round_.found for round_ in rounds] == [{"cold_start_s": 2.5}, {"cold_start_s": 3.5}]
    assert engine.carried == [(1, 1)] * 2


def test_a_fresh_server_that_cannot_be_had(engine):
    """Where no server can be started the case says so."""
    with pytest.raises(ConfigError, match="told: told starts a server for each round, which cannot be done here"):
        measured(FreshSteps(loads=((1, 1, True),)), engine)


@pytest.mark.parametrize(
    ("failures", "rounds", "hung"),
    [(None, 4, [None] * 5), (1, 2, [1, 1, 1]), (2, 4, [2, 2, 2, 0, 0]), (0, 2, [0, 0, 0])],
)
def test_rounds_end_when_no_more_could_make_the_case_valid(failures, rounds, hung):
    """Of four rounds of two requests the second fails: what may still fail is told to each load, and ends the case."""
    engine = Engine(failing={2})  # after the warm-up and the first round
    assert len(measured(Steps(loads=((2, 2, True),)), engine, rounds=4, failures=failures)) == rounds
    assert engine.hung == hung
