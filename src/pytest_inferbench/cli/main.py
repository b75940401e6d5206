"""The entry point: the command line to a command, and what went wrong to an exit status.

Limits: exit status 0 is success, 1 what the command found or could not do, 2 a mistake in the arguments or the config,
130 an interruption. Messages go to standard error, results to standard output.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version

from pytest_inferbench.cli.catalogue import COMMANDS
from pytest_inferbench.errors import ConfigError, InferbenchError, OlderSpellingWarning

_FAILED, _MISTAKE, _INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status.

    Args:
        argv: the arguments without the program's name; the process's own where absent.
    """
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", OlderSpellingWarning)
            warnings.showwarning = _show_warning
            status = int(arguments.run(arguments))
        sys.stdout.flush()
    except InferbenchError as error:
        sys.stderr.write(f"inferbench {arguments.command}: {_shown(arguments, str(error))}\n")
        return _MISTAKE if isinstance(error, ConfigError) else _FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever reads us has seen enough; the interpreter must not try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _shown(arguments: argparse.Namespace, text: str) -> str:
    """What went wrong as it may be shown: a server may have said it, and the key that it was given with it."""
    from pytest_inferbench.plan.secrets import HUB_TOKEN, as_secrets  # noqa: PLC0415 - heavy, and only for mistakes

    names = (HUB_TOKEN, getattr(arguments, "inferbench_api_key_env", None))
    headers = [each.partition(":")[2].strip() for each in getattr(arguments, "inferbench_header", None) or ()]
    return str(as_secrets([*(os.environ.get(name, "") for name in names if name), *headers]).shown(text))


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    sys.stderr.write(f"warning: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inferbench",
        description="What surrounds LLM inference benchmarks in pytest: setting up, models, servers, results.",
        epilog="The benchmarks themselves are run by pytest: pytest benchmarks.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pytest-inferbench {version('pytest-inferbench')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.description, allow_abbrev=False)
        command.arguments(one)
        one.set_defaults(run=command.run)
    return parser
