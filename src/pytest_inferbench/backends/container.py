"""How a backend runs in a container: its images, its command there, what it needs of the host.

Limits: facts and pure functions, as in `backend.py`; nothing here knows Docker. Paths in a plan are the container's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pytest_inferbench.backends.command import Command, ServerPlan

MODELS = "/models"
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of the host that a container may write to, so that downloads and compiled kernels are kept.

    Attributes:
        host: the folder; `~` is the user's home.
        inside: where it is in the container.
        variable: the environment variable that names another folder on the host; "" for none.
        below: what of that folder is shown; "" for all of it.
        key: what of a plan separates its entries; empty where the server separates them itself.
        downloads: it holds models: only a server that fetches its model itself may write to it, the others read.
    """

    host: str
    inside: str
    variable: str = ""
    below: str = ""
    key: Callable[[ServerPlan], str] | None = None
    downloads: bool = False


ENGINE_CACHE = "INFERBENCH_ENGINE_CACHE"  # the variable that `engine_cache:` of the config is
# Its models and no more: beside them lies the token of who has logged in to the hub.
HF_CACHE = Cache("~/.cache/huggingface", "/root/.cache/huggingface/hub", "HF_HOME", "hub", downloads=True)


def no_build_args(version: str, gpus: int) -> Mapping[str, str]:  # noqa: ARG001 - Container.build_args' signature
    """Build arguments for a Dockerfile that needs only the version."""
    return MappingProxyType({})


def as_asked(version: str) -> str:
    """A server that says the version it was asked for."""
    return version


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Container:
    """One backend's containers.

    Attributes:
        prebuilt: the published image for (version, number of GPUs); None where nobody publishes one.
        dockerfile: the name of the Dockerfile that builds a version; None where there is none.
        build_args: build arguments beside VERSION for (version, number of GPUs).
        versions: the version that is taken where none is asked for, by image type; the first type is the default.
        says: what a server of that version says it is.
        entrypoint: the program; None for the image's own.
        command: arguments and environment.
        port: the port it listens on, inside.
        shm_bytes: shared memory; None for the engine's own (64 MiB).
        caches: folders kept on the host.
        hub_login: how it takes the hub's token where it fetches its model itself: in a "file" that HF_TOKEN_PATH names,
            in the "environment" (HF_TOKEN, which `docker inspect` shows), or not at all ("").
        capabilities: those it keeps of root's. It is root in its image, and its model and its caches belong to whoever
            started it, often with nothing for others.
    """

    prebuilt: Callable[[str, int], str] | None
    dockerfile: Callable[[str], str] | None
    build_args: Callable[[str, int], Mapping[str, str]] = no_build_args
    versions: Mapping[str, str]
    says: Callable[[str], str] = as_asked
    entrypoint: tuple[str, ...] | None
    command: Callable[[ServerPlan], Command]
    port: int
    shm_bytes: int | None = None
    caches: tuple[Cache, ...] = ()
    hub_login: Literal["", "file", "environment"] = ""
    capabilities: tuple[str, ...] = ("DAC_OVERRIDE",)

    @property
    def image_types(self) -> tuple[str, ...]:
        """What can be done to have an image."""
        ways = {"prebuilt": self.prebuilt, "build": self.dockerfile}
        return tuple(name for name, way in ways.items() if way is not None)

    @property
    def image_type(self) -> str:
        """What is done where nobody says: "prebuilt" or "build"."""
        return next(iter(self.versions))
