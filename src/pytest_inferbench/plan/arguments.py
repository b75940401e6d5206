"""Server arguments from the command line: `--backend-args`, and the options that several backends have under own names.

Law: pure. What is given here wins over what is written; an option that no backend of the run takes is an error.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_inferbench.backends.backend import ArgValue, Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, check_args
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.models import PlanSettings
from pytest_inferbench.plan.words import FROM_OPTION, parse_backend_args

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
        given |= check_args(backend, dict(parse_backend_args(settings.backend_args)), FROM_OPTION)
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
