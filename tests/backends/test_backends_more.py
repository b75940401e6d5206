from __future__ import annotations

import os
import re
import subprocess

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named
from pytest_inferbench.errors import CellUnavailable

# Behaves like Ollama's program as far as the start script can see.
_OLLAMA = """#!/bin/sh
echo "$*" >>"$LOG"
case $1 in
  serve) trap 'echo ended >>"$LOG"; exit 0' TERM; touch "$LOG.up"; while :; do sleep 0.05; done ;;
  list) test -e "$LOG.up" ;;
  create) cat "$4" >>"$LOG"; kill -TERM "$PPID" ;;
esac
"""


def plan(backend, **more):
    return ServerPlan(backend, more.pop("model", "/m/x"), "x", port=9, **more)


def test_sglang_as_a_module(machine):
    """Its module is started with flags as it spells them; a switch that is off is left out."""
    machine.packages[None, "sglang"] = "0.5.2"
    args = {"tp_size": 2, "disable_radix_cache": True, "disable_cuda_graph": False}
    argv = backend_named("sglang").command(plan("sglang", args=args), machine).argv
    assert argv[1:] == (
        *("-m", "sglang.launch_server", "--model-path", "/m/x", "--served-model-name", "x", "--host", "127.0.0.1"),
        *("--port", "9", "--enable-metrics", "--tp-size", "2", "--disable-radix-cache"),
    )
    assert backend_named("sglang").installed_version(plan("sglang"), machine) == "0.5.2"


def test_ik_llama_is_never_taken_from_the_path(machine):
    """llama.cpp's program of the same name is not it: ik_llama must be named."""
    machine.programs["llama-server"] = "/usr/bin/llama-server"
    ik_llama = backend_named("ik_llama")
    with pytest.raises(CellUnavailable, match=r"name ik_llama.cpp's llama-server with `program:`"):
        ik_llama.command(plan("ik_llama"), machine)
    machine.programs["/opt/ik"] = "/opt/ik"
    machine.outputs["/opt/ik", "--version"] = "version: 3800 (0c1e570)\nbuilt with cc\n"
    named = plan("ik_llama", program="/opt/ik", args={"fused_moe": True, "run_time_repack": False, "mla_use": 3})
    assert ik_llama.command(named, machine).argv == (
        *("/opt/ik", "--model", "/m/x", "--alias", "x", "--host", "127.0.0.1", "--port", "9", "--metrics"),
        *("--fused-moe", "--mla-use", "3"),
    )
    assert ik_llama.installed_version(named, machine) == "0c1e570"


def test_trtllm_spells_flags_with_underscores_and_names_a_model_by_its_folder(machine):
    """Also flags that nobody knows; the served name is the folder's, or the repository's."""
    machine.programs["trtllm-serve"] = "/venv/bin/trtllm-serve"
    machine.pythons["/venv/bin/trtllm-serve"] = "/venv/bin/python"
    machine.packages["/venv/bin/python", "tensorrt_llm"] = "0.18.0"
    trtllm = backend_named("trtllm")
    asked = plan("trtllm", args={"max_batch_size": 8, "brand_new": 1})
    assert trtllm.command(asked, machine).argv == (
        *("/venv/bin/trtllm-serve", "/m/x", "--host", "127.0.0.1", "--port", "9"),
        *("--max_batch_size", "8", "--brand_new", "1"),
    )
    assert trtllm.installed_version(asked, machine) == "0.18.0"
    assert trtllm.served_name(plan("trtllm", model="/data/qwen3")) == "qwen3"
    assert trtllm.served_name(plan("trtllm", model="org/qwen3")) == "org/qwen3"


def test_ollama_s_arguments_are_variables(machine):
    """Known ones by their own names, others with the prefix; truth is 1."""
    machine.programs["ollama"] = "/bin/ollama"
    machine.outputs["/bin/ollama", "--version"] = "ollama version is 0.9.1\n"
    asked = plan("ollama", args={"num_parallel": 4, "flash_attention": True, "brand_new": "x"})
    assert backend_named("ollama").command(asked, machine).env == {
        "OLLAMA_HOST": "127.0.0.1:9",
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_NUM_PARALLEL": "4",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_BRAND_NEW": "x",
    }
    assert backend_named("ollama").installed_version(asked, machine) == "0.9.1"


def test_ollama_s_script_serves_makes_the_model_known_and_ends_the_server(machine, tmp_path):
    """With a stand-in for the program: served first, then the model is created from the file, and a signal ends all."""
    program, log = tmp_path / "ollama", tmp_path / "log"
    program.write_text(_OLLAMA)
    program.chmod(0o755)
    machine.programs["ollama"] = str(program)
    command = backend_named("ollama").command(plan("ollama", model="/m/x.gguf"), machine)
    subprocess.run(command.argv, env={**os.environ, **command.env, "LOG": str(log)}, timeout=20, check=False)
    said = log.read_text().splitlines()
    assert "serve" in said[:2], "the server is started first; its log and the first question may cross"
    assert [line for line in said if line.startswith(("create x -f", "FROM"))][1:] == ["FROM /m/x.gguf"]
    assert said[-1] == "ended"


@pytest.mark.parametrize("name", ["sglang", "trtllm", "ollama"])
def test_what_is_not_installed_is_a_reason_to_skip_that_helps(machine, name):
    """It names what is missing and the container as a way out."""
    with pytest.raises(CellUnavailable, match=f"{name}: .*--provision docker"):
        backend_named(name).command(plan(name), machine)
    assert backend_named(name).installed_version(plan(name), machine) is None


@pytest.mark.parametrize("backend", BACKENDS, ids=repr)
def test_options_for_all_backends_lead_to_arguments_of_each(backend):
    """What an option sets is an argument that the backend knows, and so is what GPUs call for."""
    assert set(backend.neutral.values()) <= set(backend.known_args)
    assert set(backend.gpu_args(8)) <= set(backend.known_args)
    assert "tensor_parallel_size" not in backend.gpu_args(1)


def test_a_wheel_s_version_is_a_build_of_llama_cpp():
    """2026.10.11549 is what the server calls b11549; a git tag is itself."""
    container = backend_named("llama").container
    assert container.says("2026.10.11549") == "b11549"
    assert container.says("b4521") == "b4521"
    assert re.fullmatch(r"llama\.Dockerfile", container.dockerfile("b4521"))
