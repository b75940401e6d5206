"""From models and settings to cells: which backend, version and arguments each model is measured with.

Limits: nothing is started here, and model files are opened only to tell their format. Every value of a cell can say
where it comes from. Precedence: command line > variant > the model's `backends.<backend>` >
`defaults.backends.<backend>` > built in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pytest_inferbench.backends.backend import Backend
from pytest_inferbench.backends.container import ENGINE_CACHE
from pytest_inferbench.backends.endpoint import parse_url
from pytest_inferbench.config.document import Section, Source
from pytest_inferbench.config.resolve import Resolved, built_in, candidate_of, first, merge_args
from pytest_inferbench.config.variables import variable_of
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import expand_home, is_there
from pytest_inferbench.plan.arguments import check_taken, command_line_args, written_args
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.choice import backends_of, check_format, check_settings
from pytest_inferbench.plan.models import SERVED, Model, PlanSettings, chosen_models, looks_like_a_path
from pytest_inferbench.plan.pair import CellPair, check_version, make_pair, read_arms, read_pairs
from pytest_inferbench.plan.place import check_containers, default_version, place_of
from pytest_inferbench.wire.catalogue import protocol_named

_COMMAND_LINE = Source(text="command line")

C = TypeVar("C", Cell, CellPair)


def plan_matrix(settings: PlanSettings) -> tuple[Cell | CellPair, ...]:
    """What a run measures: its cells, or with `--compare` one pair of them for each model and backend.

    Raises:
        ConfigError: something that was written cannot be used.
    """
    arms = read_arms(settings)
    if arms is None:
        return plan_cells(settings)
    number, alike, models = read_pairs(settings), arms[0] == arms[1], list(_models(settings))
    variants = {name for model, *_ in models for name in model.entry.variants}
    pairs = _each_once(
        (make_pair(*(_arm(*one, arm, variants, settings) for arm in arms), pairs=number, alike=alike), one[0])
        for one in models
    )
    check_taken({pair.backend for pair in pairs}, settings)
    check_containers({arm.provision for pair in pairs for arm in (pair.a, pair.b)}, settings)
    return pairs


def plan_cells(settings: PlanSettings) -> tuple[Cell, ...]:
    """The cells of a run, in the order of the config.

    Raises:
        ConfigError: something that was written cannot be used.
    """
    cells = _each_once(
        (cell, model)
        for model, backend, why in _models(settings)
        for variant in ("", *model.entry.variants)
        for cell in _versions(model, backend, why, variant, settings.backend_version, settings)
    )
    check_taken({cell.backend for cell in cells}, settings)
    check_containers({cell.provision for cell in cells}, settings)
    return cells


def _each_once(planned: Iterable[tuple[C, Model]]) -> tuple[C, ...]:
    """What is planned, without what the command line names twice.

    Raises:
        ConfigError: two entries of the config have one id, or ask for the same.
    """
    found: dict[str, tuple[C, Source]] = {}
    for one, model in planned:
        where = model.written.source
        other, there = found.setdefault(one.id, (one, where))
        if other != one:
            raise ConfigError(
                f"{where}: {one.model}: its id {one.id!r} is also that of another model ({there}); give one of them "
                "another `name:`"
            )
        if there != where:
            raise ConfigError(
                f"{where}: {one.model}: the same model on the same server as {there}; remove one of the two, or give "
                "it another `name:` and what makes it another"
            )
    return tuple(one for one, _ in found.values())


def _models(settings: PlanSettings) -> Iterator[tuple[Model, Backend, Source]]:
    """Each model on each of its backends, with where the backend is said."""
    for model in chosen_models(settings):
        check_settings(model)
        for backend, why in backends_of(model, settings):
            check_format(model, backend, settings)
            yield model, backend, why


def _arm(
    model: Model, backend: Backend, why: Source, name: str, variants: Collection[str], settings: PlanSettings
) -> Cell:
    """One arm of `--compare`: a variant of that name, else a version; "" for the model as it stands.

    Raises:
        ConfigError: it is neither; `variants` are those of all models of the run.
    """
    variant = name if name in model.entry.variants else ""
    versions = [name] if name and not variant else []
    (cell,) = _versions(model, backend, why, variant, versions, settings)
    if versions and name not in variants:
        known = [
            cell.version
            for one in ("", *model.entry.variants)
            for cell in _versions(model, backend, why, one, (), settings)
        ]
        check_version(name, cell, known, tuple(model.entry.variants), str(settings.compare))
    return cell


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
    protocol = settings.protocol or backend.protocols[0]
    protocol_named(protocol)
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
            pids=place.pids,
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
    if looks_like_a_path(repo_id) and not is_there(settings.rootdir / expand_home(repo_id)):
        raise ConfigError(
            f"{model.written.source_of('repo_id')}: repo_id: got {quote_value(repo_id)}, expected a "
            "repository, org/model; "
            "a file or folder is named by `path:`, and this one is not there"
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
            f"{cache.source}: engine_cache: got {quote_value(cache.value)}, but {backend.name} builds no "
            "engines; remove it"
        )
    return {**further, "hub_token": first(candidate_of(model.defaults, "hub_token"), built_in(None))}


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
    return first(*(candidate_of(layer, key) for layer in layers), built_in(otherwise))


def _url(layers: Sequence[Section], settings: PlanSettings) -> Resolved[str | None]:
    if settings.server_url is not None:
        return Resolved(parse_url(settings.server_url, "--server-url"), _COMMAND_LINE)
    written = _first(layers, "url", None)
    if written.value is None:
        return written
    return Resolved(parse_url(written.value, str(written.source)), written.source)
