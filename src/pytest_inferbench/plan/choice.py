"""Which backends a model runs on: those that are named, else the one that its format leads to.

Limits: model files are opened only to tell their format.
"""

from __future__ import annotations

from pytest_inferbench.backends.backend import Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, backends_for
from pytest_inferbench.config.document import Source
from pytest_inferbench.config.resolve import candidate_of
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.models.location import local_format
from pytest_inferbench.plan.models import Model, PlanSettings

_COMMAND_LINE = Source(text="command line")


def check_settings(model: Model) -> None:
    """Settings are of backends that there are.

    Raises:
        ConfigError: there is none of that name.
    """
    for holder in (model.written, model.defaults):
        written = holder.section("backends")
        for name in written:
            backend_named(name, f"{written.source_of(name)}: backends")


def backends_of(model: Model, settings: PlanSettings) -> tuple[tuple[Backend, Source], ...]:
    """The backends a model runs on, with where each is said."""
    if settings.backend:
        return tuple((backend_named(name), _COMMAND_LINE) for name in settings.backend)
    where = model.written.source_of("backend" if "backend" in model.written else "framework")
    if model.entry.wanted_backends:
        wanted = [backend_named(name, str(where)) for name in model.entry.wanted_backends]
        twice = next((backend for backend in wanted if wanted.count(backend) > 1), None)
        if twice is not None:
            raise ConfigError(f"{where}: {model.name}: backend {twice.name} is given twice; keep one")
        return tuple((backend, where) for backend in wanted)
    if settings.server_url is not None:
        return ((backend_named("external"), _COMMAND_LINE),)
    return (_by_format(model, settings),)


def _by_format(model: Model, settings: PlanSettings) -> tuple[Backend, Source]:
    """The backend that a model's format leads to; the config's default where it can load it."""
    preferred = candidate_of(model.defaults, "backend")
    chosen = backend_named(preferred.value, str(preferred.source)) if preferred is not None else None
    if model.entry.path is None:
        if chosen is None or preferred is None:
            raise ConfigError(
                f"{model.written.source}: {model.name}: no backend; write `backend:` here or under `defaults:`, or "
                f"pass --backend (one of {', '.join(backend.name for backend in BACKENDS)})"
            )
        return chosen, preferred.source
    found = local_format(model.entry.path, settings.rootdir, str(model.written.source))
    if chosen is not None and preferred is not None and found in chosen.formats:
        return chosen, preferred.source
    return backends_for(found)[0], Source(text=f"the model's format, {found}")


def check_format(model: Model, backend: Backend, settings: PlanSettings) -> None:
    """A backend that cannot load the model's format is an error that names one that can."""
    if model.entry.path is None or settings.server_url is not None or not backend.formats:
        return
    found = local_format(model.entry.path, settings.rootdir, str(model.written.source))
    if found not in backend.formats:
        others = ", ".join(other.name for other in backends_for(found))
        raise ConfigError(
            f"{model.written.source}: {model.name}: {backend.name} cannot load {found} files; use {others}"
        )
