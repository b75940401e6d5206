"""Prompts of people's files in place of synthetic ones."""

import json
import random
from itertools import islice

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import Message
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.datasets import Prompt
from pytest_inferbench.workloads.prompted import draw
from pytest_inferbench.workloads.single import Single
from workloads.workload_made import COLD, context, maker, run, texts


@pytest.fixture
def three(tmp_path):
    rows = [{"prompt": "one"}, {"prompt": "two", "output_tokens": 5}, {"prompt": "three"}]
    (tmp_path / "three.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def prepared(workload, root):
    workload.prepare(root)
    return workload


def test_a_workload_asks_a_files_prompts(three):
    """The prompts of the file, answers as long as it or the workload says, lengths not planned, caches not used."""
    ((load,), _) = run(prepared(Single(requests=3, prompts="three.jsonl", output_tokens=9), three))
    asked = {text.partition("\n")[2]: request for text, request in zip(texts(load), load.requests, strict=True)}
    assert {text: request.output_tokens for text, request in asked.items()} == {"one": 9, "two": 5, "three": 9}
    assert all(request.planned_prompt_tokens is None and request.extra == COLD for request in load.requests)


def test_rounds_ask_the_same_but_never_in_the_same_words(three):
    """Two rounds ask the same prompts, each led by a number of its own, so that no prefix is in a cache."""
    workload = prepared(Concurrency(streams=2, requests=5, prompts="three.jsonl"), three)
    ((one,), _), ((two,), _) = run(workload, seed=1), run(workload, seed=2)
    said = [sorted(text.partition("\n")[2] for text in texts(load)) for load in (one, two)]
    assert said[0] == said[1] == ["one", "one", "three", "two", "two"]
    begins = [text[:9] for text in (*texts(one), *texts(two))]
    assert len(set(begins)) == 10


def test_the_number_leads_the_first_message():
    """It stands in front of the system message, where there is one: what follows a difference is not reused."""
    chat = Prompt((Message("system", "be brief"), Message("user", "hello")), ("more",))
    (prompt,) = islice(draw((chat,), random.Random(0), 1, maker()), 1)
    assert prompt.messages[0].role == "system"
    assert prompt.messages[0].content.endswith(")\nbe brief")
    assert prompt.messages[1] == chat.messages[1]
    assert prompt.follow_ups == ("more",)
    begins = {
        next(draw((chat,), random.Random(0), 1, maker(salt=salt))).messages[0].content[:10] for salt in ("", "a", "b")
    }
    assert len(begins) == 3


def test_a_file_and_a_length_exclude_each_other():
    """The message says what was given and what to do; each alone is fine."""
    with pytest.raises(ConfigError, match=r"prompts: got 'x\.jsonl' and prompt_tokens: 128.*leave out one"):
        Single(prompts="x.jsonl", prompt_tokens=128)


def test_the_hash_is_of_what_is_asked(three):
    """The same content under another name is the same case; other content, or another length, is another."""
    (three / "copy.jsonl").write_bytes((three / "three.jsonl").read_bytes())
    (three / "other.jsonl").write_text('{"prompt": "one"}')
    facts = {name: prepared(Single(prompts=f"{name}.jsonl"), three).describe() for name in ("three", "copy", "other")}
    assert facts["three"]["hash"] == facts["copy"]["hash"] != facts["other"]["hash"]
    assert facts["three"]["prompts"] == "three.jsonl"
    assert "prompt_tokens" not in facts["three"]
    assert Single(prompt_tokens=64).describe()["hash"] != Single(prompt_tokens=65).describe()["hash"]


def test_a_missing_file_is_named_as_it_was_written(tmp_path):
    """The path is not prefixed by ours."""
    with pytest.raises(ConfigError, match=r"prompts: none\.jsonl: No such file"):
        Single(prompts="none.jsonl").prepare(tmp_path)


def test_a_file_is_found_from_the_working_directory_too(three, monkeypatch):
    """A workload that nobody prepared reads its file where it stands."""
    monkeypatch.chdir(three)
    assert len(Single(prompts="three.jsonl").ask(context(), 2)) == 2
