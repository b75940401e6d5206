from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.errors import CellUnavailable

_PLAN = ServerPlan("llama", "/m/x.gguf", "x", port=81)


def _plan(**changes):
    return ServerPlan("llama", "/m/x.gguf", "x", port=81, **changes)


def test_the_wheel_is_started_by_a_script_that_exists(machine):
    """With the wheel here, this interpreter runs the standalone script beside the package."""
    machine.packages[None, "xllamacpp"] = "2026.10.11549"
    argv = LLAMA.command(_PLAN, machine).argv
    assert argv[0] == sys.executable
    assert Path(argv[1]).is_file()
    assert argv[2:] == ("--model", "/m/x.gguf", "--alias", "x", "--host", "127.0.0.1", "--port", "81")


def test_the_wheel_gets_unknown_arguments_as_fields(machine):
    """Known arguments are flags; the others are set on the wheel's parameters, word for word."""
    machine.packages["/p", "xllamacpp"] = "2026.4.8672"
    command = LLAMA.command(_plan(python="/p", args={"n_ctx": 8, "warmup": False, "swa_full": True}), machine)
    assert command.argv[0] == "/p"
    assert command.argv[-4:] == ("--ctx-size", "8", "--no-warmup", "--set=swa_full=True")


def test_the_program_gets_unknown_arguments_as_flags_and_shows_metrics(machine):
    """`llama-server` hides its metrics page unless told otherwise."""
    machine.programs["llama-server"] = "/bin/llama-server"
    argv = LLAMA.command(_plan(program="llama-server", args={"n_parallel": 2, "swa_full": True}), machine).argv
    assert argv[0] == "/bin/llama-server"
    assert argv[-4:] == ("--metrics", "--parallel", "2", "--swa-full")


def test_the_wheel_comes_before_a_program_that_nobody_named(machine):
    """A llama-server that lies about is used only where there is no wheel."""
    machine.programs["llama-server"] = "/bin/llama-server"
    assert LLAMA.command(_PLAN, machine).argv[0] == "/bin/llama-server"
    machine.packages[None, "xllamacpp"] = "2026.10.11549"
    assert LLAMA.command(_PLAN, machine).argv[0] == sys.executable


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, r"neither the xllamacpp wheel nor a llama-server program .* pip install 'pytest-inferbench\[embedded\]'"),
        ({"program": "/no/such"}, "program '/no/such' is not there"),
        ({"python": "/no/python"}, "/no/python -m pip install xllamacpp"),
    ],
)
def test_what_is_not_installed_is_said_with_its_remedy(machine, changes, reason):
    """The cell is unavailable, and its version unknown rather than an error."""
    with pytest.raises(CellUnavailable, match=reason):
        LLAMA.command(_plan(**changes), machine)
    assert LLAMA.installed_version(_plan(**changes), machine) is None


def test_versions_are_builds_as_llama_cpp_tags_them(machine):
    """The wheel's version ends with the build; the program prints it."""
    machine.packages[None, "xllamacpp"] = "2026.10.11549"
    machine.programs["llama-server"] = "/bin/llama-server"
    machine.outputs["/bin/llama-server", "--version"] = "version: 4521 (0c1e570)\nbuilt with cc for x86_64\n"
    assert LLAMA.installed_version(_PLAN, machine) == "b11549"
    assert LLAMA.installed_version(_plan(program="llama-server"), machine) == "b4521"


def test_a_program_that_does_not_tell_its_version_has_none(machine):
    """No version is made up."""
    machine.programs["llama-server"] = "/bin/llama-server"
    assert LLAMA.installed_version(_plan(program="llama-server"), machine) is None
