"""A run document as text: what is written is read back, and what cannot be read is named by its place."""

from __future__ import annotations

import json

import pytest

from made.cases import case, document
from pytest_inferbench.document.codec import from_json, read_document, to_json
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.errors import InferbenchError

RUN = document((case("single"),))


def test_what_is_written_is_read_back() -> None:
    """As text from a file, and as values from another process."""
    assert read_document(json.dumps(to_json(RUN)), "run.json") == RUN
    assert from_json(RunDocument, to_json(RUN)) == RUN


def test_half_a_character_is_read_as_a_question_mark() -> None:
    """A path that no encoding knows does not make the document unreadable."""
    text = json.dumps(to_json(RUN) | {"skipped": [{"id": "a\udcff", "reason": "why"}]})
    assert read_document(text, "run.json").skipped[0].id == "a?"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"started": "yesterday"}, "started is 'yesterday'; expected a time, ISO 8601 with an offset"),
        ({"interrupted": 1}, "interrupted is 1; expected true or false"),
        ({"cases": [to_json(case("single")) | {"id": None}]}, "cases[0].id is None; expected a string"),
        (
            {"cases": [to_json(case("single")) | {"metrics": {"TTFT": {"unit": "ms", "direction": "lower"}}}]},
            "cases[0].metrics has the key 'TTFT'; expected a name of small letters, digits and _",
        ),
        (
            {"cases": [to_json(case("single")) | {"issued": -1}]},
            "cases[0].issued is -1; expected greater than or equal to 0",
        ),
    ],
    ids=["time", "truth", "null", "key", "range"],
)
def test_a_fault_has_its_place_and_what_was_expected(change, fault) -> None:
    """In words of the document, not of the library that reads it."""
    with pytest.raises(InferbenchError) as caught:
        read_document(json.dumps(to_json(RUN) | change), "run.json")
    assert str(caught.value) == f"run.json: {fault}. The file is damaged: use another run's."


@pytest.mark.parametrize("digits", ["9" * 400, "-1" + "0" * 400])
def test_a_whole_number_that_no_float_holds_is_refused(digits) -> None:
    """It would be infinite in every figure that is made of it."""
    with pytest.raises(InferbenchError, match="not a run document"):
        read_document(json.dumps(to_json(RUN)).replace('"interrupted": false', f'"interrupted": {digits}'), "run.json")


def test_a_document_too_deep_for_the_reader_of_its_types_is_refused() -> None:
    """One reader follows a nesting further than the other; both say that the file is no use."""
    deep = json.dumps(to_json(RUN) | {"settings": 0}).replace('"settings": 0', '"settings": ' + "[" * 300 + "]" * 300)
    with pytest.raises(InferbenchError, match="it cannot be read: recursion limit") as caught:
        read_document(deep, "run.json")
    assert str(caught.value).startswith("run.json: ")
