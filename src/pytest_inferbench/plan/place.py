"""Where a cell's server runs: a process here, a container with its image, or an address.

Limits: pure. Precedence as for everything: command line > the layers of the config > the backend's own default.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_inferbench.backends.backend import INSTALLED, Backend
from pytest_inferbench.backends.container import Container
from pytest_inferbench.config.document import DEFAULT, Section, Source
from pytest_inferbench.config.resolve import Resolved, built_in, candidate_of, first
from pytest_inferbench.config.wording import quote_value, shorten_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cell import RUNNING
from pytest_inferbench.plan.models import PlanSettings
from pytest_inferbench.plan.schema import size_in_bytes

_COMMAND_LINE = Source(text="command line")
_WAYS = ("docker", "process", "url")
_TYPES = ("build", "prebuilt")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs.

    Attributes:
        provision: "docker", "process" or "url".
        image, image_type: as in Cell.
        version: the version where nobody asks for one.
        sources: where these come from.
        memory, pids: as in Cell.
    """

    provision: str
    image: str | None
    image_type: str
    version: str
    sources: tuple[tuple[str, str], ...]
    memory: int | None = None
    pids: int | None = None


def place_of(
    backend: Backend, layers: Sequence[Section], url: str | None, settings: PlanSettings, where: Source
) -> Place:
    """Where one backend's server runs.

    Args:
        backend: which.
        layers: what was written for it, strongest first.
        url: its address, where it has one.
        settings: the options.
        where: where the backend is named, for messages.

    Raises:
        ConfigError: there is no such way, or it lacks what it needs.
    """
    way = _setting("provision", settings.provision, layers, "process" if url is None else "url")
    if way.value not in _WAYS:
        raise ConfigError(f"--provision {shorten_name(way.value)}: use one of {', '.join(_WAYS)}")
    if settings.server_url is not None:
        way = Resolved("url", _COMMAND_LINE)
    if way.value == "url":
        if url is None:
            raise ConfigError(
                f"{way.source}: provision url needs an address; pass --server-url, or write `url:` for {backend.name}"
            )
        return Place("url", None, "", RUNNING, _sources(provision=way))
    if not backend.starts and way.value == "process":
        raise ConfigError(f"{where}: {backend.name} starts nothing; write the server's `url:`, or pass --server-url")
    if way.value == "process":
        _check_no_image(backend, layers, way)
        return Place("process", None, "", INSTALLED, _sources(provision=way))
    if backend.container is None:
        raise ConfigError(f"{way.source}: {backend.name} has no containers; use --provision process or url")
    return _in_container(backend, backend.container, layers, settings, way)


def _check_no_image(backend: Backend, layers: Sequence[Section], way: Resolved[str]) -> None:
    """An image of the config is not passed over for what is installed here, unless somebody says `process`."""
    image = _setting("image", None, layers, None)
    if way.source == DEFAULT and image.value is not None:
        raise ConfigError(
            f"{image.source}: image: got {quote_value(image.value)}, but nothing says that {backend.name} "
            "runs in a container; "
            "write `provision: docker` beside it, or pass --provision"
        )


def _in_container(
    backend: Backend, container: Container, layers: Sequence[Section], settings: PlanSettings, way: Resolved[str]
) -> Place:
    wanted = "build" if settings.build_from_source else settings.image_type
    kind = _setting("image_type", wanted, layers, container.image_type)
    if kind.value not in _TYPES:
        raise ConfigError(f"--image-type {shorten_name(kind.value)}: use one of {', '.join(_TYPES)}")
    image = _setting("image", settings.image, layers, None)
    if image.value is None and kind.value not in container.image_types:
        raise ConfigError(_no_such_image(backend, container, kind))
    memory, pids = (_setting(name, None, layers, None) for name in ("memory", "pids"))
    version = container.versions.get(kind.value, "latest")
    if image.value is not None:
        version = _tag(image.value)
    sources = _sources(provision=way, image=image, image_type=kind, memory=memory, pids=pids)
    limit = size_in_bytes(memory.value) if memory.value is not None else None
    return Place("docker", image.value, kind.value, version, sources, limit, pids.value)


def _no_such_image(backend: Backend, container: Container, kind: Resolved[str]) -> str:
    why = f"there is no Dockerfile for {backend.name}"
    if kind.value == "prebuilt":
        why = f"nobody publishes an image of {backend.name}"
    where = "--image-type" if kind.source == _COMMAND_LINE else f"{kind.source}: image_type"
    use = " or ".join(container.image_types)
    return f"{where} {kind.value}: {why}; use --image-type {use}, or --image with one of your own"


def check_containers(provisions: Collection[str], settings: PlanSettings) -> None:
    """An image that the command line asks for is one that a server of the run can be in.

    Args:
        provisions: how the run's servers come up.
        settings: the options.

    Raises:
        ConfigError: none of them is in a container.
    """
    for option in ("image", "image_type", "build_from_source"):
        given = getattr(settings, option)
        if given and settings.source(option) == "command line" and "docker" not in provisions:
            flag = f"--{option.replace('_', '-')}" + ("" if given is True else f" {shorten_name(given)}")
            raise ConfigError(
                f"{flag}: no server of this run is in a container ({', '.join(sorted(provisions))}); "
                "add --provision docker, or leave it out"
            )


def default_version(written: Resolved[Any], place: Place, backend: Backend) -> Resolved[Any]:
    """The version to run where the command line names none.

    An image from the command line is not of the version that the config has for another; and `installed` has no
    meaning for a container, whose default is meant then.
    """
    if ("image", str(_COMMAND_LINE)) in place.sources:
        return Resolved(place.version, _COMMAND_LINE)
    if place.provision == "docker" and written.value == INSTALLED:
        return Resolved(place.version, Source(text=f"{backend.name}'s default"))
    return written


def _setting(key: str, option: Any, layers: Sequence[Section], otherwise: Any) -> Resolved[Any]:  # noqa: ANN401 - any
    if option is not None:
        return Resolved(option, _COMMAND_LINE)
    return first(*(candidate_of(layer, key) for layer in layers), built_in(otherwise))


def _sources(**settings: Resolved[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(setting.source)) for name, setting in settings.items() if setting.value is not None)


def _tag(image: str) -> str:
    """A word for an image in test ids: its tag, or the start of its digest."""
    if "@" in image:
        return image.rpartition(":")[2][:12]
    tag = image.rpartition(":")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "-", tag) if tag != image and "/" not in tag else "latest"
