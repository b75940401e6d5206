"""What a container is to be: its image, command, environment, mounts, devices and labels.

Limits: from a plan to values; the engine is not asked, files are looked at only for where links lead, whether a cache
is there, and the token of who has logged in to the hub. Two equal specs on the same image are the same server.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_inferbench.backends.container import MODELS, Container
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import short_hash
from pytest_inferbench.models.hub import stored_token
from pytest_inferbench.plan.secrets import HUB_TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.backends.backend import ServerPlan

_HASH_LENGTH = 16
_SHALLOWEST = 2
PIDS_PER_GPU = 4096
"""An engine runs a process for each GPU, each with some threads for each core, about 2000 where there are 256 cores. A
fork bomb has met it before the machine feels anything."""
_TOKEN_FILE = "/run/secrets/hf_token"  # noqa: S105 - where it stands
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - the container's own; what is published is 127.0.0.1


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the host in the container."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container to start.

    Attributes:
        image: the image's reference, or its id.
        entrypoint: the program; None for the image's own.
        argv: its arguments.
        env: variables set for it; kept out of every text.
        mounts: what it sees of the host.
        port: the port it listens on, inside.
        gpus: UUIDs of the GPUs it gets.
        shm_bytes: shared memory; None for the engine's own.
        memory_bytes: the most memory it may take; None for no limit.
        pids: the most processes and threads it may have.
        capabilities: those it keeps of root's.
        secrets: what files hold that are written into it before it starts, by path; kept out of every text.
        published: address and port of the host; port 0 for any free one.
    """

    image: str
    entrypoint: tuple[str, ...] | None
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    mounts: tuple[Mount, ...]
    port: int
    gpus: tuple[str, ...] = ()
    shm_bytes: int | None = None
    memory_bytes: int | None = None
    pids: int = PIDS_PER_GPU
    capabilities: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    published: tuple[str, int] = ("127.0.0.1", 0)

    @property
    def digest(self) -> str:
        """A name for all of it, but for which GPUs of how many, and for secrets: another token is no other server."""
        parts = (
            *(self.image, self.entrypoint, self.argv, sorted(self.env.items())),
            *([(m.source, m.target, m.read_only) for m in self.mounts], self.port, len(self.gpus)),
            *(self.shm_bytes, self.memory_bytes, self.pids, self.capabilities),
        )
        return short_hash(json.dumps(parts), _HASH_LENGTH)

    def secret_files(self) -> bytes:
        """Its secrets as a tar archive for the container's root; whoever the server is there may read them."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, text in self.secrets.items():
                folder = tarfile.TarInfo(path.rpartition("/")[0].lstrip("/"))
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(folder)
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(text.encode()), 0o444
                tar.addfile(entry, io.BytesIO(text.encode()))
        return archive.getvalue()


def container_spec(
    plan: ServerPlan,
    container: Container,
    image: str,
    *,
    gpus: Sequence[tuple[str, str]] = (),
    memory_bytes: int | None = None,
    pids: int | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> ContainerSpec:
    """The container that serves a plan.

    Args:
        plan: the server; its model is the host's path, or a repository id.
        container: the backend's containers.
        image: what to start.
        gpus: UUID and product name of each GPU it gets.
        memory_bytes: the most memory it may take.
        pids: the most processes and threads it may have; None for what is enough for its GPUs.
        environ: our own environment: the hub's token, and where caches are.

    Raises:
        ConfigError: the model's files lie too far apart to be shown to a container.
    """
    inside, mounts = model_mounts(plan.model_path)
    there = replace(plan, model_path=inside, host=_ALL_ADDRESSES, port=container.port)
    command = container.command(there)
    kind = gpus[0][1] if gpus else "cpu"
    fetches = inside == plan.model_path
    env, secrets = _hub_token(container, environ) if fetches else ({}, {})
    return ContainerSpec(
        image=image,
        entrypoint=container.entrypoint,
        argv=command.argv,
        env={**command.env, **env},
        mounts=(*mounts, *_cache_mounts(container, there, kind, environ, fetches=fetches)),
        port=container.port,
        gpus=tuple(uuid for uuid, _ in gpus),
        shm_bytes=container.shm_bytes,
        memory_bytes=memory_bytes,
        pids=pids or PIDS_PER_GPU * max(1, len(gpus)),
        capabilities=container.capabilities,
        secrets=secrets,
        published=(plan.host, plan.port),
    )


def model_mounts(location: str) -> tuple[str, tuple[Mount, ...]]:
    """Where a container finds a model, and the read-only mounts for that; a repository id is left as it is.

    A model in a hub's cache is a folder of links to files elsewhere in that cache: the mount is the folder that holds
    both, so that the links lead somewhere inside too.

    Raises:
        ConfigError: the files have next to nothing of their paths in common.
    """
    path = Path(location)
    if not path.is_absolute():
        return location, ()
    folder = path if path.is_dir() else path.parent
    split = not path.is_dir() and "-of-" in path.name
    files = sorted(folder.iterdir()) if path.is_dir() or split else [path]
    if files == [path]:
        real = path.resolve()
        return f"{MODELS}/{path.name}", (Mount(str(real), f"{MODELS}/{path.name}", read_only=True),)
    base = folder.resolve()
    root = Path(os.path.commonpath([base, *(file.resolve() for file in files)]))
    if len(root.parts) <= _SHALLOWEST:
        raise ConfigError(
            f"model {path}: it links to files of which {root} is the nearest common folder; too much to show to "
            "a container: copy the model's files into one folder"
        )
    if root == base:
        # Under its own name, which some servers serve it by.
        shown = f"{MODELS}/{base.name}"
        return shown if path.is_dir() else f"{shown}/{path.name}", (Mount(str(base), shown, read_only=True),)
    within = base.relative_to(root) / ("" if path.is_dir() else path.name)
    return f"{MODELS}/{within}", (Mount(str(root), MODELS, read_only=True),)


def _hub_token(container: Container, environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Variables and files that tell a server the hub's token; none where there is no token, or it takes none."""
    token = environ.get(HUB_TOKEN)
    if container.hub_login == "environment" and token:
        return {HUB_TOKEN: token}, {}
    if container.hub_login == "file" and (token := token or stored_token(environ)):
        return {"HF_TOKEN_PATH": _TOKEN_FILE}, {_TOKEN_FILE: token}
    return {}, {}


def _cache_mounts(
    container: Container, plan: ServerPlan, gpu: str, environ: Mapping[str, str], *, fetches: bool
) -> tuple[Mount, ...]:
    """The caches it is shown; downloads only to be read, and where there are any, unless it fetches its model."""
    mounts = []
    for cache in container.caches:
        folder = Path(environ.get(cache.variable) or cache.host).expanduser() / cache.below
        if cache.key is not None:
            folder /= "".join(char if char.isalnum() or char in "._-" else "-" for char in f"{gpu}-{cache.key(plan)}")
        read_only = cache.downloads and not fetches
        if not read_only or folder.is_dir():
            mounts.append(Mount(str(folder), cache.inside, read_only))
    return tuple(mounts)
