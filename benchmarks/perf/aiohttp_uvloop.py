"""The same aiohttp client on uvloop: the best that the ordinary tools do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

from .aiohttp_stock import stream_all

if TYPE_CHECKING:
    from .client import ClientRun, Job


def run(job: Job) -> ClientRun:
    """Make the job's requests."""
    return uvloop.run(stream_all(job))
