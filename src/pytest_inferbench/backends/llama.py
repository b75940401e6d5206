"""llama.cpp's server: the `llama-server` program, or the same server from the xllamacpp wheel.

Limits: facts from llama.cpp's tools/server/README.md and from builds 8672 and 11549 as they answered.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pytest_inferbench.backends.arguments import flags, table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import HF_CACHE, MODELS, Container
from pytest_inferbench.errors import CellUnavailable

_PROGRAM = "llama-server"
_WHEEL = "xllamacpp"
# Run by path with any interpreter that has the wheel, so it is named here and imported nowhere.
_WHEEL_SERVER = Path(__file__).resolve().parents[1] / "servers" / "xllamacpp_server.py"
_INSTALL = "pip install 'pytest-inferbench[embedded]'"

# More than any model has: llama.cpp takes it for "all of them".
EVERY_LAYER = 999
# Build arguments of llama.Dockerfile and ik_llama.Dockerfile for GPUs.
CUDA_BUILD = MappingProxyType(
    {
        "CUDA": "ON",
        "BASE_IMAGE": "nvidia/cuda:12.8.1-devel-ubuntu24.04",
        "RUNTIME_IMAGE": "nvidia/cuda:12.8.1-runtime-ubuntu24.04",
    }
)
# The wheel's versions are dates with llama.cpp's build number at the end; all others are git refs and image tags.
_WHEEL_VERSION = re.compile(r"20\d\d\.\d{1,2}\.(\d+)")

_ARGS = table(
    Arg("n_ctx", int, "context in tokens, shared by all slots", "--ctx-size", ("ctx_size", "c")),
    Arg("n_parallel", int, "slots: requests served at once", "--parallel", ("parallel", "np")),
    Arg("n_threads", int, "threads that generate", "--threads", ("threads", "t")),
    Arg("n_threads_batch", int, "threads that read prompts", "--threads-batch", ("threads_batch", "tb")),
    Arg("n_threads_http", int, "threads that serve connections", "--threads-http", ("threads_http",)),
    Arg("n_batch", int, "most prompt tokens in a logical batch", "--batch-size", ("batch_size", "b")),
    Arg("n_ubatch", int, "most tokens in a physical batch", "--ubatch-size", ("ubatch_size", "ub")),
    Arg("n_gpu_layers", int, "layers kept on the GPU", "--gpu-layers", ("gpu_layers", "ngl")),
    Arg("flash_attn", str, "on, off or auto", "--flash-attn", ("fa",)),
    Arg("cache_type_k", str, "type of cached keys (f16, q8_0, ...)", "--cache-type-k", ("ctk",)),
    Arg("cache_type_v", str, "type of cached values (f16, q8_0, ...)", "--cache-type-v", ("ctv",)),
    Arg("cache_prompt", bool, "keep prompts for reuse", "--cache-prompt"),
    Arg("cont_batching", bool, "join requests to a running batch", "--cont-batching"),
    Arg("kv_unified", bool, "one KV buffer for all slots", "--kv-unified"),
    Arg("warmup", bool, "an empty run after loading", "--warmup"),
)

PUBLISHES = MappingProxyType(
    {
        "generated_tokens": ("llamacpp:tokens_predicted_total",),
        "computed_prompt_tokens": ("llamacpp:prompt_tokens_total",),
        "cached_prompt_tokens": ("llamacpp:prompt_tokens_cached_total",),
        "requests_running": ("llamacpp:requests_processing",),
        "requests_waiting": ("llamacpp:requests_deferred",),
        "kv_cache_use": ("llamacpp:kv_cache_usage_ratio",),
    }
)


_COUNTS = MappingProxyType({"timings_per_token": True})


def _command(plan: ServerPlan, installed: Installed) -> Command:
    program = _program(plan, installed)
    model = ("--model", plan.model_path, "--alias", plan.model_name)
    address = ("--host", plan.host, "--port", str(plan.port))
    if program is not None:
        return Command((program, *model, *address, "--metrics", *flags(plan.args, _ARGS)))
    typed = {name: value for name, value in plan.args.items() if name in _ARGS}
    verbatim = [f"--set={name}={value}" for name, value in plan.args.items() if name not in _ARGS]
    python = plan.python or sys.executable
    return Command((python, str(_WHEEL_SERVER), *model, *address, *flags(typed, _ARGS), *verbatim))


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    """The build as llama.cpp tags it, `b11549`; the wheel's version ends with it (2026.10.11549)."""
    try:
        program = _program(plan, installed)
    except CellUnavailable:
        return None
    if program is not None:
        said = re.search(r"version: (\d+)", installed.output((program, "--version")))
        return f"b{said[1]}" if said else None
    wheel = installed.package(plan.python, _WHEEL)
    return f"b{wheel.rpartition('.')[2]}" if wheel else None


