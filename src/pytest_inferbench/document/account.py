"""How a case was measured: the account of its server, and of the load generator itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_inferbench.document.observed import Observed
from pytest_inferbench.document.part import Count, Part


@dataclass(frozen=True, slots=True)
class ServerAccount(Part):
    """How the server was provided and what it says of itself."""

    url: str | None = None
    """Where it was reached."""
    provision: str | None = None
    """What it was: `docker`, `process` or `url`."""
    ready_seconds: float | None = None
    """From its start to its first answer."""
    restarts: Count | None = None
    """How often it had been started anew in this run."""
    args: Mapping[str, Any] | None = None
    """Its arguments, by name."""
    args_hash: str | None = None
    """Tells two sets of arguments apart."""
    sources: Mapping[str, str] | None = None
    """Where each was written, file:line."""
    image: str | None = None
    """Of a container: the image's name."""
    image_digest: str | None = None
    """Its digest."""
    image_origin: str | None = None
    """Where it came from: `prebuilt`, or built here."""
    said_version: str | None = None
    """The version that the server in a container says it is."""
    reused: bool | None = None
    """An earlier run had left it running."""
    model_revision: str | None = None
    """The commit of the weights' snapshot in the hub's cache."""
    model_hash: str | None = None
    """Over the weights' names, sizes and contents."""
    model_hash_of: Literal["contents", "samples"] | None = None
    """Whether the weights were read whole."""
    served_model: str | None = None
    """Of a server that was not started here: the model that it says it serves."""
    salt: str | None = None
    """What the beginnings of its prompts were drawn from."""
    canary: str | None = None
    """Tells two sets of greedy answers apart."""
    log: str | None = None
    """The file of its output."""
    observed: Observed | None = None
    """What was read from its metrics page; absent where it has none."""


@dataclass(frozen=True, slots=True)
class ClientAccount(Part):
    """The load generator's own health over all workers and rounds. A figure that was not seen is absent."""

    workers: Count | None = None
    """Processes that sent the load."""
    received_bytes: Count | None = None
    """What they read."""
    reads: Count | None = None
    """In how many reads."""
    reconnects: Count | None = None
    """Connections that had to be made again."""
    realtime: bool | None = None
    """Whether all of them had real-time scheduling."""
    kernel_stamps: bool | None = None
    """Whether every arrival was stamped by the kernel."""
    loop_lag_p50_ms: float | None = None
    """How late their loops were."""
    loop_lag_p99_ms: float | None = None
    loop_lag_max_ms: float | None = None
    schedule_lag_p50_ms: float | None = None
    """How late requests of an open loop were sent."""
    schedule_lag_p99_ms: float | None = None
    schedule_lag_max_ms: float | None = None
    pause_max_ms: float | None = None
    """The longest that one of them was away from its sockets."""
    cpu_share: float | None = None
    """The busiest worker's share of one core."""
    cpu_us_per_read: float | None = None
    """CPU time of a read."""
    self_error_ms: float | None = None
    """What the client adds to p99 TTFT at this load, at most."""
