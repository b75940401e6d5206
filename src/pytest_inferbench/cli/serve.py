"""`inferbench serve`: one server of the config, kept up until Ctrl+C.

Limits: whatever ends this command ends the server. What the options mean is what they mean to pytest.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import signal
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.cli.command import Command, add_options, settings_of
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError, OlderSpellingWarning, ServerError

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.servers.images import Images
    from pytest_inferbench.servers.server import Server

_OPTIONS = (
    *("--model", "--backend", "--backend-version", "--backend-args", "--gpu-memory-utilization", "--max-model-len"),
    *("--n-gpu-layers", "--tensor-parallel", "--provision", "--image", "--image-type", "--server-timeout"),
    "--bench-config",
)
# Older flag -> its destination, and what replaces it.
_OLDER = {
    "--num-gpu-layers": ("inferbench_older_gpu_layers", "--n-gpu-layers N"),
    "--max-ctx-size": ("inferbench_older_ctx_size", "--max-model-len N, or --backend-args n_ctx=N for llama.cpp"),
    "--num-threads": ("inferbench_older_threads", "--backend-args n_threads=N"),
}
_QUESTION = "Say something."
_LAST_PORT = 65535
_LOOK_S = 0.3
# Ctrl+C, a service manager's end, a terminal that is closed.
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Serving:
    """This command as what brings servers up sees it."""

    run_id: str
    settings: Settings
    folder: Path
    images: Images | None = None


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, *_OPTIONS)
    parser.add_argument(
        "--host-port", type=_address, default=("127.0.0.1", 0), metavar="[IP:]PORT",
        help="Where to listen. Default: a free port of 127.0.0.1. Example: 8000",
    )  # fmt: skip
    parser.add_argument("--log-file", type=Path, metavar="FILE", help="Write the server's log to this file.")
    parser.add_argument("--test", action="store_true", help="Send a request once it is ready, and print the reply.")
    for flag, (dest, instead) in _OLDER.items():
        parser.add_argument(flag, type=int, dest=dest, metavar="N", help=f"Older spelling of {instead}.")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = {"": "127.0.0.1", "localhost": "127.0.0.1"}.get(host, host.strip("[]"))
    try:
        ip_address(host)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {quote_value(text)}, expected an IP address before the colon") from None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"got {quote_value(text)}, expected a port of 1 to {_LAST_PORT}, or IP:PORT")
    return host, int(port)


def _run(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.models.builtin import cache_folder  # noqa: PLC0415 - heavy
    from pytest_inferbench.servers.launch import start_server  # noqa: PLC0415 - heavy

    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    settings = settings_of(arguments)
    cell = _with_older_flags(_chosen(settings), arguments)
    run_id = f"serve-{secrets.token_hex(3)}"
    log_file: Path | None = arguments.log_file
    home = cache_folder() / "serve" if log_file is None else log_file.absolute().parent
    with _log_folder(home / f".inferbench-{run_id}" if log_file else home / run_id, log_file) as folder:
        _say(f"starting {cell.id}")
        server = start_server(cell, Serving(run_id, settings, folder), _say, address=arguments.host_port)
        try:
            _keep(server, cell, log_file, test=arguments.test)
        except KeyboardInterrupt:
            _say("\nending the server")
        finally:
            for number in _ENDINGS:
                signal.signal(number, signal.SIG_IGN)  # it ends in seconds; a second Ctrl+C must not leave it half up
            server.stop()
    _say("ended")
    return 0


def _chosen(settings: Settings) -> Cell:
    """The one server to start: the first of the plan, which is the first model's where none is named."""
    from pytest_inferbench.plan.cells import plan_cells  # noqa: PLC0415 - heavy

    cell, *others = plan_cells(settings)
    same = [other.id for other in others if other.model == cell.model]
    if same:
        _say(f"of {cell.model} there are also {', '.join(same)}; --backend and --backend-version choose")
    if cell.url is not None:
        raise ConfigError(f"{cell.id} runs already, at {cell.url}; there is nothing to start")
    return cell


def _with_older_flags(cell: Cell, arguments: argparse.Namespace) -> Cell:
    """The cell with what older flags say, each with its warning."""
    from pytest_inferbench.backends.catalogue import backend_named, check_args  # noqa: PLC0415 - heavy

    backend = backend_named(cell.backend)
    names = {
        "--num-gpu-layers": "n_gpu_layers",
        "--max-ctx-size": backend.neutral.get("max_model_len", "n_ctx"),
        "--num-threads": "n_threads",
    }
    args = dict(cell.args)
    for flag, (dest, instead) in _OLDER.items():
        value: int | None = getattr(arguments, dest)
        if value is not None:
            warnings.warn(f"{flag} still works and is now {instead}", OlderSpellingWarning, stacklevel=2)
            args |= check_args(backend, {names[flag]: value}, flag)
    return replace(cell, args=tuple(args.items()))


@contextmanager
def _log_folder(folder: Path, log_file: Path | None) -> Generator[Path]:
    """A folder for the server's log; with `log_file`, the log is there too from the server's start to its end."""
    if log_file is not None and log_file.is_dir():
        raise ConfigError(f"--log-file {log_file}: this is a folder; name a file")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise ConfigError(f"{folder.parent}: logs cannot be written there: {error.strerror}; see --log-file") from None
    finally:
        if log_file is not None:
            _link(folder, log_file)
            shutil.rmtree(folder, ignore_errors=True)


def _link(folder: Path, log_file: Path) -> None:
    """Give the server's log the name that was asked for; where it has none yet, or has it, nothing happens."""
    log = next(iter(sorted(folder.rglob("*.log"))), None)
    if log is not None and not (log_file.exists() and log_file.samefile(log)):
        log_file.unlink(missing_ok=True)
        with suppress(OSError):  # the server goes on; its log is where it was
            os.link(log, log_file)


def _keep(server: Server, cell: Cell, log_file: Path | None, *, test: bool) -> None:
    """Say where the server is, and wait for it to end.

    Raises:
        ServerError: it ended by itself, or did not reply.
    """
    from pytest_inferbench.clock import SYSTEM_CLOCK  # noqa: PLC0415 - heavy

    log = server.log_path
    if log_file is not None and log is not None:
        _link(log.parent, log_file)
        log = log_file
    where = server.endpoint.base_url
    _tell(f"{where} serves {server.endpoint.model} on {cell.backend} {server.version}, {server.ready_seconds:.1f} s")
    _tell(f"log: {log}")
    if test:
        from pytest_inferbench.servers.reply import ask  # noqa: PLC0415 - heavy

        reply = ask(server.endpoint, cell.protocol, _QUESTION, SYSTEM_CLOCK)
        tokens = "" if reply.tokens is None else f", {reply.tokens} tokens"
        _tell(f"asked: {_QUESTION}\nreply: {reply.text}\n       {reply.seconds * 1000:.0f} ms{tokens}")
    _say("Ctrl+C ends it")
    while (end := server.death()) is None:
        SYSTEM_CLOCK.sleep(_LOOK_S)
    raise ServerError(f"the server died ({end}); its log is {log}", server.logs())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()  # who reads us through a pipe waits for the address


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


SERVE = Command(
    name="serve",
    help="start a server of the config and keep it until Ctrl+C",
    description=(
        "Start the server of one model as a benchmark would, the config's first model where --model names none, and "
        "keep it until Ctrl+C. --test sends it a request and prints what came back."
    ),
    arguments=_arguments,
    run=_run,
)
