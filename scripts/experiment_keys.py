"""The tables of docs/experiments.md: `python scripts/experiment_keys.py` writes them anew.

Limits: keys, types and meanings are those of `inferbench schema experiment`, defaults those of the models that read the
file; nothing is typed in here but the units that keys have by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pytest_inferbench.plan.experiment import ExperimentFile, Sampling
from pytest_inferbench.plan.json_schema import experiment_schema
from pytest_inferbench.workloads.catalogue import WORKLOADS

PAGE = Path(__file__).parents[1] / "docs/experiments.md"
_TABLE = re.compile(r"(?<=<!-- )(keys of (\S+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
_UNITS = {"tokens": "tokens", "_s": "s", "seconds": "s", "_ms": "ms", "rate": "requests/s"}
_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}

Schema = Mapping[str, Any]


def tables() -> dict[str, str]:
    """Each table by what it is the keys of: `file`, `metrics`, or a workload's kind."""
    schema = experiment_schema()
    sampling = schema["$defs"]["Sampling"]["properties"]
    found = {"file": _table(schema["properties"], ExperimentFile), "metrics": _table(sampling, Sampling)}
    for rule, workload in zip(schema["allOf"], WORKLOADS, strict=True):
        keys = rule["then"]["properties"]["workload"]["properties"]
        required_first = sorted(workload.model_fields, key=lambda key: not workload.model_fields[key].is_required())
        found[workload.kind] = _table({key: keys[key] for key in required_first}, workload)
    return found


def page(text: str) -> str:
    """The page with today's tables."""
    today = tables()
    return _TABLE.sub(lambda found: found[1] + today[found[2]], text)


def _table(keys: Schema, model: type[BaseModel]) -> str:
    rows = [f"| `{key}` | {_type(key, one)} | {_default(key, model)} | {_meaning(one)} |" for key, one in keys.items()]
    return "\n".join(("| key | value | default | meaning |", "|---|---|---|---|", *rows, ""))


def _meaning(schema: Schema) -> str:
    return str(schema["description"]).rstrip(".")


def _default(key: str, model: type[BaseModel]) -> str:
    field = model.model_fields.get(key)
    if field is not None and field.is_required():
        return "**required**"
    default = None if field is None else field.default
    return f"{default:g}" if isinstance(default, float) else "" if not isinstance(default, int | str) else f"{default}"


def _type(key: str, schema: Schema) -> str:
    if "$ref" in schema or schema.get("type") == "object":
        return "mapping"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "anyOf" in schema:
        return _either(_type(key, one) for one in schema["anyOf"] if one.get("type") != "null")
    if schema["type"] == "array":
        return "list"
    unit = next((f" ({unit})" for end, unit in _UNITS.items() if key.endswith(end)), "")
    return f"{_TYPES[schema['type']]}{_bounds(schema)}{unit}"


def _either(types: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(types))


def _bounds(schema: Schema) -> str:
    words = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    told = [f"{sign} {schema[bound]:g}" for bound, sign in words.items() if bound in schema]
    return " " + ", ".join(told) if told else ""


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
