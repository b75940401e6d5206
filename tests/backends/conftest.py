"""What the tests of the backends share: a machine with chosen things installed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest


@dataclass
class FakeInstalled:
    """Knows what a test put on it.

    Attributes:
        programs: name -> path.
        pythons: program path -> interpreter.
        packages: (interpreter or None, distribution) -> version.
        outputs: command -> what it prints.
    """

    programs: dict[str, str] = field(default_factory=dict)
    pythons: dict[str, str] = field(default_factory=dict)
    packages: dict[tuple[str | None, str], str] = field(default_factory=dict)
    outputs: dict[tuple[str, ...], str] = field(default_factory=dict)

    def program(self, name: str) -> str | None:
        return self.programs.get(name)

    def python_of(self, program: str) -> str | None:
        return self.pythons.get(program)

    def package(self, python: str | None, name: str) -> str | None:
        return self.packages.get((python, name))

    def output(self, argv: tuple[str, ...]) -> str:
        return self.outputs.get(argv, "")


@pytest.fixture
def machine():
    return FakeInstalled()
