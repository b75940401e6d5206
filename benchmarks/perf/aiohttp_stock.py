"""aiohttp as most tools use it: one session, lines, JSON parsed for each chunk, asyncio's own loop."""

from __future__ import annotations

import asyncio
from time import monotonic_ns, process_time

import aiohttp

from .client import PATH, ClientRun, Job, Timeline, is_output, peak_rss_bytes


def run(job: Job) -> ClientRun:
    """Make the job's requests."""
    return asyncio.run(stream_all(job))


async def stream_all(job: Job) -> ClientRun:
    """Make the job's requests on the loop that runs."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        before = process_time()
        timelines = await asyncio.gather(*(_stream(session, job, number) for number in range(job.streams)))
        cpu_seconds = process_time() - before
    return ClientRun(tuple(line for lines in timelines for line in lines), cpu_seconds, peak_rss_bytes())


async def _stream(session: aiohttp.ClientSession, job: Job, number: int) -> list[Timeline]:
    timelines = []
    for turn in range(job.turns):
        arrivals = []
        sent_ns = monotonic_ns()
        async with session.post(job.url + PATH, json=job.body(number, turn)) as response:
            response.raise_for_status()
            async for line in response.content:
                if line.startswith(b"data: ") and is_output(line[6:].strip()):
                    arrivals.append(monotonic_ns())  # noqa: PERF401 - stamped one by one
        timelines.append(Timeline(job.request_id(number, turn), sent_ns, tuple(arrivals)))
    return timelines
