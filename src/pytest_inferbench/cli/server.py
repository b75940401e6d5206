"""`inferbench server`: the containers of ours that are there, kept by --keep-server or left by a run that died.

Limits: only what carries our labels is looked at. What a live run uses is never stopped unless it is named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_inferbench.cli.command import Command
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from pytest_inferbench.servers.docker_engine import ContainerState, Engine

_KEPT, _ORPHAN, _IN_USE = "kept", "orphan", "in use"


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="list|status|stop", required=True)
    verbs.add_parser("list", help="the servers that are there, and whose they are").set_defaults(work=_list)
    verbs.add_parser("status", help="the same, and whether each answers").set_defaults(work=_status)
    stop = verbs.add_parser("stop", help="end servers: those kept, those named, or orphans")
    stop.add_argument("names", nargs="*", metavar="NAME", help="Servers to end, by the beginning of name or id.")
    stop.add_argument("--orphans", action="store_true", help="End what runs that died have left, and nothing else.")
    stop.set_defaults(work=_stop)


def _run(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.servers.docker_engine import connect  # noqa: PLC0415 - heavy

    work: Callable[[Engine, argparse.Namespace], int] = arguments.work
    return work(connect(), arguments)


def _ours(engine: Engine) -> list[tuple[ContainerState, str]]:
    """Our containers with whose each is: kept on purpose, left by a dead owner, or in use."""
    from pytest_inferbench.servers.orphans import orphans  # noqa: PLC0415 - heavy
    from pytest_inferbench.servers.owner import KEPT, RUN  # noqa: PLC0415 - heavy

    dead = {one.id for one in orphans(engine)}
    return [
        (one, _KEPT if KEPT in one.labels else _ORPHAN if one.id in dead else _IN_USE)
        for one in engine.list_labelled(RUN)
    ]


def _list(engine: Engine, _: argparse.Namespace) -> int:
    _print(engine, lambda address: address)
    return 0


def _status(engine: Engine, _: argparse.Namespace) -> int:
    from pytest_inferbench.servers.reply import list_models  # noqa: PLC0415 - heavy

    _print(engine, lambda address: f"{address} {list_models(address)}")
    return 0


def _print(engine: Engine, where: Callable[[str], str]) -> None:
    """A block for each server: whose it is, its name, where it is, what runs there."""
    from pytest_inferbench.cli.table import print_rows  # noqa: PLC0415 - heavy

    rows = [
        (whose, "\n".join((one.name, where(f"http://{one.address}") if one.address else "no port", _what(one))))
        for one, whose in _ours(engine)
    ]
    if rows:
        print_rows(rows)
    else:
        sys.stdout.write("no servers of ours\n")


def _what(one: ContainerState) -> str:
    return f"{one.status}, {one.image_name}"


def _stop(engine: Engine, arguments: argparse.Namespace) -> int:
    if arguments.names and arguments.orphans:
        raise ConfigError("--orphans and names exclude each other; run it once for each")
    ours = _ours(engine)
    for name in arguments.names:
        if not any(_is(one, name) for one, _ in ours):
            known = ", ".join(one.name for one, _ in ours) or "none"
            raise ConfigError(f"{name}: no server of ours is called so; there are {known}")
    wanted = _ORPHAN if arguments.orphans else _KEPT
    chosen = [
        one
        for one, whose in ours
        if (any(_is(one, name) for name in arguments.names) if arguments.names else whose == wanted)
    ]
    for one in chosen:
        engine.remove(one.id)
        sys.stdout.write(f"ended {one.name}\n")
    if not chosen:
        sys.stdout.write("no orphans\n" if arguments.orphans else "no server was kept\n")
    return 0


def _is(one: ContainerState, name: str) -> bool:
    return one.name.startswith(name) or one.id.startswith(name)


SERVER = Command(
    name="server",
    help="list, look at or end the servers that were kept, or that dead runs left",
    description=(
        "Servers in containers that pytest --keep-server left running, and orphans of runs that died. Local processes "
        "are never here: they end with the run, however it ends."
    ),
    arguments=_arguments,
    run=_run,
)
