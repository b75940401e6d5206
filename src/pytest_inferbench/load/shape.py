"""What is sent and when: the abstract load that a workload yields and the engine carries out.

Limits: frozen values; no sockets, no protocol. Offsets are nanoseconds after the load's own start.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import GenerationRequest


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """`streams` users, each sending its next request when its last one has ended."""

    streams: int

    def __post_init__(self) -> None:
        if self.streams < 1:
            raise ConfigError(f"streams: got {self.streams}, expected at least 1")


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests leave at absolute times, whatever the server does.

    Attributes:
        offsets_ns: one offset a request, ascending, from the load's start.
    """

    offsets_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """One step of a workload.

    Attributes:
        requests: what to ask, in the order of sending.
        shape: when to send it.
        counted: whether the case's figures rest on it; False for a step that only prepares or searches.
    """

    requests: tuple[GenerationRequest, ...]
    shape: ClosedLoop | OpenLoop
    counted: bool = True

    def __post_init__(self) -> None:
        if not self.requests:
            raise ConfigError("a load needs at least one request")
        if isinstance(self.shape, OpenLoop) and len(self.shape.offsets_ns) != len(self.requests):
            raise ConfigError(
                f"an open loop needs one send time a request: {len(self.shape.offsets_ns)} times "
                f"for {len(self.requests)} requests"
            )

    @property
    def streams(self) -> int | None:
        """Concurrent streams of a closed loop; None in an open loop."""
        return self.shape.streams if isinstance(self.shape, ClosedLoop) else None
