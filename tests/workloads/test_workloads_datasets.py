"""Prompt files: every form they come in, and every way they break."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import Message
from pytest_inferbench.workloads.datasets import Prompt, parse_prompts
from pytest_inferbench.workloads.prompts import read_prompts

BASELINE = Path(__file__).parents[2] / "config/prompts/baseline.jsonl"


def user(text):
    return (Message("user", text),)


def test_lines_of_every_form():
    """Prompts, conversations and ShareGPT entries in one file, with blank lines, other keys and Windows line ends."""
    system, human = {"role": "system", "content": "s"}, {"from": "human", "value": "h1"}
    rows = [
        {"prompt": "a\u2028b", "id": 1, "output_tokens": 7},
        {"messages": [system, {"role": "user", "content": "u"}]},
        {"conversations": [human, {"from": "gpt", "value": "g"}, {"from": "human", "value": "h2"}]},
    ]
    text = "\r\n\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\r\n"
    assert parse_prompts(text, "p.jsonl") == (
        Prompt(user("a\u2028b"), (), 7),
        Prompt((Message("system", "s"), Message("user", "u"))),
        Prompt(user("h1"), ("h2",)),
    )


def test_a_json_array():
    """ShareGPT's own form: an array, whatever its line breaks; conversations without a human message are left out."""
    rows = [
        {"id": "x", "conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "h"}]},
        {"id": "y", "conversations": [{"from": "gpt", "value": "g"}, {"from": "human", "value": " "}]},
        {"id": "z", "conversations": []},
        {"prompt": "p"},
    ]
    expected = (Prompt((Message("system", "s"), Message("user", "h"))), Prompt(user("p")))
    for indent in (None, 1):
        assert parse_prompts(json.dumps(rows, indent=indent), "s.json") == expected


@pytest.mark.parametrize("speaker", [[], {}, None, 3, "x" * 5000, "\x1b[31m"])
def test_a_speaker_that_is_none_is_told_in_a_line(speaker):
    """Also where it is nothing that a name could be."""
    row = {"conversations": [{"from": speaker, "value": "x"}]}
    with pytest.raises(ConfigError, match=r"^s\.json:1: from: got .*, expected one of human, user") as refused:
        parse_prompts(json.dumps([row]), "s.json")
    assert len(str(refused.value)) < 200


def test_an_answer_at_the_end_is_had_anew():
    """A conversation that ends with the assistant's words is sent up to the user's last."""
    rows = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    assert parse_prompts(json.dumps({"messages": rows}), "m.jsonl") == (Prompt(user("q")),)


def test_turns_of_a_conversation():
    """What the user says turn by turn, whether the file holds it as messages or as ShareGPT."""
    said = [("system", "s"), ("user", "1"), ("assistant", "a"), ("user", "2")]
    whole = Prompt(tuple(Message(role, text) for role, text in said))
    assert whole.turns == ((Message("system", "s"), Message("user", "1")), ("2",))
    assert Prompt(user("1"), ("2", "3")).turns == (user("1"), ("2", "3"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"f: no prompt in it"),
        ("\n\n", r"f: no prompt in it"),
        ("[]", r"f: no prompt in it"),
        ('{"prompt": "a"}\n{"prompt": ', r"f:2: not JSON"),
        ('{"prompt": "a"}\n\n17', r"f:3: got 17, expected an object"),
        ('{"promt": "a"}', r"f:1: has keys \['promt'\], expected exactly one of prompt, messages, conversations"),
        ('{"prompt": "a", "messages": []}', r"f:1: has prompt and messages, expected exactly one"),
        ('{"prompt": 3}', r"f:1: prompt: got 3, expected text"),
        ('{"prompt": " "}', r"f:1: prompt: is empty"),
        ('{"prompt": "\\ud800"}', r"f:1: prompt: holds half of a surrogate pair"),
        ('{"prompt": "a", "output_tokens": 0}', r"f:1: output_tokens: got 0, expected an integer above 0"),
        ('{"prompt": "a", "output_tokens": true}', r"f:1: output_tokens: got True"),
        ('{"messages": "hello"}', r"f:1: messages: got 'hello', expected a list of objects"),
        ('{"messages": []}', r"f:1: messages: there must be a message of the user at the end"),
        ('{"messages": [{"role": "robot", "content": "x"}]}', r"f:1: role: got 'robot', expected one of system"),
        ('{"messages": [{"role": "user", "content": [1]}]}', r"f:1: content: got \[1\], expected text"),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]}',
            r"f:1: messages: there",
        ),
        ('{"conversations": [{"from": "alien", "value": "x"}]}', r"f:1: from: got 'alien', expected one of human"),
        ('[\n {"prompt": "a"},\n {"prompt": }\n]', r"f:3: the entry that begins here is not JSON"),
        ('[{"prompt": "a"}\n{"prompt": "b"}]', r"f:1: after the entry that begins here there is neither"),
        ('[{"prompt": "a"}', r"f:1: after the entry that begins here there is neither"),
        ('[{"prompt": "a"},\n', r"f:2: the entry that begins here is not JSON"),
        ('[{"prompt": "a"}]\nmore', r"f:1: something follows the array's end"),
        ("[" * 100_000, r"f:1: the entry that begins here is not JSON"),
    ],
)
def test_a_broken_file_says_where(text, message):
    """File, line, what was found and what was expected."""
    with pytest.raises(ConfigError, match=message):
        parse_prompts(text, "f")


