"""From models and settings to cells: which backend, version and arguments each model is measured with.

Law: nothing is started here, and model files are opened only to tell their format. Every value of a cell can say
where it comes from. Precedence: command line > variant > the model's `backends.<backend>` >
`defaults.backends.<backend>` > built in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_inferbench.backends.backend import Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, backends_for
from pytest_inferbench.backends.container import ENGINE_CACHE
from pytest_inferbench.backends.endpoint import parse_url
from pytest_inferbench.config.document import Section, Source
from pytest_inferbench.config.resolve import Resolved, built_in, first, given, merge_args
from pytest_inferbench.config.variables import variable_of
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.arguments import check_taken, command_line_args, written_args
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.models import SERVED, Model, PlanSettings, chosen_models, looks_like_a_path
from pytest_inferbench.plan.pair import CellPair, make_pair, read_arms, read_pairs
from pytest_inferbench.plan.place import default_version, place_of
from pytest_inferbench.provision.models import local_format
from pytest_inferbench.wire.catalogue import dialect_named

_COMMAND_LINE = Source(text="command line")


def plan_matrix(settings: PlanSettings) -> tuple[Cell | CellPair, ...]:
    """What a run measures: its cells, or with `--compare` one pair of them for each model and backend.

    Raises:
        ConfigError: something that was written cannot be used.
    """
    arms = read_arms(settings)
    if arms is None:
        return plan_cells(settings)
    number = read_pairs(settings)
    pairs = [
        make_pair(*(_arm(model, backend, why, arm, settings) for arm in arms), pairs=number)
        for model, backend, why in _models(settings)
    ]
    check_taken({pair.backend for pair in pairs}, settings)
    return tuple(dict.fromkeys(pairs))


def plan_cells(settings: PlanSettings) -> tuple[Cell, ...]:
    """The cells of a run, in the order of the config.

    Raises:
        ConfigError: something that was written cannot be used.
    """
    cells: dict[str, tuple[Cell, Source]] = {}
    for model, backend, why in _models(settings):
        for variant in ("", *model.entry.variants):
            for cell in _versions(model, backend, why, variant, settings.backend_version, settings):
                other, where = cells.setdefault(cell.id, (cell, model.written.source))
                if other != cell:
                    raise ConfigError(
                        f"{model.written.source}: {cell.model}: its id {cell.id!r} is also that of another model "
                        f"({where}); give one of them another `name:`"
                    )
    check_taken({cell.backend for cell, _ in cells.values()}, settings)
    return tuple(cell for cell, _ in cells.values())


def _models(settings: PlanSettings) -> Iterator[tuple[Model, Backend, Source]]:
    """Each model on each of its backends, with where the backend is said."""
    for model in chosen_models(settings):
        _check_settings(model)
        for backend, why in _backends(model, settings):
            _check_format(model, backend, settings)
            yield model, backend, why


def _check_settings(model: Model) -> None:
    """Settings are of backends that there are.

    Raises:
        ConfigError: there is none of that name.
    """
    for holder in (model.written, model.defaults):
        written = holder.section("backends")
        for name in written:
            backend_named(name, f"{written.source_of(name)}: backends")


def _arm(model: Model, backend: Backend, why: Source, name: str, settings: PlanSettings) -> Cell:
    """One arm of `--compare`: a variant of that name, else a version; "" for the model as it stands."""
    variant = name if name in model.entry.variants else ""
    versions = [name] if name and not variant else []
    return _versions(model, backend, why, variant, versions, settings)[0]


def _backends(model: Model, settings: PlanSettings) -> tuple[tuple[Backend, Source], ...]:
    """The backends a model runs on, with where each is said."""
    if settings.backend:
        return tuple((backend_named(name), _COMMAND_LINE) for name in settings.backend)
    where = model.written.source_of("backend" if "backend" in model.written else "framework")
    if model.entry.wanted_backends:
        return tuple((backend_named(name, str(where)), where) for name in model.entry.wanted_backends)
    if settings.server_url is not None:
        return ((backend_named("external"), _COMMAND_LINE),)
    return (_by_format(model, settings),)


def _by_format(model: Model, settings: PlanSettings) -> tuple[Backend, Source]:
    """The backend that a model's format leads to; the config's default where it can load it."""
    preferred = given(model.defaults, "backend")
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


def _check_format(model: Model, backend: Backend, settings: PlanSettings) -> None:
    """A backend that cannot load the model's format is an error that names one that can."""
    if model.entry.path is None or settings.server_url is not None or not backend.formats:
        return
    found = local_format(model.entry.path, settings.rootdir, str(model.written.source))
    if found not in backend.formats:
        others = ", ".join(other.name for other in backends_for(found))
        raise ConfigError(
            f"{model.written.source}: {model.name}: {backend.name} cannot load {found} files; use {others}"
        )


