"""What every part of the run document is: a frozen record whose fields are the document's.

Limits: values alone. A field's docstring is its description in the JSON Schema; what was not measured or has not
happened is None, and is left out of the JSON.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field


class Part:
    """The base of every record of the document."""

    __slots__ = ()


Count = Annotated[int, Field(ge=0)]
"""A number of things."""

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")]
"""ISO 8601 with an offset."""
