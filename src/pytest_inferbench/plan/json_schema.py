"""JSON Schema of the files people write, composed from who reads each part.

Limits: pure. Keys and types are the models' own, arguments the backends', a workload's keys the workload's; what an
editor shows beside a key is its docstring. A schema is a little narrower than the reader: quoted numbers
pass only there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from pytest_inferbench.backends.backend import Arg, Backend
from pytest_inferbench.backends.catalogue import BACKENDS
from pytest_inferbench.config.docstrings import attribute_docstrings
from pytest_inferbench.config.extends import EXTENDS
from pytest_inferbench.plan.experiment import ExperimentFile
from pytest_inferbench.plan.schema import Defaults, ModelEntry, ModelsFile
from pytest_inferbench.workloads.catalogue import WORKLOADS

_TYPES: Final = {str: ["string", "number", "boolean"], int: "integer", float: "number", bool: "boolean"}
_EXTENDS: Final = {
    "description": "a file, or a list of files, that this one adds to; paths start from this file",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}

Schema = dict[str, Any]


def config_schema() -> Schema:
    """JSON Schema of `config/models.yaml`."""
    schema = _of(ModelsFile)
    definitions = schema["$defs"]
    definitions |= {_args_name(backend): _args(backend) for backend in BACKENDS}
    by_backend = {
        name: {
            "allOf": [
                {"$ref": "#/$defs/BackendSettings"},
                {"properties": {"args": {"anyOf": [{"$ref": f"#/$defs/{_args_name(backend)}"}, {"type": "null"}]}}},
            ]
        }
        for backend in BACKENDS
        for name in (backend.name, *backend.aliases)
    }
    for holder in (Defaults, ModelEntry):
        properties = definitions[holder.__name__]["properties"]
        properties["backends"] = {
            "description": properties["backends"]["description"],
            "type": ["object", "null"],
            "properties": by_backend,
            "additionalProperties": False,
        }
        properties["framework"] = {**properties["backend"], "deprecated": True, "description": "write `backend`"}
    return _finish(schema, "config/models.yaml")


def experiment_schema() -> Schema:
    """JSON Schema of a `*.bench.yaml`: the keys of `workload` and of `sweep` are those of its kind."""
    schema = _of(ExperimentFile)
    definitions = schema["$defs"]
    definitions["WorkloadEntry"] = {
        "type": "object",
        "properties": {"kind": {"enum": [workload.kind for workload in WORKLOADS]}},
        "required": ["kind"],
    }
    kinds = []
    for workload in WORKLOADS:
        own = _of(workload)
        definitions |= own.pop("$defs")
        properties = own["properties"]
        kinds.append(
            {
                "if": {"properties": {"workload": {"properties": {"kind": {"const": workload.kind}}}}},
                "then": {
                    "properties": {
                        "workload": {
                            "properties": {"kind": {}, **{key: _absent_too(one) for key, one in properties.items()}},
                            "additionalProperties": False,
                        },
                        "sweep": {
                            "properties": {key: {"items": one, "type": "array"} for key, one in properties.items()},
                            "additionalProperties": False,
                        },
                    }
                },
            }
        )
    return _finish({**schema, "allOf": kinds}, "a benchmark experiment, *.bench.yaml")


def _of(model: type[BaseModel]) -> Schema:
    """A model's schema, in which a key without a value counts as an absent one."""
    schema = model.model_json_schema(schema_generator=_Described)
    schema.setdefault("$defs", {})
    return schema


class _Described(GenerateJsonSchema):
    """Keys have their docstrings, and a model the first paragraph of its own."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        found = super().model_schema(schema)
        if "properties" not in found:
            return found
        said = attribute_docstrings(schema["cls"])
        optional = set(found["properties"]) - set(found.get("required", ()))
        properties = {}
        for key, one in found["properties"].items():
            described = {**one, "description": said[key]} if key in said else one
            properties[key] = _absent_too(described) if key in optional else described
        return {**found, "description": found.get("description", "").partition("\n\n")[0], "properties": properties}


def _absent_too(schema: Schema) -> Schema:
    """The schema, or no value at all, which counts as an absent key."""
    if any(choice == {"type": "null"} for choice in schema.get("anyOf", ())):
        return schema
    kept = {key: schema[key] for key in ("description",) if key in schema}
    return {**kept, "anyOf": [{key: one for key, one in schema.items() if key not in kept}, {"type": "null"}]}


def _args_name(backend: Backend) -> str:
    return f"{backend.name}_args"


def _args(backend: Backend) -> Schema:
    """Arguments by every name people write; one that is not listed is passed on, if it is nobody else's."""
    own = {name for arg in backend.known_args.values() for name in _names(arg)}
    foreign = {
        name for other in BACKENDS for arg in other.known_args.values() for name in _names(arg) if name not in own
    }
    return {
        "type": "object",
        "properties": {
            **{name: _argument(arg) for arg in backend.known_args.values() for name in _names(arg)},
            **dict.fromkeys(sorted(foreign), False),
        },
    }


def _names(arg: Arg) -> Iterable[str]:
    return (arg.name, *arg.aliases)


def _argument(arg: Arg) -> Schema:
    return {"type": _TYPES[arg.type], "description": f"{arg.help} ({arg.flag})"}


def _finish(schema: Schema, title: str) -> Schema:
    """The schema as a document of its own; a file that is extended, or extends, may leave out what is required."""
    schema["properties"] = {EXTENDS: _EXTENDS, **schema["properties"]}
    schema.pop("required", None)
    tidy = {key: _tidy(one) for key, one in schema.items() if key != "title"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **tidy}


def _tidy(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """In one line, without pydantic's titles (keys once more) and its defaults that say "not set"."""
    if isinstance(node, str):
        return " ".join(node.split())
    if isinstance(node, Mapping):
        noise = {
            key
            for key, value in node.items()
            if (key == "title" and isinstance(value, str)) or (key == "default" and not value and value is not False)
        }
        return {key: _tidy(value) for key, value in node.items() if key not in noise}
    return [_tidy(one) for one in node] if isinstance(node, list) else node