def _versions(
    model: Model, backend: Backend, why: Source, variant: str, versions: Sequence[str], settings: PlanSettings
) -> list[Cell]:
    """The cells of one model, backend and variant: one for each version asked for."""
    layers = _layers(model, backend, variant)
    url = _url(layers, settings)
    args = merge_args(
        command_line_args(backend, settings), *(written_args(backend, layer.section("args")) for layer in layers)
    )
    place = place_of(backend, layers, url.value, settings, why)
    version = default_version(_first(layers, "version", place.version), place, backend)
    further = _further(model, backend, layers)
    protocol = settings.protocol or backend.dialects[0]
    dialect_named(protocol)
    repo_id = model.entry.repo_id or ""
    return [
        Cell(
            model=model.name,
            backend=backend.name,
            version=each.value,
            protocol=protocol,
            variant=variant,
            location="" if url.value is not None else _location(model, settings),
            served_model=repo_id if repo_id != SERVED else "",
            url=url.value,
            provision=place.provision,
            image=place.image,
            image_type=place.image_type,
            memory=place.memory,
            gpus=settings.tensor_parallel,
            args=tuple(arg.value for arg in args.values()),
            program=further["program"].value,
            python=further["python"].value,
            engine_cache=further["engine_cache"].value,
            api_key=_variable(further["api_key"]),
            hub_token=_variable(further["hub_token"]),
            slo=tuple(model.entry.slo.items()),
            sources=(
                ("backend", str(why)),
                ("version", str(each.source)),
                ("url", str(url.source)),
                *((f"args.{arg.value[0]}", str(arg.source)) for arg in args.values()),
                *((name, str(setting.source)) for name, setting in further.items() if setting.value is not None),
                *place.sources,
            ),
            policy=_policy(model),
        )
        for each in [Resolved(v, _COMMAND_LINE) for v in versions] or [version]
    ]


def _location(model: Model, settings: PlanSettings) -> str:
    """Where a model that is started is.

    Raises:
        ConfigError: its `repo_id` is a path, and nothing is there.
    """
    repo_id = model.entry.repo_id
    if repo_id is None:
        return model.entry.path or ""
    if looks_like_a_path(repo_id) and not (settings.rootdir / Path(repo_id).expanduser()).exists():
        raise ConfigError(
            f"{model.written.source_of('repo_id')}: repo_id: got {repo_id!r}, expected a repository, org/model; a file "
            "or folder is named by `path:`, and this one is not there"
        )
    return repo_id


def _further(model: Model, backend: Backend, layers: Sequence[Section]) -> dict[str, Resolved[Any]]:
    """What else the config may say of a server.

    Raises:
        ConfigError: a folder of engines for a backend that builds none.
    """
    further = {name: _first(layers, name, None) for name in ("program", "python", "engine_cache", "api_key")}
    cache = further["engine_cache"]
    known = backend.container.caches if backend.container is not None else ()
    if cache.value is not None and ENGINE_CACHE not in {one.variable for one in known}:
        raise ConfigError(
            f"{cache.source}: engine_cache: got {cache.value!r}, but {backend.name} builds no engines; remove it"
        )
    return {**further, "hub_token": first(given(model.defaults, "hub_token"), built_in(None))}


def _variable(written: Resolved[str | None]) -> str | None:
    return None if written.value is None else variable_of(written.value)


def _policy(model: Model) -> tuple[Section, ...]:
    """What was written of a model's gates, the model's own word first; who knows every metric checks it."""
    return (model.written.section("policy"), model.defaults.section("policy"))


def _layers(model: Model, backend: Backend, variant: str) -> list[Section]:
    """What was written for a backend, strongest first."""
    layers = [model.written.section("variants").section(variant)] if variant else []
    for holder in (model.written, model.defaults):
        written = holder.section("backends")
        layers += [written.section(name) for name in (backend.name, *backend.aliases) if name in written]
    return layers


def _first(layers: Sequence[Section], key: str, otherwise: Any) -> Resolved[Any]:  # noqa: ANN401 - any setting
    return first(*(given(layer, key) for layer in layers), built_in(otherwise))


def _url(layers: Sequence[Section], settings: PlanSettings) -> Resolved[str | None]:
    if settings.server_url is not None:
        return Resolved(parse_url(settings.server_url, "--server-url"), _COMMAND_LINE)
    written = _first(layers, "url", None)
    if written.value is None:
        return written
    return Resolved(parse_url(written.value, str(written.source)), written.source)
