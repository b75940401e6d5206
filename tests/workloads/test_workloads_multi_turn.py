"""Conversations: history, turns in step, think time."""

import json

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import ClosedLoop, OpenLoop
from pytest_inferbench.workloads.multi_turn import MultiTurn
from workloads.workload_made import answered, count, failed, run


def test_each_turn_carries_the_real_answers():
    """A turn's messages are those of the turn before, its answer, and what the user says next."""
    workload = MultiTurn(conversations=3, turns=3, prompt_tokens=40, turn_tokens=6, output_tokens=8)
    loads, found = run(workload)
    assert found is None
    assert [load.shape for load in loads] == [ClosedLoop(3)] * 3
    assert sum(len(load.requests) for load in loads) == workload.planned_requests
    for conversation in range(3):
        first, second, third = (load.requests[conversation] for load in loads)
        assert count(first.messages[0].content) == 40
        assert [message.role for message in third.messages] == ["user", "assistant", "user", "assistant", "user"]
        assert second.messages[:1] == first.messages
        assert third.messages[:3] == second.messages
        assert second.messages[1].content == f"answer {conversation}"
        assert (first.planned_prompt_tokens, second.planned_prompt_tokens) == (40, None)


def test_turns_are_told_apart_and_may_reuse():
    """Each turn's requests have its tag, keep their answers' text and leave the prefix cache on."""
    loads, _ = run(MultiTurn(conversations=2, turns=2))
    assert [[request.tag for request in load.requests] for load in loads] == [["turn1"] * 2, ["turn2"] * 2]
    for load in loads:
        assert all(request.keep_text and request.cache_prompt and not request.extra for request in load.requests)


def test_a_failed_turn_leaves_the_history():
    """The conversation goes on from what was answered; nobody is dropped."""

    def one_fails(load):
        return (failed(0, load), *answered(load)[1:])

    loads, _ = run(MultiTurn(conversations=2, turns=3), one_fails)
    assert [len(load.requests[0].messages) for load in loads] == [1, 1, 1]
    assert [len(load.requests[1].messages) for load in loads] == [1, 3, 5]


def test_users_think():
    """Each turn is sent within half to one and a half of the think time, at times of its own."""
    loads, _ = run(MultiTurn(conversations=20, turns=2, think_s=4.0))
    for load in loads:
        assert isinstance(load.shape, OpenLoop)
        assert list(load.shape.offsets_ns) == sorted(load.shape.offsets_ns)
        assert load.shape.offsets_ns[0] >= 2e9
        assert load.shape.offsets_ns[-1] <= 6e9
    assert loads[0].shape != loads[1].shape


def test_the_planned_reuse_is_the_earlier_turns_prompts():
    """Prompts of 100, 140 and 180 tokens: the second and third begin with 100 and 140 tokens seen before."""
    workload = MultiTurn(turns=3, prompt_tokens=100, turn_tokens=10, output_tokens=30)
    assert workload.planned_cached_share == pytest.approx(240 / 420)


@pytest.fixture
def dialogues(tmp_path):
    rows = [
        {"prompt": "too short"},
        {"conversations": [{"from": "human", "value": text} for text in ("a1", "a2", "a3")]},
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "b1"},
                {"role": "assistant", "content": "old answer"},
                {"role": "user", "content": "b2"},
            ],
            "output_tokens": 3,
        },
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_conversations_of_a_file(dialogues):
    """What its users said is said again, with the server's own answers between, where there are enough turns."""
    workload = MultiTurn(conversations=2, turns=2, prompts="d.jsonl", output_tokens=16)
    workload.prepare(dialogues)
    assert workload.planned_cached_share is None
    loads, _ = run(workload)
    last = sorted((request for request in loads[1].requests), key=lambda request: request.output_tokens)
    said = [[message.content for message in request.messages] for request in last]
    assert [(request.output_tokens, len(request.messages)) for request in last] == [(3, 4), (16, 3)]
    assert said[0][0].endswith("\ns")
    assert said[0][1:2] + said[0][3:] == ["b1", "b2"]
    assert said[0][2].startswith("answer")
    assert said[1][0].endswith("\na1")
    assert said[1][2] == "a2"


def test_a_file_without_enough_turns(dialogues):
    """The message says how long the longest conversation is."""
    workload = MultiTurn(turns=4, prompts="d.jsonl")
    workload.prepare(dialogues)
    with pytest.raises(ConfigError, match=r"d\.jsonl: no conversation in it has 4 turns.*the longest has 3"):
        run(workload)
