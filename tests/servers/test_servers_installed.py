from __future__ import annotations

import sys
from importlib import metadata

import pytest

from pytest_inferbench.servers.installed import THIS_MACHINE


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a program of that text, on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def build(name, text):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    return build


def test_programs_are_found_by_name_and_by_path(program):
    """On the PATH, beside this interpreter, or where the configuration says."""
    path = program("some-server", "#!/bin/sh\n")
    assert THIS_MACHINE.program("some-server") == path
    assert THIS_MACHINE.program(path) == path
    assert THIS_MACHINE.program("python") is not None
    assert THIS_MACHINE.program("no-such-server") is None


def test_a_python_program_names_its_interpreter(program):
    """A shell script or a binary does not."""
    assert THIS_MACHINE.python_of(program("a", "#!/env/bin/python3.11\nimport x\n")) == "/env/bin/python3.11"
    assert THIS_MACHINE.python_of(program("b", "#!/bin/sh\n")) is None
    assert THIS_MACHINE.python_of(program("c", "\x7fELF")) is None
    assert THIS_MACHINE.python_of("/no/such/program") is None


def test_packages_are_asked_of_the_interpreter_that_is_meant(program):
    """This one directly, another one by running it; what is not there is None."""
    version = metadata.version("pytest")
    assert THIS_MACHINE.package(None, "pytest") == THIS_MACHINE.package(sys.executable, "pytest") == version
    other = program("other-python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert THIS_MACHINE.package(other, "pytest") == version
    for python in (None, other, "/no/such/python"):
        assert THIS_MACHINE.package(python, "no-such-package") is None


def test_a_program_s_words_are_taken_from_both_streams(program):
    """llama-server prints its version on standard error."""
    path = program("talker", "#!/bin/sh\necho out\necho err >&2\nexit 3\n")
    assert THIS_MACHINE.output((path, "--version")) == "out\nerr\n"
    assert THIS_MACHINE.output(("/no/such/program",)) == ""
