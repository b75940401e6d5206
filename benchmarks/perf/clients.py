"""The clients that are measured, and the process each runs in: `python -m benchmarks.perf.clients NAME < job`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module

from . import ROOT
from .client import Client, ClientRun, Job, allow_connections

# In the order in which they are run and shown: module and function.
CLIENTS = {
    "floor": ("benchmarks.perf.floor", "run"),
    "floor-kern": ("benchmarks.perf.floor", "run_stamped"),
    "ours": ("benchmarks.perf.ours", "run"),
    "aiohttp": ("benchmarks.perf.aiohttp_stock", "run"),
    "aiohttp-uv": ("benchmarks.perf.aiohttp_uvloop", "run"),
    "httpx": ("benchmarks.perf.httpx_stock", "run"),
}
_LIMIT_S = 120


def measure(name: str, job: Job, tools: Mapping[str, str]) -> ClientRun:
    """One run of one client in a fresh process.

    Args:
        name: one of `CLIENTS`, or a tool's.
        job: what it asks, and at which URL; it gets it as JSON on standard input.
        tools: name -> command line of a client that is not ours; it writes a `ClientRun` as JSON to standard output.

    Raises:
        SystemExit: the client failed or did not end in time; its own words stand above on stderr.
    """
    command = shlex.split(tools[name]) if name in tools else [sys.executable, "-m", __name__, name]
    text = json.dumps(asdict(job))
    try:
        done = subprocess.run(  # noqa: S603 - our own module, or the caller's tool
            command, check=False, input=text, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=_LIMIT_S
        )
    except OSError as error:
        raise SystemExit(f"client {name}: {command[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise SystemExit(f"client {name} with {job.streams} streams did not end within {_LIMIT_S} s") from None
    if done.returncode:
        raise SystemExit(f"client {name} with {job.streams} streams failed (exit {done.returncode}); see above")
    try:
        return ClientRun.from_json(done.stdout)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SystemExit(
            f"client {name} wrote no ClientRun (benchmarks/perf/client.py): {done.stdout[:200]!r}"
        ) from None


def _child() -> None:
    job = Job(**json.load(sys.stdin))
    allow_connections(job.streams)
    module, function = CLIENTS[sys.argv[1]]
    client: Client = getattr(import_module(module), function)
    sys.stdout.write(client(job).to_json())


if __name__ == "__main__":
    _child()
