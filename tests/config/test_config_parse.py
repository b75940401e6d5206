"""Text to a document: values, positions, and every refusal with its words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.config import parse as parse_module
from pytest_inferbench.config.document import Items, Section, Source, annotate
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import ConfigError

NESTED = """\
# a comment
defaults:
  backend: vllm

  backends: {vllm: {version: v0.8.0,
                    args: {max_model_len: 65536}}}
models:
  - repo_id: org/model
    name: short
  - path: |
      ~/x.gguf
    tags: [a,
           b]
"""


def test_positions_of_nested_values():
    """Every key, list item and value in braces knows its own line."""
    document = parse(NESTED, "config/models.yaml")
    vllm = document["defaults"]["backends"]["vllm"]
    assert str(document.source_of("defaults")) == "config/models.yaml:2"
    assert document["defaults"].source_of("backend").line == 3
    assert vllm.source_of("version").line == 5
    assert vllm["args"].source_of("max_model_len").line == 6
    assert document["models"].source_of(1).line == 10
    assert document["models"][0].source_of("name").line == 9
    assert document["models"][1]["tags"].source_of(1).line == 13


def test_tree_is_a_mapping():
    """A section reads as a mapping, a list as a sequence, and plain() gives both as plain data."""
    document = parse(NESTED, "m.yaml")
    assert list(document) == ["defaults", "models"]
    assert len(document["models"]) == 2
    assert document["models"][1:][0]["path"] == "~/x.gguf\n"
    assert document.plain()["models"][1] == {"path": "~/x.gguf\n", "tags": ["a", "b"]}
    assert document["defaults"] == {"backend": "vllm", "backends": {"vllm": document["defaults"]["backends"]["vllm"]}}
    assert "short" in repr(document)
    assert repr(document["models"][1]["tags"]) == "Items(['a', 'b'], m.yaml:12)"


def test_section_of_an_absent_or_empty_key_is_empty():
    """A key that is absent, or has all its lines commented out, is an empty section with a source."""
    document = parse("a:\n  # b: 1\nc: 3\n", "m.yaml")
    assert document.section("a") == {}
    assert str(document.section("a").source) == "m.yaml:1"
    assert document.section("nowhere") == {}
    with pytest.raises(ConfigError, match=r"^m\.yaml:3: c: got 3, expected a mapping \(key: value\)$"):
        document.section("c")


def test_sources_as_text():
    """A source reads as file:line, as file, as the option, or as default."""
    assert str(Source("a.yaml", 3)) == "a.yaml:3"
    assert str(Source("a.yaml")) == "a.yaml"
    assert str(Source(text="from --backend-args")) == "from --backend-args"
    assert str(Source()) == "default"


def test_plain_data_can_be_annotated():
    """Data from an option becomes a tree in which everything has that one source."""
    source = Source(text="from --backend-args")
    section = annotate({"a": {"b": [1, {"c": 2}]}}, source)
    assert isinstance(section["a"]["b"], Items)
    assert section["a"]["b"][1].source_of("c") == source
    assert section.plain() == {"a": {"b": [1, {"c": 2}]}}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~\n"])
def test_empty_document_is_an_empty_mapping(text):
    """Nothing written is nothing set."""
    document = parse(text, "m.yaml")
    assert isinstance(document, Section)
    assert document == {}


def test_anchors_are_read():
    """An alias gives the anchored value, wherever it stands."""
    assert parse("a: &x {b: 1}\nc: *x\nd: [*x]\n", "m").plain() == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}


def test_json_is_read():
    """JSON is YAML: tabs between its tokens, escaped slashes and characters in two escapes included."""
    text = '{\n\t"a": [1, 2.5e3, true, null],\n\t"b": "\\/ \\ud83d\\ude00 \\ud83d"\n}\n'
    assert parse(text, "m.json").plain() == {"a": [1, 2500.0, True, None], "b": "/ \U0001f600 \ufffd"}


REFUSED = {
    "duplicate key": ("a: 1\nb:\n  c: 1\n  c: 2\n", "m.yaml:4: key 'c' was already given on line 3; keep one of them"),
    "duplicate in braces": ("a: {c: 1,\n c: 2}\n", "m.yaml:2: key 'c' was already given on line 1; keep one of them"),
    "number as key": ("a: 1\n8: 2\n", "m.yaml:2: got 8 as a key, expected text: put it in quotes"),
    "bool as key": ("true: 2\n", "m.yaml:1: got true as a key, expected text: put it in quotes"),
    "null key": ("a: 1\n: 2\n", "m.yaml:2: got null as a key, expected text: put it in quotes"),
    "list as key": ("a: 1\n? [x]\n: 2\n", "m.yaml:2: got a list as a key, expected text"),
    "merge key": (
        "a: &x {b: 1}\nc:\n  <<: *x\n",
        "m.yaml:3: merge keys (<<) are not read; repeat the keys, or share a file with `extends:`",
    ),
    "tag": ("a: !include x.yaml\n", "m.yaml:1: tag '!include' is not known here; remove it"),
    "python tag": (
        "a: !!python/name:os.system x\n",
        "m.yaml:1: tag 'tag:yaml.org,2002:python/name:os.system' is not known here; remove it",
    ),
    "self alias": ("a: &x\n  - *x\n", "m.yaml:1: the alias *x contains itself; write the value out"),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        "m.yaml:2: a second document begins here; keep one document a file and remove the '---'",
    ),
    "list at the top": ("# x\n- 1\n", "m.yaml:2: got a list at the top level, expected a mapping (key: value)"),
    "text at the top": ("hello\n", "m.yaml:1: got 'hello' at the top level, expected a mapping (key: value)"),
    "control character": ("a: 1\nb: \x01\n", "m.yaml:2: the character '\\x01' cannot stand in YAML; remove it"),
    "tab": (
        "a:\n\tb: 1\n",
        "m.yaml:2: not YAML: found character '\\t' that cannot start any token; indent with spaces, not tabs",
    ),
    "colon in a value": (
        "a: b: c\n",
        (
            "m.yaml:1: not YAML: mapping values are not allowed here; "
            "put a value that contains ': ' in quotes, or align this key with its neighbours"
        ),
    ),
    "undefined alias": (
        "a: *.gguf\n",
        (
            "m.yaml:1: not YAML: found undefined alias '.gguf'; "
            "define it before with &name, or put text that begins with '*' in quotes"
        ),
    ),
    "open bracket": (
        "a: [1\n\nb: 2\n",
        (
            "m.yaml:3: not YAML: expected ',' or ']', but got ':' "
            "(while parsing a flow sequence that began on line 1); mend the YAML here or just above"
        ),
    ),
    "merge conflict": (
        "a: 0\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n",
        "m.yaml:2: an unresolved merge conflict; keep one side and remove the markers",
    ),
    "deep nesting": ("a: " + "[" * 101 + "]" * 101, "m.yaml:1: nested more than 100 levels deep; write it flatter"),
    "deeper than the library goes": (
        "- " * 800,
        "m.yaml: nested too deeply; write it flatter",
    ),
    "brackets deeper than anyone writes them": (
        "a:\n" + " [" * 100_000,
        "m.yaml:2: nested more than 100 levels deep; write it flatter",
    ),
    "a number that no float holds": (
        f"a: {'9' * 5000}",
        f"m.yaml:1: got '{'9' * 59}...', expected a number of at most 100 characters, or text in quotes",
    ),
    "a number of sixteen that is as long": (
        f"a: 1\n? 0x{'f' * 5000}\n: 2",
        f"m.yaml:2: got '0x{'f' * 57}...', expected a number of at most 100 characters, or text in quotes",
    ),
    "a long number alone": (
        "9" * 5000,
        f"m.yaml:1: got '{'9' * 59}...' at the top level, expected a mapping (key: value)",
    ),
    "a file that takes a minute to read": (
        "#" * (2**20 + 1),
        "m.yaml: has 1048577 characters, expected at most 1048576; split the file",
    ),
    "a long key twice": (
        f"{'k' * 500}: 1\n{'k' * 500}: 2",
        f"m.yaml:2: key '{'k' * 59}...' was already given on line 1; keep one of them",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(text, message):
    """What cannot be read is refused with its line, what was found and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "m.yaml")
    assert str(caught.value) == message


def test_aliases_cannot_blow_up(monkeypatch):
    """A small file whose aliases multiply is refused before it fills the memory."""
    monkeypatch.setattr(parse_module, "MAX_VALUES", 1000)
    lines = ["a: &a [x, x, x, x]"] + [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in ["ab", "bc", "cd"]
    ]
    with pytest.raises(ConfigError, match=r"^m\.yaml:1: more than 1000 values once aliases are written out; split"):
        parse("\n".join(lines), "m.yaml")


@settings(deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from("ab:-?&*!|>'\"%@`{}[],# \n\t0.~<"), max_size=40))
def test_any_text_gives_a_tree_or_one_error(text):
    """Whatever is typed, the outcome is a document or a ConfigError that begins with the file."""
    outcome = read(text)
    assert isinstance(outcome, Section) or outcome.startswith("m.yaml:")


def read(text):
    try:
        return parse(text, "m.yaml")
    except ConfigError as error:
        return str(error)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.text("abc", min_size=1), trees, max_size=3))
def test_json_round_trip(data):
    """Every JSON document comes back as the same data."""
    text = json.dumps(data)
    assert parse(text, "m.json").plain() == json.loads(text)