_texts = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(_texts, st.none() | st.integers(1, 10**6)), min_size=1), st.booleans(), st.booleans())
def test_any_prompts_come_back(rows, ascii_only, as_array):
    """Whatever the text, a file of it holds it, as lines and as an array."""
    written = [{"prompt": text} | ({"output_tokens": n} if n else {}) for text, n in rows]
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in written]
    text = f"[{','.join(lines)}]" if as_array else "\n".join(lines)
    assert parse_prompts(text, "f") == tuple(Prompt(user(prompt), (), n) for prompt, n in rows)


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_any_text_is_prompts_or_one_error(text):
    """Nothing else is raised, whatever the file holds."""
    with contextlib.suppress(ConfigError):
        assert parse_prompts(text, "f")


def test_reading_files(tmp_path):
    """A byte order mark is no part of the text; the digest is of the bytes; what cannot be read says so."""
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"prompt": "a"}\n')
    marked = read_prompts(path, "p.jsonl")
    assert marked.prompts == (Prompt(user("a")),)
    path.write_bytes(b'{"prompt": "a"}\n')
    assert read_prompts(path, "p.jsonl").digest != marked.digest
    path.write_bytes(b'{"prompt": "a"}\n{"prompt": "\xff"}\n')
    with pytest.raises(ConfigError, match=r"p\.jsonl:2: not UTF-8 \(byte 0xff\)"):
        read_prompts(path, "p.jsonl")
    with pytest.raises(ConfigError, match=r"prompts: config/none\.jsonl: No such file or directory; name a file"):
        read_prompts(tmp_path / "none", "config/none.jsonl")


def test_the_baseline_prompts():
    """At least 24 prompts of many kinds and lengths, no two alike, each with a length for its answer."""
    prompts = read_prompts(BASELINE, "baseline.jsonl").prompts
    assert len(prompts) >= 24
    assert len({prompt.messages for prompt in prompts}) == len(prompts)
    assert all(prompt.output_tokens for prompt in prompts)
    lengths = sorted(sum(len(message.content) for message in prompt.messages) for prompt in prompts)
    assert lengths[0] < 100
    assert lengths[-1] > 2000
    everything = "".join(message.content for prompt in prompts for message in prompt.messages)
    assert all(part in everything for part in ("```python", "SQL", "JSON", "km/h", "ö", "ñ", "用", "の", "من", "में"))
    assert any(len(prompt.turns[1]) >= 2 for prompt in prompts)
