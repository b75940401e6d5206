"""The run document as JSON: written, read and described from its types alone.

Limits: nothing here knows a field. What does not exist is left out; a document is read strictly, an older one by the
defaults of what it lacks.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.document.part import Part
from pytest_inferbench.document.run import SCHEMA, RunDocument
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.stats.verdict import Verdict

_Part = TypeVar("_Part", bound=Part)
_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "mapping_type": "an object",
    "dict_type": "an object",
    "dataclass_type": "an object",
}

_MOMENT = "a time, ISO 8601 with an offset"
_TEXTS = {
    "run_id": "a folder's name of letters, digits and . _ - that does not begin with a dot",
    "records": "a path below the run's folder, of letters, digits and . _ -",
}


def to_json(part: Part) -> dict[str, Any]:
    """A part of the document as JSON types, absent figures left out; what JSON cannot hold stays as it is."""
    kind: Any = type(part)
    found: dict[str, Any] = _plain(_adapter(kind).dump_python(part, exclude_none=True, warnings=False))
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A value whose tuples are lists, and whose enumerated words are words."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else value


def from_json(kind: type[_Part], data: Mapping[str, Any]) -> _Part:
    """The part that `to_json` made JSON of, in another process of the same run."""
    made: Any = kind
    found: _Part = _adapter(made).validate_python(data)
    return found


def read_document(text: str, where: str) -> RunDocument:
    """The document in `text`; `where` (a path) is what an error names.

    Raises:
        InferbenchError: not JSON, not a run document, written by a newer version, or a field is missing or of the
            wrong kind.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_finite_int)
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
    try:
        # Half a character, as in a path that no encoding knows, is a "?".
        readable = json.dumps(document, ensure_ascii=False).encode(errors="replace")
        found: RunDocument = _adapter(RunDocument).validate_json(readable, strict=True)
    except ValidationError as error:
        raise InferbenchError(f"{where}: {_fault(error)}. The file is damaged: use another run's.") from None
    except RecursionError:
        raise InferbenchError(f"{where}: nested too deeply. The file is damaged: use another run's.") from None
    return found


def _fault(error: ValidationError) -> str:
    """The first thing that is wrong: its place, what is there, and what was expected."""
    first = error.errors(include_url=False)[0]
    kind, is_key = first["type"], first["loc"][-1:] == ("[key]",)
    parts = first["loc"][:-2] if is_key else first["loc"]
    names = (f"[{part}]" if isinstance(part, int) else f".{shorten_name(part)}" for part in parts)
    place = "".join(names).removeprefix(".")
    if kind == "json_invalid":
        return f"it cannot be read: {first['msg'].removeprefix('Invalid JSON: ')}"
    if kind == "missing":
        return f"{place} is missing"
    expected = _EXPECTED.get(kind) or first["msg"].removeprefix("Input should be ")
    if kind == "enum" and place.endswith("verdict"):
        expected = f"one of {', '.join(Verdict)}"
    if kind == "string_pattern_mismatch":
        expected = "a name of small letters, digits and _" if is_key else _TEXTS.get(str(parts[-1]), _MOMENT)
    return f"{place} {'has the key' if is_key else 'is'} {reprlib.repr(first['input'])}; expected {expected}"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a class; what it reads is the caller's to say
    return TypeAdapter(kind)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite_int(digits: str) -> int:
    _finite(digits)
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {reprlib.repr(digits)[1:-1]} is too large")
    return value
