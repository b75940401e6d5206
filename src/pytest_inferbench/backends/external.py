"""A server that is already there, of any make.

Law: nothing is known of it but that it speaks OpenAI's protocol; what other backends publish is looked for.
"""

from __future__ import annotations

from types import MappingProxyType

from pytest_inferbench.backends.arguments import table
from pytest_inferbench.backends.backend import Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.errors import ConfigError


def _command(plan: ServerPlan, installed: Installed) -> Command:  # noqa: ARG001 - Backend.command's signature
    raise ConfigError(
        f"backend external (model {plan.model_name}) starts nothing; give the server's address with --server-url"
    )


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:  # noqa: ARG001 - as above
    return None


EXTERNAL = Backend(
    name="external",
    formats=frozenset(ModelFormat),
    dialects=("openai-chat", "openai-completions"),
    ready_path="/v1/models",
    known_args=table(),
    counters=MappingProxyType({name: names + LLAMA.counters.get(name, ()) for name, names in VLLM.counters.items()}),
    metrics_path="/metrics",
    cold_cache_body=MappingProxyType({}),
    version_sources=VLLM.version_sources + LLAMA.version_sources,
    unknown_versions=VLLM.unknown_versions | LLAMA.unknown_versions,
    command=_command,
    installed_version=_installed_version,
    starts=False,
)
