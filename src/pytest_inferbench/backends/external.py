"""A server that is already there, of any make.

Limits: nothing is known of it but that it speaks OpenAI's protocol; what other backends publish is looked for.
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType

from pytest_inferbench.backends.arguments import table
from pytest_inferbench.backends.backend import Backend, Command, Installed, ModelFormat, ServerPlan
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.sglang import SGLANG
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.published import PUBLISHED

_MAKERS = (VLLM, SGLANG, LLAMA)
# The page tells whose it is: no two servers share a name, but for that of the process.
_PUBLISHES = MappingProxyType(
    {
        name: tuple(dict.fromkeys(chain.from_iterable(maker.published.get(name, ()) for maker in _MAKERS)))
        for name in PUBLISHED
    }
)


def _command(plan: ServerPlan, installed: Installed) -> Command:  # noqa: ARG001 - Backend.command's signature
    raise ConfigError(
        f"backend external (model {plan.model_name}) starts nothing; give the server's address with --server-url"
    )


def _installed_version(plan: ServerPlan, installed: Installed) -> str | None:  # noqa: ARG001 - as above
    return None


EXTERNAL = Backend(
    name="external",
    formats=frozenset(ModelFormat),
    protocols=("openai-chat", "openai-completions"),
    ready_path="/v1/models",
    known_args=table(),
    published=_PUBLISHES,
    metrics_path="/metrics",
    cold_cache_body=MappingProxyType({}),
    version_sources=VLLM.version_sources + LLAMA.version_sources,
    unknown_versions=VLLM.unknown_versions | LLAMA.unknown_versions,
    command=_command,
    installed_version=_installed_version,
    starts=False,
)
