"""Where a model is: a built-in name, a path, or a repository id.

Law: a location is text until a server needs a file; only the format is looked at before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.provision.builtin import NAMES, builtin_model, builtin_path, unknown
from pytest_inferbench.provision.formats import detect_format

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


def file_of(location: str, root: Path, progress: Callable[[str], None]) -> str:
    """What a server is given to load: a file or folder; a repository id as it is.

    Raises:
        ConfigError: nothing usable is there.
        CellUnavailable: a built-in model cannot be made here.
    """
    if is_builtin(location):
        return str(builtin_model(location.removeprefix(BUILTIN), progress))
    return path_of(location, root)


def path_of(location: str, root: Path) -> str:
    """The same without making anything: where a built-in model will be.

    Raises:
        ConfigError: nothing usable is there.
    """
    if is_builtin(location):
        return str(builtin_path(location.removeprefix(BUILTIN)))
    path = _path(location, root)
    return str(detect_format(path).path) if path.exists() else location


def _path(location: str, root: Path) -> Path:
    return root / Path(location).expanduser()
