"""The load engine under test, as a benchmark uses it: one worker process, decoded into records."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.load.job import EncodedRequest, Limits, Target
from pytest_inferbench.wire.http import encode_head

from .client import PATH, ClientRun, Job, Timeline


def run(job: Job) -> ClientRun:
    """Make the job's requests as one closed loop."""
    address = urlsplit(job.url)
    ids, requests = [], []
    for turn in range(job.turns):
        for stream in range(job.streams):
            body = json.dumps(job.body(stream, turn)).encode()
            head = encode_head("POST", PATH, address.netloc, (("Content-Type", "application/json"),), len(body))
            requests.append(EncodedRequest(len(ids), head + body, None, job.tokens, "", False))
            ids.append(job.request_id(stream, turn))
    engine = LoadEngine()
    try:
        seen = engine.carry(
            tuple(requests),
            target=Target(address.hostname or "", address.port or 80),
            protocol="openai-chat",
            streams=job.streams,
            limits=Limits(),
        )
        peak = sum(_peak(pid) for pid in engine.pids)
    finally:
        engine.close()
    timelines = tuple(
        Timeline(ids[record.index], record.sent_ns, record.output_ns)
        for record in seen.records
        if record.failure is None and record.sent_ns is not None
    )
    return ClientRun(
        timelines,
        sum(reading.cpu_seconds for reading in seen.workers),
        peak,
        sum(reading.decode_seconds for reading in seen.workers),
    )


def _peak(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024
