"""Leases of GPUs: a server gets whole GPUs that no other server of ours has.

Limits: a lease is a lock on a file, one for each GPU, in one folder for all processes of the machine; the system lets
go of it when its holder ends, however it ends. Who cannot have all it needs takes none, so nobody waits for each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.files import try_lock
from pytest_inferbench.models.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.clock import Clock
    from pytest_inferbench.devices.gpu import Devices, Gpu
    from pytest_inferbench.servers.server import Life

_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Lease:
    """GPUs that are ours until `release`.

    Attributes:
        gpus: which, in the machine's order.
    """

    gpus: tuple[Gpu, ...]
    _locks: tuple[IO[str], ...] = ()

    @property
    def held(self) -> tuple[int, ...]:
        """Descriptors of its locks."""
        return tuple(lock.fileno() for lock in self._locks)

    def release(self) -> None:
        """Let others have them; may be called again."""
        for lock in self._locks:
            lock.close()


def lease_gpus(
    wanted: int | None,
    devices: Devices,
    folder: Path,
    *,
    timeout_s: float,
    clock: Clock,
    progress: Progress = silent,
) -> Lease:
    """Wait for GPUs and take them.

    Args:
        wanted: how many; None for all that are visible, 0 for none.
        devices: who knows what there is.
        folder: where the locks are; the same for all processes of the machine.
        timeout_s: how long others may keep them.
        clock: the clock.
        progress: told when others have them.

    Raises:
        CellUnavailable: there are not that many.
        ProvisionError: others kept them too long.
    """
    there = devices.gpus()
    count = len(there) if wanted is None else wanted
    if count > len(there):
        why = "lower --tensor-parallel" if there else devices.why_none()
        raise CellUnavailable(f"it needs {count} GPUs and this machine shows {len(there)}; {why}")
    if count == 0:
        return Lease(())
    folder.mkdir(parents=True, exist_ok=True)
    start = clock.now_ns()
    while True:
        lease = _try(there, count, folder)
        if lease is not None:
            return lease
        if (clock.now_ns() - start) / NS_PER_S >= timeout_s:
            raise ProvisionError(
                f"{count} of {len(there)} GPUs were not free within {timeout_s:g} s: other benchmarks hold them "
                f"(locks in {folder}); end those, or raise --server-timeout"
            )
        progress(f"waiting for {count} of {len(there)} GPUs that other benchmarks hold")
        clock.sleep(_PAUSE_S)


def _try(there: Sequence[Gpu], count: int, folder: Path) -> Lease | None:
    """All of `count` GPUs, or none."""
    taken: list[Gpu] = []
    locks: list[IO[str]] = []
    for gpu in there:
        lock = (folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', gpu.uuid)}.lock").open("a", encoding="ascii")
        if not try_lock(lock.fileno()):
            lock.close()
            continue
        taken.append(gpu)
        locks.append(lock)
        if len(taken) == count:
            return Lease(tuple(taken), tuple(locks))
    Lease((), tuple(locks)).release()
    return None


@dataclass(frozen=True, slots=True)
class Leased:
    """The life of a server that holds GPUs: they are free again when it has ended.

    Attributes:
        life: what holds the server up.
        lease: its GPUs.
    """

    life: Life
    lease: Lease

    def alive(self) -> str | None:
        """None while it runs, else how it ended."""
        return self.life.alive()

    def stop(self) -> None:
        """End it and give its GPUs back; may be called again."""
        try:
            self.life.stop()
        finally:
            self.lease.release()

    def discard(self) -> None:
        """End it, also where it was to be kept, and give its GPUs back; may be called again."""
        try:
            self.life.discard()
        finally:
            self.lease.release()

    def log_tail(self, n: int) -> tuple[str, ...]:
        """Its last `n` log lines."""
        return self.life.log_tail(n)
