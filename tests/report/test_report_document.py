"""The run document: what is built, what is read back and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from made.cases import document
from pytest_inferbench.document.codec import read_document, to_json
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.document.run import SCHEMA, Skipped
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import INVALID, OVER, RUNS, WITHIN


@pytest.mark.parametrize("name", RUNS)
def test_documents_fit_the_shipped_schema(name) -> None:
    """Every run of these tests is valid by the JSON Schema that `inferbench schema results` prints."""
    Draft202012Validator(run_schema()).validate(to_json(RUNS[name]))


def test_schema_is_a_schema() -> None:
    """The schema itself keeps to JSON Schema 2020-12."""
    Draft202012Validator.check_schema(run_schema())


def test_committed_schema_is_that_of_the_types() -> None:
    """The file that the documentation shows says what the types say, so that a change of the format is seen."""
    committed = (Path(__file__).parents[2] / "docs" / "run.schema.json").read_text(encoding="utf-8")
    made = json.dumps(run_schema(), indent=2) + "\n"
    assert committed == made, "write it anew: inferbench schema results > docs/run.schema.json"


def test_nothing_but_the_fields_of_a_record_is_allowed() -> None:
    """Every record that the schema describes is closed."""
    described = {name: part for name, part in run_schema()["$defs"].items() if part["type"] == "object"}
    assert {"CaseResult", "Summary", "Finding", "Check", "GateComparison"} <= described.keys()
    assert [name for name, part in described.items() if part["additionalProperties"] is not False] == []


def test_schema_knows_the_verdicts_and_the_version() -> None:
    """The schema's verdicts, counts and version are the code's."""
    schema = run_schema()
    verdicts = [verdict.value for verdict in Verdict]
    assert schema["$defs"]["Verdict"]["enum"] == verdicts
    assert list(schema["properties"]["counts"]["properties"]) == [*verdicts, "skipped", "errors"]
    assert schema["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"verdict": "fine"},
        {"started": "yesterday"},
        {"cases": [to_json(WITHIN) | {"surprise": 1}]},
        {"cases": [to_json(WITHIN) | {"metrics": {"ttft_ms": {"unit": "ms", "direction": "lower", "p50": None}}}]},
        {"cases": [to_json(WITHIN) | {"workload": {"kind": "single"}}]},
        {"counts": {"new": 1}},
    ],
    ids=["field", "verdict", "time", "case-field", "null-figure", "no-hash", "counts"],
)
def test_schema_is_strict(change) -> None:
    """What the format does not say is refused, a null figure above all."""
    with pytest.raises(ValidationError):
        Draft202012Validator(run_schema()).validate(to_json(document((WITHIN,))) | change)


def test_run_has_its_worst_verdict_and_its_counts() -> None:
    """The document says the worst verdict and how many cases have each."""
    run = document((WITHIN, OVER, INVALID, WITHIN), skipped=[Skipped("a", "b")])
    assert run.verdict is Verdict.INVALID
    counted = {name: count for name, count in run.counts.items() if count}
    assert counted == {"invalid": 1, "over_budget": 1, "within_budget": 2, "skipped": 1}


def test_what_has_not_happened_is_left_out() -> None:
    """A run that goes on has no end, and one without cases no verdict."""
    run = to_json(document((), finished=None))
    assert "finished" not in run
    assert "verdict" not in run


def test_newer_document_is_refused_with_the_way_out() -> None:
    """A document of a later version names both versions and says to upgrade."""
    text = to_text(replace(RUNS["all_well"], schema=2))
    with pytest.raises(
        InferbenchError, match=r"perf/x/run\.json: written by a newer .* schema is 2.* up to 1.* Upgrade"
    ):
        read_document(text, "perf/x/run.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "not a run document"),
        ("[1]", 'no "schema" number'),
        ('{"schema": "1"}', 'no "schema" number'),
        ('{"schema": true}', 'no "schema" number'),
        ('{"schema": 0}', 'no "schema" number'),
        ('{"schema": 1, "run_id": NaN}', "NaN is not a JSON number"),
        ('{"schema": 1, "run_id": 1e999}', "1e999 is too large"),
        ('{"schema": 1}', r"json: run_id is missing\. The file is damaged: use another run's\.$"),
        ('{"schema": 1, "run_id": 5}', r"json: run_id is 5; expected a string\. The file is damaged"),
    ],
    ids=["empty", "cut", "deep", "list", "text", "true", "zero", "nan", "inf", "missing", "kind"],
)
def test_what_is_no_run_document_is_refused_by_its_fault(text, said) -> None:
    """Each kind of damage is named with the file it is in."""
    with pytest.raises(InferbenchError, match=said) as caught:
        read_document(text, "run.json")
    assert str(caught.value).startswith("run.json: ")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (3, " is 3; expected an object"),
        ({}, ".id is missing"),
        (to_json(WITHIN) | {"metrics": []}, ".metrics is []; expected an object"),
        (to_json(WITHIN) | {"verdict": "fine"}, f".verdict is 'fine'; expected one of {', '.join(Verdict)}"),
        (to_json(WITHIN) | {"rounds": {}}, ".rounds is {}; expected a list"),
        (to_json(WITHIN) | {"rounds": [{"wall_s": "1"}]}, ".rounds[0].wall_s is '1'; expected a number"),
        (
            to_json(WITHIN) | {"metrics": {"ttft_ms": {"unit": "ms", "direction": "up"}}},
            ".metrics.ttft_ms.direction is 'up'; expected 'lower', 'higher' or 'neutral'",
        ),
        (to_json(WITHIN) | {"checks": [{"metric": "ttft_ms.p50"}]}, ".checks[0].kind is missing"),
        (to_json(WITHIN) | {"server": {"restarts": 0.5}}, ".server.restarts is 0.5; expected a whole number"),
    ],
    ids=["number", "empty", "kind", "verdict", "object", "figure", "direction", "check", "count"],
)
def test_damaged_case_is_named_by_its_place(case, said) -> None:
    """A case that cannot be one is refused with its number in the run, what is wrong in it and what was expected."""
    run = to_json(RUNS["all_well"])
    text = json.dumps(run | {"cases": [run["cases"][0], case]})
    with pytest.raises(InferbenchError) as caught:
        read_document(text, "run.json")
    assert str(caught.value) == f"run.json: cases[1]{said}. The file is damaged: use another run's."


_BELOW = "a path below the run's folder, of letters, digits and . _ -"
_FOLDER = "a folder's name of letters, digits and . _ - that does not begin with a dot"


@pytest.mark.parametrize(
    "run_id",
    ["../../victim", "..", ".", "", "/etc", "a/b", "a\\b", ".hidden", "a b", "a\n", "a\0", "\u00e9", "x" * 300],
)
def test_a_run_id_is_one_folders_name(run_id) -> None:
    """A document that was damaged, or made by somebody else, leads nowhere: whoever reads it may write there."""
    text = json.dumps(to_json(document((WITHIN,))) | {"run_id": run_id})
    with pytest.raises(InferbenchError) as refused:
        read_document(text, "perf/x/run.json")
    assert str(refused.value).startswith("perf/x/run.json: run_id is ")
    assert f"expected {_FOLDER}. The file is damaged" in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "records", ["../r.gz", "records/../../r.gz", "/r.gz", "records//r.gz", "records/.r", "a\0b", ""]
)
def test_records_lie_below_their_run(records) -> None:
    """The path of a records file leads downwards."""
    text = json.dumps(to_json(document((replace(WITHIN, records=records),))))
    with pytest.raises(InferbenchError) as refused:
        read_document(text, "run.json")
    assert f"cases[0].records is {records!r}; expected {_BELOW}." in str(refused.value)


_WHOLE = to_json(document((WITHIN,)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": ' + "9" * 5000 + "}", "the number 999.*999 is too large"),
        ('{"schema": -' + "9" * 400 + "}", "the number -99.*999 is too large"),
        ("[" * 100_000, "not a run document"),
        (json.dumps(_WHOLE | {"counts": {"k" * 5000: "x"}}), r"counts\.k{60}\.\.\. is 'x'; expected a whole number"),
        (json.dumps(_WHOLE | {"counts": {"\x1b[31m": "x"}}), r"counts\.\\x1b\[31m is 'x'; expected"),
    ],
    ids=["5000 digits", "400 digits", "deep", "a long key", "a terminal's codes"],
)
def test_what_is_wrong_with_a_document_is_told_in_a_line(text, said) -> None:
    """Shortened, and harmless to a terminal."""
    with pytest.raises(InferbenchError, match=said) as refused:
        read_document(text, "run.json")
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()