def _program(plan: ServerPlan, installed: Installed) -> str | None:
    """The program to start; None for the wheel, which comes first where the plan names nothing.

    Raises:
        CellUnavailable: neither is there.
    """
    if plan.program is not None:
        found = installed.program(plan.program)
        if found is None:
            raise CellUnavailable(
                f"llama: program {plan.program!r} is not there or cannot be run; "
                f"correct `program:`, or leave it out and {_INSTALL}"
            )
        return found
    if installed.package(plan.python, _WHEEL):
        return None
    if plan.python is not None:
        raise CellUnavailable(
            f"llama: {plan.python} has no {_WHEEL}; install it there: {plan.python} -m pip install {_WHEEL}"
        )
    found = installed.program(_PROGRAM)
    if found is None:
        raise CellUnavailable(
            f"llama: neither the {_WHEEL} wheel nor a {_PROGRAM} program is installed; {_INSTALL}, "
            "or name an installation with `program:` or `python:`"
        )
    return found


def _words(plan: ServerPlan) -> tuple[str, ...]:
    source = ("--model",) if plan.model_path.startswith(MODELS) else ("--hf-repo",)
    model = (*source, plan.model_path, "--alias", plan.model_name)
    return (*model, "--host", plan.host, "--port", str(plan.port), *flags(plan.args, _ARGS))


def _prebuilt(version: str, gpus: int) -> str:
    kind = "server-cuda" if gpus else "server"
    return f"ghcr.io/ggml-org/llama.cpp:{kind}" + ("" if version == "latest" else f"-{version}")


def _build_args(version: str, gpus: int) -> Mapping[str, str]:
    return CUDA_BUILD if gpus and not _WHEEL_VERSION.fullmatch(version) else MappingProxyType({})


def _says(version: str) -> str:
    wheel = _WHEEL_VERSION.fullmatch(version)
    return f"b{wheel[1]}" if wheel else version


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"n_gpu_layers": EVERY_LAYER} if gpus else {}


LLAMA = Backend(
    name="llama",
    aliases=("llama-cpp", "llama.cpp"),
    formats=frozenset({ModelFormat.GGUF}),
    protocols=("openai-chat", "openai-completions", "llamacpp"),
    ready_path="/health",
    known_args=_ARGS,
    published=PUBLISHES,
    metrics_path="/metrics",
    cold_cache_body=MappingProxyType({"cache_prompt": False}),
    # Its own /completion gives token ids.
    chunk_counts=MappingProxyType({"openai-chat": _COUNTS, "openai-completions": _COUNTS}),
    version_sources=(("/props", "build_info"),),
    unknown_versions=frozenset({"b0-unknown"}),
    command=_command,
    installed_version=_installed_version,
    pulls=False,
    neutral=MappingProxyType({"n_gpu_layers": "n_gpu_layers"}),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=_prebuilt,
        dockerfile=lambda version: f"{_WHEEL if _WHEEL_VERSION.fullmatch(version) else 'llama'}.Dockerfile",
        build_args=_build_args,
        versions=MappingProxyType({"build": "master", "prebuilt": "latest"}),
        says=_says,
        entrypoint=None,
        # The wheel's server publishes its metrics in any case and would not know the flag.
        command=lambda plan: Command(_words(plan), MappingProxyType({"LLAMA_ARG_ENDPOINT_METRICS": "1"})),
        port=8080,
        caches=(HF_CACHE,),
        hub_login="environment",  # common/arg.cpp knows no file
    ),
)
