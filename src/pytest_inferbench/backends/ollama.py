"""Ollama's server.

Limits: facts from its docs/faq.md, docs/import.md and envconfig/config.go. It has no flags: its arguments are
environment variables, and a model must be made known to a running server under a name, so a short shell script starts
both.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from types import MappingProxyType

from pytest_inferbench.backends.arguments import table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import Cache, Container
from pytest_inferbench.backends.local import find_program
from pytest_inferbench.errors import CellUnavailable

_PROGRAM = "ollama"
_REMEDY = "install it (https://ollama.com/download), name it with `program:`, or run it with --provision docker"

# $1 the program, $2 the name to serve, $3 a GGUF file or "", $4 what to pull instead of a file.
_START = """
"$1" serve & server=$!
trap 'kill $server' TERM INT
until "$1" list >/dev/null 2>&1; do kill -0 $server 2>/dev/null || { wait $server; exit; }; sleep 0.1; done
if [ -n "$3" ]; then
  recipe=$(mktemp) && echo "FROM $3" >"$recipe" && "$1" create "$2" -f "$recipe" && rm "$recipe"
else
  "$1" pull "$4" && "$1" cp "$4" "$2"
fi || { kill $server; exit 1; }
wait $server
"""

# Its environment variables stand where other servers have flags.
_ARGS = table(
    Arg("context_length", int, "context of each request in tokens", "OLLAMA_CONTEXT_LENGTH"),
    Arg("num_parallel", int, "requests served at once", "OLLAMA_NUM_PARALLEL"),
    Arg("max_queue", int, "requests that may wait", "OLLAMA_MAX_QUEUE"),
    Arg("max_loaded_models", int, "models in memory at once", "OLLAMA_MAX_LOADED_MODELS"),
    Arg("flash_attention", bool, "flash attention", "OLLAMA_FLASH_ATTENTION"),
    Arg("kv_cache_type", str, "type of cached keys and values (f16, q8_0, q4_0)", "OLLAMA_KV_CACHE_TYPE"),
    Arg("gpu_overhead", int, "bytes of each GPU left free", "OLLAMA_GPU_OVERHEAD"),
    Arg("sched_spread", bool, "spread a model over all GPUs", "OLLAMA_SCHED_SPREAD"),
)


def _environment(plan: ServerPlan) -> dict[str, str]:
    """The plan's arguments as variables; a model stays in memory until the server ends."""
    given = {"OLLAMA_HOST": f"{plan.host}:{plan.port}", "OLLAMA_KEEP_ALIVE": "-1"}
    for name, value in plan.args.items():
        variable = _ARGS[name].flag if name in _ARGS else f"OLLAMA_{name.upper()}"
        given[variable] = str(int(value)) if isinstance(value, bool) else str(value)
    return given


def _start(plan: ServerPlan, program: str) -> tuple[str, ...]:
    local = PurePosixPath(plan.model_path).is_absolute()
    source = (plan.model_path, "") if local else ("", f"hf.co/{plan.model_path}")
    return ("-c", _START, _PROGRAM, program, plan.model_name, *source)


def _command(plan: ServerPlan, installed: Installed) -> Command:
    program = find_program(plan, installed, _PROGRAM, _REMEDY)
    return Command(("/bin/sh", *_start(plan, program)), MappingProxyType(_environment(plan)))


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    try:
        program = find_program(plan, installed, _PROGRAM, _REMEDY)
    except CellUnavailable:
        return None
    said = re.search(r"version is (\S+)", installed.output((program, "--version")))
    return said[1] if said else None


def _model_name(plan: ServerPlan) -> str:
    return f"{plan.model_name}:latest"


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"sched_spread": True} if gpus > 1 else {}


OLLAMA = Backend(
    name="ollama",
    formats=frozenset({ModelFormat.GGUF}),
    protocols=("ollama", "openai-chat", "openai-completions"),
    ready_path="/api/version",
    known_args=_ARGS,
    published=MappingProxyType({}),
    metrics_path=None,
    # No body field turns its prompt cache off; a cold request needs a prompt of its own.
    cold_cache_body=MappingProxyType({}),
    version_sources=(("/api/version", "version"),),
    unknown_versions=frozenset({"0.0.0"}),
    command=_command,
    installed_version=_installed_version,
    served_name=_model_name,
    neutral=MappingProxyType({"max_model_len": "context_length"}),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=lambda version, _: f"ollama/ollama:{version}",
        dockerfile=None,
        versions=MappingProxyType({"prebuilt": "latest"}),
        entrypoint=("/bin/sh",),
        command=lambda plan: Command(_start(plan, _PROGRAM), MappingProxyType(_environment(plan))),
        port=11434,
        caches=(Cache("~/.cache/inferbench/ollama", "/root/.ollama"),),
    ),
)
