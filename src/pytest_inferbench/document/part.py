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

_NAME = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
FILE_NAME = f"^{_NAME}$"
"""The pattern of a name that stays where it is put: of a file or folder, no path."""
FILE_BELOW = f"^{_NAME}(/{_NAME})*$"
"""The pattern of a path that leads downwards."""

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")]
"""ISO 8601 with an offset."""
