"""What the source says below each attribute of a class, for the JSON Schemas that editors show.

Idea: pydantic can do this at import (`use_attribute_docstrings`), which every pytest run would wait for: a tenth of a
second for something that one command needs.
"""

from __future__ import annotations

import ast
import inspect
import textwrap


def attribute_docstrings(described: type) -> dict[str, str]:
    """Attribute name -> its docstring in one line; those of parents too, a nearer one goes before."""
    said: dict[str, str] = {}
    for parent in reversed(described.__mro__):
        if parent.__module__.startswith(__package__.partition(".")[0]):
            said |= dict(_own(parent))
    return said


def _own(described: type) -> list[tuple[str, str]]:
    body = ast.parse(textwrap.dedent(inspect.getsource(described))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - it is the source of a class
    return [
        (field.target.id, " ".join(text.value.value.split()))
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    ]
