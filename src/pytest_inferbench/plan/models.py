"""Which models a run is about, and what was written of each.

Limits: reads the config and nothing else; a model that nobody listed can be named by path or repository id.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_inferbench.config.document import Section, Source
from pytest_inferbench.config.load import load, shown_path
from pytest_inferbench.config.validate import validate
from pytest_inferbench.config.wording import enumerate_names, nearest, shorten_name
from pytest_inferbench.errors import ConfigError, OlderSpellingWarning
from pytest_inferbench.files import expand_home, is_there
from pytest_inferbench.models.location import BUILTIN, is_builtin
from pytest_inferbench.plan.legacy_schema import Replaced, renew_document
from pytest_inferbench.plan.schema import ModelEntry, ModelsFile

SERVED = "served"  # the model of an existing server when nobody named one
EMPTY = Section({}, Source(text="--model"))


class PlanSettings(Protocol):
    """What planning needs of the run's options."""

    rootdir: Path
    model: Sequence[str]
    backend: Sequence[str]
    backend_version: Sequence[str]
    compare: str | None
    compare_pairs: str
    server_url: str | None
    protocol: str | None
    provision: str | None
    image: str | None
    image_type: str | None
    build_from_source: bool
    backend_args: Sequence[str]
    n_gpu_layers: int | None
    gpu_memory_utilization: float | None
    max_model_len: int | None
    tensor_parallel: int | None

    def path(self, name: str) -> Path: ...  # noqa: D102
    def source(self, name: str) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the run.

    Attributes:
        entry: its validated entry.
        written: the entry as written, with positions; empty for a model that no config lists.
        defaults: the config's `defaults`, with positions.
    """

    entry: ModelEntry
    written: Section
    defaults: Section

    @property
    def name(self) -> str:
        """Its short name."""
        return model_name(self.entry)


def chosen_models(settings: PlanSettings) -> tuple[Model, ...]:
    """The models that this run is about, in the order of the config or of `--model`.

    Raises:
        ConfigError: the config cannot be used, or a name is nobody's.
    """
    path = settings.path("config")
    if settings.server_url is not None and not settings.model:
        return (Model(ModelEntry(repo_id=SERVED, name=SERVED), EMPTY, EMPTY),)
    if not is_there(path) and settings.source("config") == "default":
        if settings.model:
            return tuple(Model(_unlisted_model(name, (), settings), EMPTY, EMPTY) for name in settings.model)
        raise ConfigError(
            f"{shown_path(path, settings.rootdir)}: no such file, and no --model was given; write one with your models "
            "(see the README), or name a model: --model builtin:tiny"
        )
    document, entries, replaced = read_models(path, settings.rootdir)
    if replaced:
        _warn(replaced)
    defaults = document.section("defaults")
    listed = [Model(entry, section, defaults) for entry, section in zip(entries, document["models"], strict=True)]
    if not settings.model:
        return tuple(listed)
    chosen: list[Model] = []
    for name in settings.model:
        found = [model for model in listed if name in (model.name, model.entry.repo_id, model.entry.path)]
        names = [model.name for model in listed]
        chosen += found or [Model(_unlisted_model(name, names, settings), EMPTY, defaults)]
    return tuple(chosen)


def read_models(path: Path, root: Path) -> tuple[Section, Sequence[ModelEntry], tuple[Replaced, ...]]:
    """The config as written but for older keys, its models, and the older keys it has.

    Raises:
        ConfigError: it cannot be used.
    """
    replaced: list[Replaced] = []

    def renew(document: Section) -> Section:
        today, keys = renew_document(document)
        replaced.extend(keys)
        return today

    document = load(path, root, renew)
    return document, validate(ModelsFile, document).models, tuple(replaced)


def _warn(replaced: Sequence[Replaced]) -> None:
    """One warning for all older keys, at the first of them."""
    first = replaced[0].source
    keys = "\n".join(f"  {one}" for one in replaced)
    warnings.warn_explicit(
        f"the config has older keys, which still work:\n{keys}", OlderSpellingWarning, first.file or "", first.line or 1
    )


def model_name(entry: ModelEntry) -> str:
    """The short name: as written, else derived from the path or repository id."""
    if entry.name:
        return entry.name
    if entry.path is not None:
        return _plain(entry.path.removeprefix(BUILTIN) if is_builtin(entry.path) else Path(entry.path).stem)
    return _plain((entry.repo_id or "").rpartition("/")[2])


def _unlisted_model(name: str, known: Sequence[str], settings: PlanSettings) -> ModelEntry:
    """A model that the config does not list."""
    if not name.strip():
        raise ConfigError("--model: got an empty name, expected a model of the config, a path, or org/model")
    if is_builtin(name):
        return ModelEntry(path=name)
    if is_there(settings.rootdir / expand_home(name)):
        return ModelEntry(path=name)
    if settings.server_url is not None or ("/" in name and not looks_like_a_path(name)):
        return ModelEntry(repo_id=name)
    near = nearest(name, known)
    hint = f"did you mean {near!r}?" if near else f"the config lists {enumerate_names(known) or 'none'}"
    if is_there(here := Path(name).absolute()):
        hint = f"from the folder you are in there is one: --model {here.resolve()}"
    raise ConfigError(
        f"--model {shorten_name(name)}: neither a model of the config, nor a path that exists (from "
        f"{settings.rootdir}), nor "
        f"org/model; {hint}"
    )


def looks_like_a_path(name: str) -> bool:
    """Whether a name is a path and no repository's, whatever exists.

    >>> [looks_like_a_path(name) for name in ("/srv/x", "~/x", "../x", "models/x.gguf", "org/model")]
    [True, True, True, True, False]
    """
    return name.startswith((".", "/", "~")) or Path(name).suffix == ".gguf"


def _plain(text: str) -> str:
    """A name that can stand in ids and file names."""
    return "".join(char if char.isalnum() or char in "._+-" else "-" for char in text).strip(".-").lower() or "model"
