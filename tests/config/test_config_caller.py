"""Where people's Python made a value."""

from __future__ import annotations

import sys

import pytest

from pytest_inferbench.config.caller import caller
from pytest_inferbench.config.document import Source


def test_the_caller_is_the_line_that_called(monkeypatch, request) -> None:
    """The file as seen from the working directory, with the line."""
    monkeypatch.chdir(request.path.parent)
    assert caller() == Source("test_config_caller.py", sys._getframe().f_lineno)


def test_a_file_outside_the_working_directory_is_shown_whole(monkeypatch, tmp_path, request) -> None:
    """A path that the working directory does not hold is not made relative to it."""
    monkeypatch.chdir(tmp_path)
    assert caller().file == str(request.path)


@pytest.mark.parametrize("name", ["<string>", "{ours}/workloads/closed.py"])
def test_lines_of_the_package_and_of_generated_code_are_passed_over(monkeypatch, request, name) -> None:
    """A constructor that a dataclass wrote, and a module of ours, stand between people's line and the question."""
    ours = sys.modules[caller.__module__].__file__.removesuffix("/config/caller.py")
    monkeypatch.chdir(request.path.parent)
    between: dict[str, object] = {"ask": caller}
    exec(compile("def made():\n    return ask()", name.format(ours=ours), "exec"), between)  # noqa: S102 - a file's name
    assert between["made"]() == Source("test_config_caller.py", sys._getframe().f_lineno)


def test_a_stack_of_nothing_else_ends_at_its_outermost_line(monkeypatch, tmp_path) -> None:
    """Where no line is people's, the outermost one is named, and nothing fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules[caller.__module__], "_OURS", "")
    found = caller()
    outermost = sys._getframe()
    while outermost.f_back is not None:
        outermost = outermost.f_back
    assert found.line == outermost.f_lineno
