"""The fields of a payload by type: what counts as a count, what carries text, and what is said of anything else."""

from __future__ import annotations

import pytest

from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.payload import (
    count_of,
    json_object,
    list_of,
    number_of,
    object_of,
    sound_text,
    text_of,
    unread_text,
)

LARGEST = 2**53
READERS = [text_of, object_of, list_of, count_of, number_of]


@pytest.mark.parametrize("read", READERS)
def test_absent_and_null_are_the_same(read) -> None:
    """Neither is said; of a text that is the empty one."""
    assert read({}, "x") == read({"x": None}, "x") == ("" if read is text_of else None)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (text_of, "a"),
        (text_of, ""),
        (object_of, {}),
        (list_of, []),
        (count_of, 0),
        (count_of, LARGEST),
        (number_of, -1.5),
        (number_of, LARGEST),
        (number_of, -LARGEST),
        (number_of, 0),
    ],
)
def test_a_value_of_its_type_is_what_it_is(read, value) -> None:
    """Also an empty one, 0, and the largest whole number that JSON carries exactly."""
    assert read({"x": value}, "x") == value


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (text_of, 1, "field 'x' should be a string, but is 1"),
        (object_of, [1], "field 'x' should be an object, but is [1]"),
        (list_of, {"a": 1}, "field 'x' should be a list, but is {'a': 1}"),
        (count_of, -1, "field 'x' should be a count, but is -1"),
        (count_of, 1.0, "field 'x' should be a count, but is 1.0"),
        (count_of, True, "field 'x' should be a count, but is True"),
        (count_of, LARGEST + 1, "field 'x' should be a count, but is 9007199254740993"),
        (number_of, "1", "field 'x' should be a finite number, but is '1'"),
        (number_of, False, "field 'x' should be a finite number, but is False"),
        (number_of, float("nan"), "field 'x' should be a finite number, but is nan"),
        (number_of, float("inf"), "field 'x' should be a finite number, but is inf"),
        (number_of, -(LARGEST + 2), "field 'x' should be a finite number, but is -9007199254740994"),
    ],
)
def test_a_value_of_another_type_is_named(read, value, said) -> None:
    """The field, what it should be and what it is; truth is no number."""
    with pytest.raises(WireError) as raised:
        read({"x": value}, "x")
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not JSON"),
        (b"\xff{}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{} {}", "not one JSON object, more follows it: b'{} {}'"),
        (b"[1]", "JSON, but not an object: b'[1]'"),
        (b"null", "JSON, but not an object: b'null'"),
    ],
)
def test_what_is_no_object_is_refused(payload, said) -> None:
    """With its first 200 bytes."""
    with pytest.raises(WireError) as raised:
        json_object(payload + b" " * 300)
    assert str(raised.value).startswith(said.removesuffix("'"))
    assert str(raised.value).count(" ") < 215


def test_blanks_around_an_object_have_no_meaning() -> None:
    """A line end before or after it is not part of it."""
    assert json_object(b' \n{"a": [1]}\r\n') == {"a": [1]}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"known": "a"}, ""),
        ({"other": "a"}, "other"),
        ({"known": "a", "one": 1, "two": "b", "three": "c"}, "two"),
        ({"deep": {"parts": [{}, {"text": "a"}]}}, "deep"),
        ({"deep": {"type": "a", "id": "b", "parts": [{"role": "c", "index": 0, "status": "d"}]}}, ""),
        ({"deep": [["", None, 5, True]]}, ""),
        ({}, ""),
    ],
)
def test_text_that_is_not_read_is_found_at_any_depth(document, field) -> None:
    """The first unknown field with any text below it; words that only describe, as a type or an id, are none."""
    assert unread_text(document, frozenset({"known"})) == field


def test_halves_of_a_character_are_joined_and_lone_ones_replaced() -> None:
    """So that any text can be written as UTF-8."""
    assert sound_text("a\ud83d\ude00b") == "a\U0001f600b"
    assert sound_text("\ud83d!") == "\ufffd!"
    assert sound_text("") == ""
