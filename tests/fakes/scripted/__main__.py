"""The server as a process: `PYTHONPATH=tests python -m fakes.scripted --port 8080 --script '{"gap_ms": 5}'`.

Limits: prints its port on one line once it listens. With `--owned` it ends when its standard input closes, so that a
test that dies takes its server along.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import socket
import sys

from .engine import Engine
from .script import Script


def main() -> None:
    """Read the arguments, listen, say where, serve."""
    parser = argparse.ArgumentParser(prog="fakes.scripted")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=json.loads, default={}, help="JSON: fields of Script")
    parser.add_argument("--capacity", type=int)
    parser.add_argument("--freeze-at", type=float, help="seconds after the first generation request")
    parser.add_argument("--freeze", type=float, default=0.0, help="seconds")
    parser.add_argument("--owned", action="store_true", help="end when standard input closes")
    args = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.create_server(("127.0.0.1", args.port), backlog=4096)
    engine = Engine(
        listener,
        Script().but(args.script),
        capacity=args.capacity,
        freeze_at_s=args.freeze_at,
        freeze_s=args.freeze,
        owner=sys.stdin.fileno() if args.owned else None,
    )
    # Nothing here makes cycles that outlive a request, and a collection would be a pause that looks like the script's.
    gc.freeze()
    gc.disable()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    engine.serve()


if __name__ == "__main__":
    main()
