"""What the source says below an attribute."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_inferbench.config import docstrings
from pytest_inferbench.config.docstrings import attribute_docstrings


@dataclass
class Ground:
    height: int
    """In metres,
    above the sea."""
    silent: int
    name: str = ""
    """What it is called."""


@dataclass
class Hill(Ground):
    name: str = "hill"
    """What people call it."""
    slope = 3
    """Not a field: it has no type."""
    steep: bool = False
    3  # noqa: B018 - neither a text nor an attribute
    trees: int = 0
    """Counted."""


class Foreign(dict[str, int]):
    """A parent of another package."""

    size: int
    """How large."""


@pytest.fixture(autouse=True)
def ours(monkeypatch):
    """Let the classes of this file be the package's own."""
    monkeypatch.setattr(docstrings, "__package__", Ground.__module__)


def test_each_attribute_has_its_docstring_in_one_line() -> None:
    """Line ends are blanks, and an attribute that nothing is said of is absent."""
    assert attribute_docstrings(Ground) == {"height": "In metres, above the sea.", "name": "What it is called."}


def test_a_nearer_class_is_heard_before_its_parents() -> None:
    """What a child says of an attribute goes before; what it does not speak of comes from the parent."""
    assert attribute_docstrings(Hill) == {
        "height": "In metres, above the sea.",
        "name": "What people call it.",
        "trees": "Counted.",
    }


def test_classes_of_other_packages_are_not_read() -> None:
    """A parent without a source to read, as a built-in one, stops nothing and says nothing."""
    assert attribute_docstrings(Foreign) == {"size": "How large."}
    assert attribute_docstrings(dict) == {}
