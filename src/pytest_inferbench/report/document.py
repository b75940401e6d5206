"""The run document: everything one run found, as one JSON object. Every report is made from it alone.

Law: JSON types only; what was not measured or has not happened yet is left out. Fields are only ever added within a
schema version; one that changes its meaning makes a new version. `run.schema.json` says the same to a machine.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.error_rate import shared_share
from pytest_inferbench.report.findings import findings
from pytest_inferbench.stats.family import family
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.verdict import Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA = 1

_KINDS: Mapping[str, type] = {
    "run_id": str,
    "started": str,
    "interrupted": bool,
    "counts": dict,
    "environment": dict,
    "settings": list,
    "cases": list,
    "skipped": list,
    "errors": list,
}
_CASE_KINDS: Mapping[str, type] = {
    "id": str,
    "case": str,
    "model": str,
    "backend": str,
    "variant": str,
    "version": str,
    "hardware": str,
    "workload": dict,
    "metrics": dict,
    "rounds": list,
    "client": dict,
    "server": dict,
    "token_method": str,
    "validity": list,
    "checks": list,
    "verdict": str,
    "notes": list,
}
_JSON_NAMES: Mapping[type, str] = {str: "a string", bool: "true or false", dict: "an object", list: "a list"}


def build_document(
    *,
    run_id: str,
    started: str,
    finished: str | None,
    interrupted: bool,
    environment: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    cases: Sequence[Mapping[str, Any]],
    skipped: Sequence[Mapping[str, str]],
    errors: Sequence[Mapping[str, str]],
    invocations: Sequence[Mapping[str, Any]] = (),
    accepted: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The run as one JSON object.

    Args:
        run_id: the run's name, also its folder's.
        started: when it began, ISO 8601 with an offset.
        finished: when it ended, likewise; None while it goes on.
        interrupted: the run was ended before every selected case had its turn.
        environment: hardware, driver, images, versions, git state.
        settings: `{name, value, source}` of each setting in force.
        cases: `CaseResult.to_json()` of each measured case, in the order they ran.
        skipped: `{id, reason}` of each case that could not run here.
        errors: `{id, message}` of each case that ended without a result.
        invocations: `{started, finished, interrupted}` of each, where the run was resumed.
        accepted: what `--update-baselines` did to each case (`baselines.changes.CaseUpdate`).
    """
    verdicts = [Verdict(case["verdict"]) for case in cases]
    ending = {} if finished is None else {"finished": finished}
    occasional = {"invocations": invocations, "accepted": accepted}
    gates = [check["comparison"] for case in cases for check in case["checks"] if "comparison" in check]
    return {
        "schema": SCHEMA,
        "run_id": run_id,
        "started": started,
        **ending,
        "interrupted": interrupted,
        **({"verdict": overall.value} if (overall := worst(verdicts)) else {}),
        **({"family": _family(gates)} if gates else {}),
        "counts": _counts(verdicts, len(skipped), len(errors)),
        "findings": findings(cases),
        "environment": dict(environment),
        "settings": [dict(setting) for setting in settings],
        "cases": [dict(case) for case in cases],
        "skipped": [dict(entry) for entry in skipped],
        "errors": [dict(entry) for entry in errors],
        **{name: [dict(each) for each in found] for name, found in occasional.items() if found},
    }


def with_comparisons(case: Mapping[str, Any], judged: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A case with what its regression item said of it, where that is among `judged`.

    Args:
        case: `CaseResult.to_json()`.
        judged: `{id, case, checks, notes, against, next_steps}` of each case that was compared; some lack the last two.
    """
    found = next((each for each in judged if (each["id"], each["case"]) == (case["id"], case["case"])), None)
    if found is None:
        return dict(case)
    checks = [*case["checks"], *found["checks"]]
    verdict = worst(Verdict(check["verdict"]) for check in checks)
    ending: dict[str, Any] = {} if verdict is None else {"verdict": verdict.value}
    ending |= {name: found[name] for name in ("against", "next_steps") if found.get(name)}
    return {**case, "checks": checks, "notes": [*case["notes"], *found["notes"]], **ending}


def read_document(text: str, where: str) -> dict[str, Any]:
    """The document in `text`; `where` (a path) is what an error names.

    Raises:
        InferbenchError: not JSON, not a run document, written by a newer version, or a field is missing or of the
            wrong kind.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InferbenchError(
            f"{where}: not a run document: {error}. Expected the JSON that a benchmark run writes."
        ) from error
    if not isinstance(document, dict) or type(document.get("schema")) is not int or document["schema"] < 1:
        raise InferbenchError(
            f'{where}: not a run document: it has no "schema" number. Expected the run.json of a benchmark run.'
        )
    if document["schema"] > SCHEMA:
        raise InferbenchError(
            f"{where}: written by a newer pytest-inferbench: its schema is {document['schema']}, and this one reads"
            f" up to {SCHEMA}. Upgrade pytest-inferbench to read it."
        )
    _require(document, _KINDS, where)
    for index, case in enumerate(document["cases"]):
        _require_case(case, f"{where}: cases[{index}]")
    return document


def run_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the run document."""
    text = files("pytest_inferbench.report").joinpath("run.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _family(gates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The error rate of the run's comparisons; all of one run share m."""
    first = gates[0]
    found = family(Rule(alpha=first["alpha"], gates=first["gates"]), [gate.get("false_alarm") for gate in gates])
    expected = {} if found.expected_per_100 is None else {"expected_per_100": found.expected_per_100}
    shared = {} if "arms" in first else shared_share(gates)
    return {
        "gates": found.gates,
        **({"gates_source": first["gates_source"]} if "gates_source" in first else {}),
        "alpha": found.alpha,
        "alpha_each": found.alpha_each,
        **shared,
        "at_most_per_100": found.at_most_per_100,
        **expected,
    }


def _counts(verdicts: Iterable[Verdict], skipped: int, errors: int) -> dict[str, int]:
    counter = Counter(verdicts)
    return {verdict.value: counter[verdict] for verdict in Verdict} | {"skipped": skipped, "errors": errors}


def _require_case(case: object, where: str) -> None:
    if not isinstance(case, dict):
        raise InferbenchError(
            f"{where} is {reprlib.repr(case)}; expected an object. The file is damaged: use another run's."
        )
    _require(case, _CASE_KINDS, where)
    if case["verdict"] not in list(Verdict):
        raise InferbenchError(
            f"{where}: verdict {case['verdict']!r} is unknown; expected one of {', '.join(Verdict)}."
            " The file is damaged: use another run's."
        )


def _require(found: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> None:
    for name, kind in kinds.items():
        if not isinstance(found.get(name), kind):
            seen = reprlib.repr(found[name]) if name in found else "missing"
            raise InferbenchError(
                f"{where}: {name} is {seen}; expected {_JSON_NAMES[kind]}. The file is damaged: use another run's."
            )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits} is too large")
    return value
