"""Removing containers that nobody owns any more.

Limits: only what carries our labels is looked at, and only what a dead process of this machine started is removed. One
that was kept on purpose stays until it is asked for. Local processes need none of this: their guard ends them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.servers.owner import KEPT, PID, RUN, owner_lives

if TYPE_CHECKING:
    from pytest_inferbench.servers.docker_engine import ContainerState, Engine


def orphans(engine: Engine) -> tuple[ContainerState, ...]:
    """Containers whose owner is dead, without those that were kept on purpose."""
    return tuple(one for one in engine.list_labelled(RUN) if KEPT not in one.labels and not owner_lives(one.labels))


def reap_orphans(engine: Engine, owner: int | None = None) -> tuple[str, ...]:
    """Remove containers whose owner is dead; returns the ids of those removed.

    Args:
        engine: where they run.
        owner: only those of the process that had this id; None for all.
    """
    return _remove(engine, tuple(one for one in orphans(engine) if owner in (None, int(one.labels[PID]))))


def remove_run(engine: Engine, run_id: str) -> tuple[str, ...]:
    """Remove what a run of ours left, whoever of it started it; what was kept on purpose stays."""
    return _remove(engine, tuple(one for one in engine.list_labelled(f"{RUN}={run_id}") if KEPT not in one.labels))


def _remove(engine: Engine, containers: tuple[ContainerState, ...]) -> tuple[str, ...]:
    gone = []
    for one in containers:
        with contextlib.suppress(ProvisionError):  # the next run tries again
            engine.remove(one.id)
            gone.append(one.id)
    return tuple(gone)
