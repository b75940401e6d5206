"""The JSON Schema of the run document, made of its types."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from pytest_inferbench.config.docstrings import attribute_docstrings
from pytest_inferbench.document.run import RunDocument


class _Absent(GenerateJsonSchema):
    """A schema in which what is None in Python is left out, and nothing else may be there."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> dict[str, Any]:
        found = super().dataclass_schema(schema)
        found.pop("title", None)
        said = attribute_docstrings(schema["cls"])
        for name, field in found["properties"].items():
            if name in said:
                field["description"] = said[name]
        return {**found, "additionalProperties": False}

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401, ARG002 - as above
        """What is never None is always written."""
        inner = field["schema"]
        while inner["type"] in ("default", "function-before", "function-after"):
            inner = inner["schema"]
        return bool(inner["type"] != "nullable")

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found

    def enum_schema(self, schema: core_schema.EnumSchema) -> dict[str, Any]:
        found = super().enum_schema(schema)
        found.pop("title", None)
        return found


def run_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the run document."""
    made = TypeAdapter(RunDocument).json_schema(schema_generator=_Absent, mode="validation")
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": "urn:pytest-inferbench:run:1",
        "title": "pytest-inferbench run document",
    }
    return {**head, **made}
