"""Where a model is: a built-in name, a path, or a repository id.

Limits: a location is text until a server needs a file; only the format is looked at before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import expand_home, is_there
from pytest_inferbench.models.builtin import NAMES, builtin_model, builtin_path, unknown
from pytest_inferbench.models.formats import detect_format
from pytest_inferbench.models.hub import find_fetched

BUILTIN = "builtin:"


def is_builtin(location: str) -> bool:
    """Whether the location names a model that ships with the package or is made by it."""
    return location.startswith(BUILTIN)


def local_format(location: str, root: Path, where: str) -> ModelFormat:
    """The format of a built-in or local model.

    Args:
        location: `builtin:NAME` or a path.
        root: what relative paths start from.
        where: where the location is written, for messages.

    Raises:
        ConfigError: nothing usable is there.
    """
    try:
        if is_builtin(location):
            name = location.removeprefix(BUILTIN)
            if name not in NAMES:
                raise unknown(name)
            return ModelFormat.GGUF
        return detect_format(_path(location, root)).format
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def hub_format(location: str, root: Path, formats: Collection[ModelFormat]) -> ModelFormat | None:
    """The format in which a backend loads a model from the hub; None where the model is not from there.

    Args:
        location: a repository id; or a built-in name or a path, for which there is nothing to fetch.
        root: what relative paths start from.
        formats: those that the backend loads.
    """
    if not location or is_builtin(location) or is_there(_path(location, root)):
        return None
    return ModelFormat.SAFETENSORS if ModelFormat.SAFETENSORS in formats else ModelFormat.GGUF


def file_of(location: str, root: Path, formats: Collection[ModelFormat], progress: Callable[[str], None]) -> str:
    """What a server is given to load: a file or folder by its absolute path; the id of a repository not fetched.

    Args:
        location: a built-in name, a path or a repository id.
        root: what relative paths start from.
        formats: those that the backend loads.
        progress: told what takes time.

    Raises:
        ConfigError: nothing usable is there.
        CellUnavailable: a built-in model cannot be made here.
    """
    if is_builtin(location):
        return str(builtin_model(location.removeprefix(BUILTIN), progress))
    return path_of(location, root, formats)


def path_of(location: str, root: Path, formats: Collection[ModelFormat]) -> str:
    """The same without making anything: where a built-in model will be.

    Raises:
        ConfigError: nothing usable is there.
    """
    if is_builtin(location):
        return str(builtin_path(location.removeprefix(BUILTIN)))
    from_hub = hub_format(location, root, formats)
    if from_hub is None:
        return str(detect_format(_path(location, root)).path)
    there = find_fetched(location, from_hub)
    return location if there is None else str(there.path)


def _path(location: str, root: Path) -> Path:
    return root / expand_home(location)
