"""TensorRT-LLM's server, `trtllm-serve`.

Limits: facts from its command reference. It names a model by its folder or repository id, spells flags with
underscores, and keeps built engines in a cache that must not be shared between models, versions, GPUs or arguments.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from types import MappingProxyType

from pytest_inferbench.backends.arguments import flags, table
from pytest_inferbench.backends.backend import Arg, ArgValue, Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.container import ENGINE_CACHE, GIB, HF_CACHE, Cache, Container
from pytest_inferbench.backends.local import find_program, package_version
from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.files import short_hash

_PROGRAM = "trtllm-serve"
_PACKAGES = ("tensorrt_llm", "tensorrt-llm")
_REMEDY = "pip install tensorrt_llm, name the program with `program:`, or run it with --provision docker"
_ENGINES = "/root/.cache/trtllm-engines"
_KEY_LENGTH = 16
_MEMORY = "kv_cache_free_gpu_memory_fraction"
# Where its high-level interface keeps built engines: tensorrt_llm/llmapi/build_cache.py.
_ENGINE_ENV = MappingProxyType({"TLLM_LLMAPI_BUILD_CACHE": "1", "TLLM_LLMAPI_BUILD_CACHE_ROOT": _ENGINES})

_ARGS = table(
    Arg("tp_size", int, "GPUs that share each layer", "--tp_size", ("tp", "tensor_parallel_size")),
    Arg("pp_size", int, "stages the layers are split into", "--pp_size", ("pp", "pipeline_parallel_size")),
    Arg("ep_size", int, "GPUs that experts are spread over", "--ep_size", ("ep",)),
    Arg("backend", str, "pytorch, tensorrt or _autodeploy", "--backend"),
    Arg("max_batch_size", int, "most requests in a batch", "--max_batch_size"),
    Arg("max_num_tokens", int, "most tokens in a step", "--max_num_tokens"),
    Arg("max_seq_len", int, "longest context in tokens", "--max_seq_len"),
    Arg("max_beam_width", int, "most beams", "--max_beam_width"),
    Arg(_MEMORY, float, "share of free memory to take", f"--{_MEMORY}"),
    Arg("extra_llm_api_options", str, "a YAML file of further options", "--extra_llm_api_options"),
    Arg("trust_remote_code", bool, "run code that the model brings", "--trust_remote_code"),
)

# Only there with `return_perf_metrics: true` among its options; the gauges also want `enable_iter_perf_stats: true`.
_PUBLISHES = MappingProxyType(
    {
        "prompt_tokens": ("trtllm_prompt_tokens_total",),
        "cached_prompt_tokens": ("trtllm_prompt_cached_tokens_total",),
        "requests_finished": ("trtllm_request_success_total",),
        "requests_running": ("trtllm_num_requests_running", "trtllm_num_active_requests"),
        "requests_waiting": ("trtllm_num_requests_waiting", "trtllm_num_queued_requests"),
        "kv_cache_use": ("trtllm_kv_cache_utilization",),
        "started_s": ("process_start_time_seconds",),
        "ttft_s": ("trtllm_time_to_first_token_seconds",),
        "itl_s": ("trtllm_time_per_output_token_seconds",),
        "e2e_s": ("trtllm_e2e_request_latency_seconds",),
        "queue_s": ("trtllm_request_queue_time_seconds",),
    }
)


def _words(plan: ServerPlan) -> tuple[str, ...]:
    verbatim = {name: Arg(name, str, "", f"--{name}") for name in plan.args if name not in _ARGS}
    # Its switches have no opposite: one that is off is left out.
    given = {name: value for name, value in plan.args.items() if value is not False}
    return (plan.model_path, "--host", plan.host, "--port", str(plan.port), *flags(given, {**_ARGS, **verbatim}))


def _model_name(plan: ServerPlan) -> str:
    path = PurePosixPath(plan.model_path)
    return path.name if path.is_absolute() else plan.model_path


def _command(plan: ServerPlan, installed: Installed) -> Command:
    return Command((find_program(plan, installed, _PROGRAM, _REMEDY), *_words(plan)))


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:
    try:
        program = find_program(plan, installed, _PROGRAM, _REMEDY)
    except CellUnavailable:
        return None
    return package_version(installed.python_of(program), installed, _PACKAGES)


def engine_key(plan: ServerPlan) -> str:
    """The engine cache's folder for a plan; the GPU's name is put before it by who knows it."""
    said = repr((plan.model_path, plan.version, sorted(plan.args.items())))
    return f"{plan.model_name}-{plan.version}-{short_hash(said, _KEY_LENGTH)}"


def _gpu_args(gpus: int) -> dict[str, ArgValue]:
    return {"tp_size": gpus} if gpus > 1 else {}


TRTLLM = Backend(
    name="trtllm",
    aliases=("tensorrt-llm", "tensorrt_llm"),
    formats=frozenset({ModelFormat.SAFETENSORS}),
    protocols=("openai-chat", "openai-completions"),
    ready_path="/health",
    known_args=_ARGS,
    published=_PUBLISHES,
    metrics_path="/prometheus/metrics",
    cold_cache_body=MappingProxyType({}),
    version_sources=(("/version", "version"),),
    unknown_versions=frozenset(),
    command=_command,
    installed_version=_installed_version,
    served_name=_model_name,
    neutral=MappingProxyType(
        {
            "tensor_parallel": "tp_size",
            "max_model_len": "max_seq_len",
            "gpu_memory_utilization": _MEMORY,
        }
    ),
    gpu_args=_gpu_args,
    container=Container(
        prebuilt=lambda version, _: f"nvcr.io/nvidia/tensorrt-llm/release:{version}",
        dockerfile=lambda _: "trtllm.Dockerfile",
        versions=MappingProxyType({"prebuilt": "latest"}),
        entrypoint=(_PROGRAM,),
        command=lambda plan: Command(_words(plan), _ENGINE_ENV),
        port=8000,
        shm_bytes=32 * GIB,
        caches=(HF_CACHE, Cache("~/.cache/trtllm-engines", _ENGINES, ENGINE_CACHE, key=engine_key)),
        hub_login="file",
    ),
)
