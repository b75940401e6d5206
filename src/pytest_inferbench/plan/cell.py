"""A cell: one (model, backend, version), which is one server.

Limits: frozen and hashable: pytest groups tests by it, and two equal cells share a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_inferbench.backends.backend import ArgValue
from pytest_inferbench.config.document import Section

RUNNING = "running"  # the version of a server that somebody else started


@dataclass(frozen=True, slots=True)
class Cell:
    """One server to measure.

    Attributes:
        model: its short name, in ids and baselines.
        backend: the backend's name.
        version: the version that was asked for; INSTALLED or RUNNING where none was.
        protocol: the wire protocol's name.
        variant: the variant's name; "" for none.
        location: a path, `builtin:NAME` or a repository id; "" for a server that is already there.
        served_model: the name that an existing server shall list; "" for whatever it serves.
        url: address of an existing server; None where one is started.
        provision: how the server comes up: "process", "docker" or "url".
        image: a container image to use as it is; None for the backend's own.
        image_type: "prebuilt" or "build"; "" where there is no container.
        memory: the most memory a container may take, in bytes; None for no limit.
        pids: the most processes and threads it may have; None for what is enough for its GPUs.
        gpus: how many GPUs the server shall get; None for all that are visible.
        args: server arguments by canonical name.
        program, python: another installation.
        engine_cache: the folder of built engines; None for the backend's own.
        api_key: the environment variable that holds an existing server's key; None where it asks for none.
        hub_token: the environment variable that holds the token for the model hub; None for the usual one.
        slo: per-request limits for goodput.
        sources: where each of these comes from.
        policy: the `policy:` sections of its model and of the suite, the nearer first.
    """

    model: str
    backend: str
    version: str
    protocol: str
    variant: str = ""
    location: str = ""
    served_model: str = ""
    url: str | None = None
    provision: str = "process"
    image: str | None = None
    image_type: str = ""
    memory: int | None = None
    pids: int | None = None
    gpus: int | None = None
    args: tuple[tuple[str, ArgValue], ...] = ()
    program: str | None = None
    python: str | None = None
    engine_cache: str | None = None
    api_key: str | None = None
    hub_token: str | None = None
    slo: tuple[tuple[str, float], ...] = ()
    sources: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    policy: tuple[Section, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        """The cell's part of a test id: `vllm-v0.8.0-qwen3-8b`."""
        return "-".join(part for part in (self.backend, self.version, self.model, self.variant) if part)
