"""Server arguments from the command line: `--backend-args`, and the options that several backends have under own names.

Law: pure. What is given here wins over what is written; an option that no backend of the run takes is an error.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pytest_inferbench.backends.backend import ArgValue, Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, check_args
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.models import PlanSettings

_FROM = "from --backend-args"
_NEUTRAL = ("gpu_memory_utilization", "max_model_len", "n_gpu_layers", "tensor_parallel")


def command_line_args(backend: Backend, settings: PlanSettings) -> dict[str, ArgValue]:
    """The arguments that the command line gives one backend, by canonical name.

    Raises:
        ConfigError: `--backend-args` without `--backend`, or an argument that the backend does not take.
    """
    given: dict[str, ArgValue] = {}
    for option in _NEUTRAL:
        value = getattr(settings, option)
        if value is not None and option in backend.neutral:
            given[backend.neutral[option]] = value
    if settings.backend_args:
        if not settings.backend:
            raise ConfigError("--backend-args needs --backend: which server shall get them?")
        given |= check_args(backend, dict(parse_backend_args(settings.backend_args)), _FROM)
    return given


def check_taken(backends: Iterable[str], settings: PlanSettings) -> None:
    """Every option that was given reaches a server.

    Args:
        backends: the names of the run's backends.
        settings: the options.

    Raises:
        ConfigError: none of them knows it; names those that would.
    """
    running = [backend_named(name) for name in backends]
    for option in _NEUTRAL:
        if getattr(settings, option) is None or any(option in backend.neutral for backend in running):
            continue
        owners = ", ".join(backend.name for backend in BACKENDS if option in backend.neutral)
        names = ", ".join(backend.name for backend in running)
        raise ConfigError(f"--{option.replace('_', '-')}: {names} has no such argument; {owners} have")


def parse_backend_args(texts: Iterable[str]) -> Iterator[tuple[str, ArgValue]]:
    """The (name, value) pairs of `--flag VALUE`, `--flag=VALUE`, `--flag`, `--no-flag` and `NAME=VALUE`.

    Raises:
        ConfigError: a word belongs to nothing.
    """
    for text in texts:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ConfigError(f"{_FROM}: {text!r}: {error}") from None
        taken = False
        for word, following in pairwise([*words, None]):
            if taken or word is None:
                taken = False
                continue
            name, equals, value = word.partition("=")
            if equals:
                yield name, value
            elif not word.startswith("-"):
                raise ConfigError(f"{_FROM}: {word!r} belongs to nothing; expected --flag VALUE, or NAME=VALUE")
            elif following is not None and _is_value(following):
                taken = True
                yield name, following
            elif name.startswith("--no-"):
                yield name.removeprefix("--no-"), False
            else:
                yield name, True


def _is_value(word: str) -> bool:
    """Whether a word can follow a flag: no flag itself (a negative number is none), no NAME=VALUE."""
    if word.startswith("-"):
        return word[1:].replace(".", "", 1).isdigit()
    return "=" not in word or word.startswith(("{", "["))
