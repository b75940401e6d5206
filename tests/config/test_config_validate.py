"""The words for each kind of error, on a model made for it."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from pytest_inferbench.config.document import Source, annotate
from pytest_inferbench.config.validate import Shape, validate
from pytest_inferbench.errors import ConfigError


class Inner(Shape):
    streams: Annotated[int, Field(ge=1, le=64)] = 1


class Needy(Shape):
    must: int


class Outer(Shape):
    name: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]+$")] = "ab"
    rate: Annotated[float, Field(gt=0, lt=10)] = 1.0
    fresh: bool = False
    sizes: Annotated[list[int], Field(max_length=2)] = []  # noqa: RUF012 - pydantic copies it
    mode: Literal["a", "b", "c"] = "a"
    inner: Inner | list[Inner] | None = None
    nothing: None = None
    needy: Needy | list[int] | None = None
    other: complex = 0j


OPTION = Source(text="from --workload")

WORDS = [
    ({"name": "a"}, "name: got 'a', expected text of at least 2 characters"),
    ({"name": "abcde"}, "name: got 'abcde', expected text of at most 4 characters"),
    ({"name": "A1"}, "name: got 'A1', expected text that matches ^[a-z]+$"),
    ({"rate": 0.0}, "rate: got 0, expected a number above 0"),
    ({"rate": 10.5}, "rate: got 10.5, expected a number below 10"),
    ({"rate": True}, "rate: got true, expected a number"),
    ({"fresh": "yes"}, "fresh: got 'yes', expected true/false"),
    ({"sizes": [1, 2, 3]}, "sizes: got a list, expected at most 2 in it"),
    ({"sizes": [1, 2.5]}, "sizes[1]: got 2.5, expected an integer"),
    ({"sizes": [1, "2"]}, "sizes[1]: got '2', expected an integer"),
    ({"mode": "d"}, "mode: got 'd', expected 'a', 'b' or 'c'"),
    ({"inner": {"streams": 0}}, "inner.streams: got 0, expected a number of at least 1"),
    ({"inner": {"streams": 65}}, "inner.streams: got 65, expected a number of at most 64"),
    ({"inner": {"stream": 1}}, "inner: unknown key 'stream'; did you mean 'streams'?"),
    ({"inner": [{"streams": 1}, {"strems": 1}]}, "inner[1]: unknown key 'strems'; did you mean 'streams'?"),
    ({"needy": {}}, "needy: missing key 'must'; add it"),
    ({"inner": 3}, "inner: got 3, expected a mapping (key: value) or a list"),
    ({"name": {}}, "name: got a mapping, expected text"),
    ({"nothing": 3}, "nothing: got 3, expected nothing"),
]


@pytest.mark.parametrize(("data", "message"), WORDS, ids=[message for _, message in WORDS])
def test_words(data, message):
    """Each kind of error says what was found and what was expected, in plain words."""
    with pytest.raises(ConfigError) as caught:
        validate(Outer, annotate(data, OPTION))
    assert str(caught.value) == f"from --workload: {message}"


def test_an_error_without_words_of_ours():
    """A kind of error that is not in the table is told in pydantic's words."""
    with pytest.raises(ConfigError, match=r"^from --workload: other: got 'x', expected Input should be"):
        validate(Outer, annotate({"other": "x"}, OPTION))


def test_a_valid_section():
    """What fits is returned as the model, with defaults for what is absent."""
    model = validate(Outer, annotate({"inner": {"streams": 8}, "rate": 2}, OPTION))
    assert model.inner == Inner(streams=8)
    assert model.rate == 2.0
    assert model.mode == "a"
