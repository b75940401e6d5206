"""Server arguments as people write them in the config and on the command line, merged by what each of them sets.

Limits: pure. What is given here wins over what is written; an option that no backend of the run takes is an error.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_inferbench.backends.arguments import find_arg, plain_name, switched_by
from pytest_inferbench.backends.backend import ArgValue, Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, check_args
from pytest_inferbench.config.document import Section, Source
from pytest_inferbench.config.resolve import Resolved
from pytest_inferbench.config.wording import quote_value, shorten_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.backend_args import FROM_OPTION, parse_backend_args
from pytest_inferbench.plan.models import PlanSettings

_NEUTRAL = ("gpu_memory_utilization", "max_model_len", "n_gpu_layers", "tensor_parallel")
_COMMAND_LINE = Source(text="command line")

Args = dict[str, Resolved[tuple[str, ArgValue]]]
"""By what is set (`no_mmap` sets `mmap`): canonical name and value."""


def written_args(backend: Backend, written: Section) -> Args:
    """One `args:` mapping for a backend, each argument checked where it stands.

    Raises:
        ConfigError: a name belongs to another backend, is given twice, or its value has the wrong type.
    """
    return _check(backend, ((name, written[name], written.source_of(name)) for name in written))


def command_line_args(backend: Backend, settings: PlanSettings) -> Args:
    """The arguments that the command line gives one backend.

    Raises:
        ConfigError: `--backend-args` without `--backend`; or as `written_args`.
    """
    given: Args = {}
    for option in _NEUTRAL:
        value = getattr(settings, option)
        if value is not None and option in backend.neutral:
            given[backend.neutral[option]] = Resolved((backend.neutral[option], value), _COMMAND_LINE)
    if settings.backend_args:
        if not settings.backend:
            raise ConfigError(
                f"--backend-args needs --backend, which says whose arguments they are; here: --backend {backend.name}"
            )
        place = Source(text=FROM_OPTION)
        words = _check(backend, ((name, value, place) for name, value in parse_backend_args(settings.backend_args)))
        given |= {sets: Resolved(arg.value, _COMMAND_LINE) for sets, arg in words.items()}
    return given


def _check(backend: Backend, args: Iterable[tuple[str, ArgValue, Source]]) -> Args:
    found: Args = {}
    spelled: dict[str, str] = {}
    for name, read, source in args:
        given = read
        if isinstance(read, float) and source.written and find_arg(backend.known_args, plain_name(name)) is None:
            given = source.written  # it may be a name: revision 0.10 is not 0.1
        ((canonical, value),) = check_args(backend, {name: given}, str(source), source.written).items()
        sets = switched_by(canonical, value)
        if sets in found:
            raise ConfigError(
                f"{source}: {shorten_name(sets)} is given twice, here as {quote_value(name)} and as "
                f"{quote_value(spelled[sets])} ({found[sets].source}); "
                "keep one"
            )
        found[sets], spelled[sets] = Resolved((canonical, value), source), name
    return found


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
