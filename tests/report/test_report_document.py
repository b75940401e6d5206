"""The run document: what is built, what is read back and what is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest
from jsonschema import Draft202012Validator, ValidationError
from report_cases import INVALID, OVER, RUNS, WITHIN, document

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.measure.result import CaseResult, Check, Finding, Summary
from pytest_inferbench.report.document import SCHEMA, read_document, run_schema
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.stats.verdict import Verdict


@pytest.mark.parametrize("name", RUNS)
def test_documents_fit_the_shipped_schema(name) -> None:
    """Every run of these tests is valid by the JSON Schema that ships with the package."""
    Draft202012Validator(run_schema()).validate(RUNS[name])


def test_schema_is_a_schema() -> None:
    """The shipped file itself keeps to JSON Schema 2020-12."""
    Draft202012Validator.check_schema(run_schema())


@pytest.mark.parametrize(
    ("record", "part"), [(CaseResult, "case"), (Summary, "summary"), (Finding, "finding"), (Check, "check")]
)
def test_schema_names_the_fields_of_the_records(record, part) -> None:
    """A field added to a record without a line in the schema (or the other way round) is noticed."""
    described = run_schema()["$defs"][part]
    own = [name for name in described["properties"] if name != "invocation"]  # the run's, not the measurement's
    assert own == [field.name for field in dataclasses.fields(record)]
    assert described["additionalProperties"] is False


def test_schema_knows_the_verdicts_and_the_version() -> None:
    """The schema's verdicts, counts and version are the code's."""
    schema = run_schema()
    verdicts = [verdict.value for verdict in Verdict]
    assert schema["$defs"]["verdict"]["enum"] == verdicts
    assert list(schema["properties"]["counts"]["properties"]) == [*verdicts, "skipped", "errors"]
    assert schema["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"verdict": "fine"},
        {"started": "yesterday"},
        {"cases": [WITHIN.to_json() | {"surprise": 1}]},
        {"cases": [WITHIN.to_json() | {"metrics": {"ttft_ms": {"unit": "ms", "direction": "lower", "p50": None}}}]},
        {"cases": [WITHIN.to_json() | {"workload": {"kind": "single"}}]},
        {"counts": {"new": 1}},
    ],
    ids=["field", "verdict", "time", "case-field", "null-figure", "no-hash", "counts"],
)
def test_schema_is_strict(change) -> None:
    """What the format does not say is refused, a null figure above all."""
    with pytest.raises(ValidationError):
        Draft202012Validator(run_schema()).validate(document((WITHIN,)) | change)


def test_run_has_its_worst_verdict_and_its_counts() -> None:
    """The document says the worst verdict and how many cases have each."""
    run = document((WITHIN, OVER, INVALID, WITHIN), skipped=[{"id": "a", "reason": "b"}])
    assert run["verdict"] == "invalid"
    counted = {name: count for name, count in run["counts"].items() if count}
    assert counted == {"invalid": 1, "over_budget": 1, "within_budget": 2, "skipped": 1}


def test_what_has_not_happened_is_left_out() -> None:
    """A run that goes on has no end, and one without cases no verdict."""
    run = document((), finished=None)
    assert "finished" not in run
    assert "verdict" not in run


def test_newer_document_is_refused_with_the_way_out() -> None:
    """A document of a later version names both versions and says to upgrade."""
    text = to_text(RUNS["all_well"] | {"schema": 2})
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
        ('{"schema": 1}', "run_id is missing; expected a string"),
        ('{"schema": 1, "run_id": 5}', "run_id is 5; expected a string"),
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
        (3, r"cases\[1\] is 3; expected an object"),
        ({}, r"cases\[1\]: id is missing; expected a string"),
        (WITHIN.to_json() | {"metrics": []}, r"cases\[1\]: metrics is \[\]; expected an object"),
        (
            WITHIN.to_json() | {"verdict": "fine"},
            r"cases\[1\]: verdict 'fine' is unknown; expected one of invalid, over",
        ),
    ],
    ids=["number", "empty", "kind", "verdict"],
)
def test_damaged_case_is_named_by_its_place(case, said) -> None:
    """A case that cannot be one is refused with its number in the run."""
    run = RUNS["all_well"]
    text = json.dumps(run | {"cases": [run["cases"][0], case]})
    with pytest.raises(InferbenchError, match=said):
        read_document(text, "run.json")
