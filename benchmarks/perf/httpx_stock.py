"""httpx as most tools use it: one AsyncClient, `aiter_lines`, JSON parsed for each chunk, asyncio's own loop."""

from __future__ import annotations

import asyncio
from time import monotonic_ns, process_time

import httpx

from .client import PATH, ClientRun, Job, Timeline, is_output, peak_rss_bytes


def run(job: Job) -> ClientRun:
    """Make the job's requests."""
    return asyncio.run(_run(job))


async def _run(job: Job) -> ClientRun:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=job.url, limits=limits, timeout=None) as client:  # noqa: S113 - the parent limits the run
        before = process_time()
        timelines = await asyncio.gather(*(_stream(client, job, number) for number in range(job.streams)))
        cpu_seconds = process_time() - before
    return ClientRun(tuple(line for lines in timelines for line in lines), cpu_seconds, peak_rss_bytes())


async def _stream(client: httpx.AsyncClient, job: Job, number: int) -> list[Timeline]:
    timelines = []
    for turn in range(job.turns):
        arrivals = []
        sent_ns = monotonic_ns()
        async with client.stream("POST", PATH, json=job.body(number, turn)) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: ") and is_output(line[6:].encode()):
                    arrivals.append(monotonic_ns())  # noqa: PERF401 - stamped one by one
        timelines.append(Timeline(job.request_id(number, turn), sent_ns, tuple(arrivals)))
    return timelines
