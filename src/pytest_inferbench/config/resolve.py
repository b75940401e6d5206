"""Precedence: of several places that may give a setting, the strongest wins, and the result says which it was.

Limits: pure; values keep their source. The order of strength is the caller's: command line, then the model's
`backends.<backend>`, then `defaults.backends.<backend>`, then what is built in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pytest_inferbench.config.document import DEFAULT, Section, Source, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """A setting's value and the place that gave it."""

    value: T
    source: Source


def built_in(value: T) -> Resolved[T]:
    """The weakest candidate: what holds where nobody says otherwise."""
    return Resolved(value, DEFAULT)


def candidate_of(section: Section, key: str) -> Resolved[Any] | None:
    """The candidate a section offers for `key`, as plain data; None where it is absent or has no value."""
    value = section.get(key)
    return None if value is None else Resolved(plain(value), section.source_of(key))


def first(*candidates: Resolved[T] | None) -> Resolved[T]:
    """The strongest candidate that was given.

    Args:
        candidates: strongest first; the last is what is built in, so one is always there.

    Raises:
        ValueError: no candidate at all, which is a mistake of the caller's.
    """
    for candidate in candidates:
        if candidate is not None:
            return candidate
    raise ValueError("no candidate was given; end the list with built_in(value)")


def merge_args(*layers: Section | Mapping[str, Resolved[Any]]) -> dict[str, Resolved[Any]]:
    """Arguments by name from several layers, each with the source of the layer that won.

    Args:
        layers: strongest first. Sections are `args:` mappings as written.

    Returns:
        every name that any layer gives, in the order in which the weakest layer that has it wrote them.
    """
    merged: dict[str, Resolved[Any]] = {}
    for layer in reversed(layers):
        if isinstance(layer, Section):
            merged.update({key: Resolved(plain(layer[key]), layer.source_of(key)) for key in layer})
        else:
            merged.update(layer)
    return merged
