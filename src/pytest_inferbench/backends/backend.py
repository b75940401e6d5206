"""What a backend is: the facts that the rest of the product needs of an inference server.

Limits: facts and pure functions. A backend writes the command line that starts its server; somebody else runs it, and
what is installed here is asked through `Installed`. Model names and arguments arrive validated
(`catalogue.check_args`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from pytest_inferbench.backends.command import INSTALLED, ArgValue, Command, ServerPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_inferbench.backends.container import Container

__all__ = ["INSTALLED", "Arg", "ArgValue", "Backend", "Command", "Installed", "ModelFormat", "ServerPlan"]


class ModelFormat(StrEnum):
    """How a model's weights are stored."""

    GGUF = "gguf"
    SAFETENSORS = "safetensors"


@dataclass(frozen=True, slots=True)
class Arg:
    """One server argument that people use.

    Attributes:
        name: its name in configuration files, with underscores.
        type: what its value must be; `str` also takes numbers.
        help: one line for people.
        flag: its spelling on the server's command line. A `bool` is `--flag` or `--no-flag`.
        aliases: further names people write, with underscores.
    """

    name: str
    type: type[str | int | float | bool]
    help: str
    flag: str
    aliases: tuple[str, ...] = ()


class Installed(Protocol):
    """What is installed on this machine, asked without starting a server."""

    def program(self, name: str) -> str | None:
        """The path of a program (by name or path) that can be run; None where there is none."""
        ...

    def python_of(self, program: str) -> str | None:
        """The interpreter that a Python program's first line names; None for other programs."""
        ...

    def package(self, python: str | None, name: str) -> str | None:
        """The version of a distribution installed for `python` (None: this interpreter); None where it is not."""
        ...

    def output(self, argv: tuple[str, ...]) -> str:
        """What a short command prints on both streams; empty where it cannot be run."""
        ...


def _named_as_told(plan: ServerPlan) -> str:
    return plan.model_name


def _no_args(gpus: int) -> Mapping[str, ArgValue]:  # noqa: ARG001 - Backend.gpu_args' signature
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Backend:
    """One inference server.

    Attributes:
        name: the option's value.
        aliases: other names people use for it.
        formats: the weights it can load.
        protocols: the wire protocols it speaks; the first is the default.
        ready_path: answers 200 when the model is loaded.
        known_args: the arguments that are typed, by canonical name.
        published: product name (`metrics.published`) -> its names on the metrics page, newest first; `:` and `_` are
            the same there.
        metrics_path: the Prometheus page; None where there is none.
        cold_cache_body: body fields that make a request leave the prompt cache alone.
        chunk_counts: by protocol, body fields that make it say how many tokens a chunk holds, where that was measured
            to cost next to nothing (docs/measurement.md).
        version_sources: (path, JSON field) pairs that tell the running version, best first.
        unknown_versions: what it says when its own build does not know its version.
        command: the command that starts a plan as a local process; raises CellUnavailable, with what to do, where its
            program is not installed here, and ConfigError where the backend starts nothing.
        installed_version: the version a plan would start, without starting it; None where it cannot be told.
        served_name: the name that the server of a plan answers to.
        neutral: the arguments that have an option of their own for all backends, by that option's name.
        gpu_args: arguments that a number of GPUs calls for where nobody gives them.
        container: how it runs in a container; None where it does not.
        pulls: whether a local process of it fetches a model by its repository's id.
        starts: whether there is anything to start; else it is only ever somebody else's, at an address.
    """

    name: str
    aliases: tuple[str, ...] = ()
    formats: frozenset[ModelFormat]
    protocols: tuple[str, ...]
    ready_path: str
    known_args: Mapping[str, Arg]
    published: Mapping[str, tuple[str, ...]]
    metrics_path: str | None
    cold_cache_body: Mapping[str, object]
    version_sources: tuple[tuple[str, str], ...]
    unknown_versions: frozenset[str]
    command: Callable[[ServerPlan, Installed], Command]
    installed_version: Callable[[ServerPlan, Installed], str | None]
    served_name: Callable[[ServerPlan], str] = _named_as_told
    neutral: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    gpu_args: Callable[[int], Mapping[str, ArgValue]] = _no_args
    chunk_counts: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: MappingProxyType({}))
    container: Container | None = None
    starts: bool = True
    pulls: bool = True

    def __repr__(self) -> str:
        return f"<backend {self.name}>"
