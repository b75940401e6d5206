"""The run: one server, every stream count, rounds of all clients in turn, a table and a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fakes.scripted import Script, ScriptedServer

from . import ROOT
from .client import Job, allow_connections
from .clients import CLIENTS, measure
from .compare import Figures, figures, medians
from .table import LEGEND, table, targets

SCRIPT = Script(first_ms=50.0, gap_ms=20.0)
_REQUESTS = 16  # at least so many in a run, so that one stream has a distribution too
_LEAST_TOKENS = 8
_MOST_CHUNKS = 32_000  # in a run, so that the slowest client keeps the whole within minutes
_PACKAGES = ("pytest-inferbench", "httpx", "aiohttp", "uvloop")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf", description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 64, 256, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=50, help="output tokens of a stream, at most")
    parser.add_argument("--clients", nargs="+", choices=list(CLIENTS), default=list(CLIENTS))
    parser.add_argument(
        "--tool",
        type=_tool,
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="a client of your own as a further row: it reads the job, with the server's URL, as JSON on standard "
        "input and writes what it saw to standard output (Job and ClientRun in benchmarks/perf/client.py)",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "perf" / "client")
    args = parser.parse_args()
    tools = dict(args.tool)
    allow_connections(max(args.streams))
    started = datetime.now(UTC)
    sys.stdout.write(LEGEND + "\n")
    results = []
    with ScriptedServer(SCRIPT) as server:
        for streams in args.streams:
            turns = max(1, _REQUESTS // streams)
            tokens = max(_LEAST_TOKENS, min(args.tokens, _MOST_CHUNKS // streams) // turns)
            shape = Job(server.url, streams, turns, tokens, "")
            found = _rounds(server, shape, [*args.clients, *tools], args.rounds, tools)
            rows = {client: medians(rounds) for client, rounds in found.items()}
            title = f"{streams} streams, {turns} x {tokens} tokens each, medians of {args.rounds} rounds"
            sys.stdout.write(table(title, rows, late_us=SCRIPT.gap_ms * 1000) + targets(rows) + "\n")
            sys.stdout.flush()
            results.append({"streams": streams, "turns": turns, "tokens": tokens, "medians": rows, "rounds": found})
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{started:%Y%m%dT%H%M%SZ}.json"
    document = {"started": started.isoformat(), "environment": _environment(), "script": SCRIPT.to_json()}
    path.write_text(json.dumps({**document, "results": results}, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n")


def _tool(text: str) -> tuple[str, str]:
    name, _, command = text.partition("=")
    if not name or not command.strip() or name in CLIENTS:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected NAME=COMMAND with a name that is none of {', '.join(CLIENTS)}"
        )
    return name, command


def _rounds(
    server: ScriptedServer, shape: Job, clients: list[str], rounds: int, tools: dict[str, str]
) -> dict[str, list[Figures]]:
    """Every client once a round, so that what drifts on the machine drifts for all of them."""
    found: dict[str, list[Figures]] = {client: [] for client in clients}
    for number in range(rounds):
        for client in clients:
            job = Job(shape.url, shape.streams, shape.turns, shape.tokens, f"{client}-{shape.streams}-{number}")
            server.forget()
            run = measure(client, job, tools)
            truth, health = server.truth()
            found[client].append(figures(job, run, truth, health))
    return found


def _environment() -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "kernel": platform.release(), "cpus": os.cpu_count(), **versions}


if __name__ == "__main__":
    main()
