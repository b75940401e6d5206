"""ik_llama.cpp's server: a fork of llama.cpp with its own quantisations, its own versions and its own flags.

Limits: facts from its examples/server/README.md. Its program has llama.cpp's name, so it is never looked for: it is
named.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from pytest_inferbench.backends.arguments import flags, table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import Container
from pytest_inferbench.backends.llama import CUDA_BUILD, EVERY_LAYER, PUBLISHES
from pytest_inferbench.backends.local import find_program
from pytest_inferbench.errors import CellUnavailable

_REMEDY = "name ik_llama.cpp's llama-server with `program:`, or run it with --provision docker"

_ARGS = table(
    Arg("n_ctx", int, "context in tokens, shared by all slots", "--ctx-size", ("ctx_size", "c")),
    Arg("n_parallel", int, "slots: requests served at once", "--parallel", ("parallel", "np")),
    Arg("n_threads", int, "threads that generate", "--threads", ("threads", "t")),
    Arg("n_threads_batch", int, "threads that read prompts", "--threads-batch", ("threads_batch", "tb")),
    Arg("n_batch", int, "most prompt tokens in a logical batch", "--batch-size", ("batch_size", "b")),
    Arg("n_ubatch", int, "most tokens in a physical batch", "--ubatch-size", ("ubatch_size", "ub")),
    Arg("n_gpu_layers", int, "layers kept on the GPU", "--gpu-layers", ("gpu_layers", "ngl")),
    Arg("flash_attn", str, "on or off", "--flash-attn", ("fa",)),
    Arg("cache_type_k", str, "type of cached keys (f16, q8_0, ...)", "--cache-type-k", ("ctk",)),
    Arg("cache_type_v", str, "type of cached values (f16, q8_0, ...)", "--cache-type-v", ("ctv",)),
    Arg("mla_use", int, "how latent attention is computed (0 to 3)", "--mla-use", ("mla",)),
    Arg("attn_max_batch", int, "MiB of a step's attention buffer", "--attention-max-batch", ("amb",)),
    Arg("fused_moe", bool, "fused mixture-of-experts kernels", "--fused-moe", ("fmoe",)),
    Arg("run_time_repack", bool, "repack weights when loading", "--run-time-repack", ("rtr",)),
)


def _words(plan: ServerPlan) -> tuple[str, ...]:
    # Its switches have no opposite: one that is off is left out.
    given = {name: value for name, value in plan.args.items() if value is not False}
    return (
        *("--model", plan.model_path, "--alias", plan.model_name),
        *("--host", plan.host, "--port", str(plan.port), "--metrics"),
        *flags(given, _ARGS),
    )


def _command(plan: ServerPlan, installed: Installed) -> Command:
    return Command((find_program(plan, installed, None, _REMEDY), *_words(plan)))


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    try:
        program = find_program(plan, installed, None, _REMEDY)
    except CellUnavailable:
        return None
    said = re.search(r"version: \d+ \((\w+)\)", installed.output((program, "--version")))
    return said[1] if said else None


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"n_gpu_layers": EVERY_LAYER} if gpus else {}


IK_LLAMA = Backend(
    name="ik_llama",
    aliases=("ik-llama", "ik_llama.cpp"),
    formats=frozenset({ModelFormat.GGUF}),
    protocols=("openai-chat", "openai-completions", "llamacpp"),
    ready_path="/health",
    known_args=_ARGS,
    published=PUBLISHES,
    metrics_path="/metrics",
    cold_cache_body=MappingProxyType({"cache_prompt": False}),
    version_sources=(),
    unknown_versions=frozenset(),
    command=_command,
    installed_version=_installed_version,
    pulls=False,
    neutral=MappingProxyType({"n_gpu_layers": "n_gpu_layers"}),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=None,
        dockerfile=lambda _: "ik_llama.Dockerfile",
        build_args=lambda _, gpus: CUDA_BUILD if gpus else MappingProxyType({}),
        versions=MappingProxyType({"build": "main"}),
        entrypoint=None,
        command=lambda plan: Command(_words(plan)),
        port=8080,
    ),
)
