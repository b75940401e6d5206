"""What a command of `inferbench` is, and what every command shares.

Limits: cheap to import; a command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.options import OPTIONS, Setting, Settings
from pytest_inferbench.plan.option_checks import value_problem


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: as typed.
        help: one line for the list of commands.
        description: what it does, for its own help.
        arguments: adds its arguments to a parser.
        run: does it, and returns the exit status.
    """

    name: str
    help: str
    description: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_options(parser: argparse.ArgumentParser, *flags: str) -> None:
    """Add options of the shared table: the same name, type, help and example as pytest's."""
    for option in OPTIONS:
        if option.flag in flags:
            parser.add_argument(option.flag, *option.aliases, **option.keywords)
            if option.short:  # pytest's longer name is understood here as well
                parser.add_argument(option.canonical, **{**option.keywords, "help": argparse.SUPPRESS})


def settings_of(arguments: argparse.Namespace, rootdir: Path | None = None) -> Settings:
    """The options of the shared table as they were given; paths start from `rootdir`, else from the working folder.

    Raises:
        ConfigError: a number means nothing.
    """
    values = {}
    for option in OPTIONS:
        given = getattr(arguments, option.dest, None)
        value = tuple(given) if option.many and given is not None else given
        written = f"{option.flag} {given} (command line)"
        values[option.dest] = (
            Setting(option.default, "default") if given is None else Setting(value, "command line", written)
        )
        if problem := value_problem(option, values[option.dest].value):
            raise ConfigError(f"{shorten_name(written)}: {problem}")
    return Settings(values, rootdir or Path.cwd())
