"""SGLang's server.

Limits: facts from SGLang's server arguments and production metrics pages; `/health` there may generate a token, which
is what readiness asks for.
"""

from __future__ import annotations

from types import MappingProxyType

from pytest_inferbench.backends.arguments import flags, table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import GIB, HF_CACHE, Container
from pytest_inferbench.backends.local import find_module, package_version

_MODULE = "sglang.launch_server"
_PACKAGES = ("sglang",)
_REMEDY = "pip install 'sglang[all]', name an interpreter with `python:`, or run it with --provision docker"

_ARGS = table(
    Arg("mem_fraction_static", float, "share of GPU memory for weights and KV cache", "--mem-fraction-static"),
    Arg("context_length", int, "longest context in tokens", "--context-length"),
    Arg("max_running_requests", int, "most requests in a batch", "--max-running-requests"),
    Arg("chunked_prefill_size", int, "most prompt tokens in a step", "--chunked-prefill-size"),
    Arg("max_total_tokens", int, "tokens the KV cache holds", "--max-total-tokens"),
    Arg("tp_size", int, "GPUs that share each layer", "--tp-size", ("tp", "tensor_parallel_size")),
    Arg("dp_size", int, "copies of the model", "--dp-size", ("dp", "data_parallel_size")),
    Arg("ep_size", int, "GPUs that experts are spread over", "--ep-size", ("ep",)),
    Arg("dtype", str, "type of weights and activations", "--dtype"),
    Arg("quantization", str, "how the weights are quantised", "--quantization"),
    Arg("kv_cache_dtype", str, "type of cached keys and values", "--kv-cache-dtype"),
    Arg("attention_backend", str, "attention kernels", "--attention-backend"),
    Arg("schedule_policy", str, "order of waiting requests", "--schedule-policy"),
    Arg("disable_radix_cache", bool, "do not keep prompts for reuse", "--disable-radix-cache"),
    Arg("disable_cuda_graph", bool, "no CUDA graphs", "--disable-cuda-graph"),
    Arg("enable_torch_compile", bool, "compile the model", "--enable-torch-compile"),
    Arg("trust_remote_code", bool, "run code that the model brings", "--trust-remote-code"),
)

_PUBLISHES = MappingProxyType(
    {
        "generated_tokens": ("sglang:generation_tokens_total",),
        "prompt_tokens": ("sglang:prompt_tokens_total",),
        "cached_prompt_tokens": ("sglang:cached_tokens_total",),
        "requests_running": ("sglang:num_running_reqs",),
        "requests_waiting": ("sglang:num_queue_reqs",),
        "kv_cache_use": ("sglang:token_usage",),
        # Without `_total` the second is a gauge that is emptied by each report.
        "preemptions": ("sglang:num_retracted_requests_total", "sglang:num_retracted_reqs_total"),
        "requests_finished": ("sglang:num_requests_total",),
        "started_s": ("process_start_time_seconds",),
        "ttft_s": ("sglang:time_to_first_token_seconds",),
        "itl_s": ("sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"),
        "e2e_s": ("sglang:e2e_request_latency_seconds",),
        "queue_s": ("sglang:queue_time_seconds",),
    }
)


def _words(plan: ServerPlan) -> tuple[str, ...]:
    # Its switches have no opposite: one that is off is left out.
    given = {name: value for name, value in plan.args.items() if value is not False}
    return (
        *("--model-path", plan.model_path, "--served-model-name", plan.model_name),
        *("--host", plan.host, "--port", str(plan.port), "--enable-metrics"),
        *flags(given, _ARGS),
    )


def _command(plan: ServerPlan, installed: Installed) -> Command:
    return Command((find_module(plan, installed, _PACKAGES, _REMEDY), "-m", _MODULE, *_words(plan)))


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    return package_version(plan.python, installed, _PACKAGES)


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"tp_size": gpus} if gpus > 1 else {}


SGLANG = Backend(
    name="sglang",
    formats=frozenset({ModelFormat.SAFETENSORS}),
    protocols=("openai-chat", "openai-completions"),
    ready_path="/health_generate",
    known_args=_ARGS,
    published=_PUBLISHES,
    metrics_path="/metrics",
    cold_cache_body=MappingProxyType({}),
    version_sources=(("/server_info", "version"), ("/get_server_info", "version")),
    unknown_versions=frozenset({"0.0.0", "dev"}),
    command=_command,
    installed_version=_installed_version,
    neutral=MappingProxyType(
        {
            "tensor_parallel": "tp_size",
            "max_model_len": "context_length",
            "gpu_memory_utilization": "mem_fraction_static",
        }
    ),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=lambda version, _: f"lmsysorg/sglang:{version}",
        dockerfile=lambda _: "sglang.Dockerfile",
        versions=MappingProxyType({"prebuilt": "latest", "build": "main"}),
        entrypoint=("python3", "-m", _MODULE),
        command=lambda plan: Command(_words(plan)),
        port=30000,
        shm_bytes=32 * GIB,
        caches=(HF_CACHE,),
        hub_login="file",
    ),
)
