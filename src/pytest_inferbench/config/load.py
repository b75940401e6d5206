"""Files to documents: the only file access of `config/`.

Limits: read, decode, follow `extends:`; every meaning is someone else's. An error names the file and what to do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.config.extends import EXTENDS, merge, parents
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import expand_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_inferbench.config.document import Section, Source


def load(path: Path, root: Path, renew: Callable[[Section], Section] | None = None) -> Section:
    """Read a configuration and every file it extends.

    Args:
        path: the file.
        root: the folder that paths in messages are shown from.
        renew: brings each file to today's keys before it is laid over another.

    Raises:
        ConfigError: a file is missing, unreadable or not YAML, or `extends:` goes in a circle.
    """
    return _load(path, root, renew, None, ())


def _load(
    path: Path,
    root: Path,
    renew: Callable[[Section], Section] | None,
    asked_by: Source | None,
    chain: tuple[Path, ...],
) -> Section:
    try:
        path = expand_home(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a name with a NUL
        raise ConfigError(f"{asked_by or shorten_name(str(path))}: no path of a file: {error}; correct it") from None
    if path in chain:
        circle = " -> ".join(shown_path(step, root) for step in (*chain[chain.index(path) :], path))
        raise ConfigError(f"{asked_by}: {EXTENDS}: goes in a circle: {circle}; remove one of these")
    chain = (*chain, path)
    document = parse(_read(path, root, asked_by, chain), shown_path(path, root))
    bases = [_load(path.parent / name, root, renew, source, chain) for name, source in parents(document)]
    if renew is not None:
        document = renew(document)
    return merge(*bases, document)


def shown_path(path: Path, root: Path) -> str:
    """A path as people are shown it: from `root` where it lies inside, else whole."""
    path, root = Path(os.path.realpath(path)), Path(os.path.realpath(root))  # pathlib's raises for a link to itself
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _read(path: Path, root: Path, asked_by: Source | None, chain: tuple[Path, ...]) -> str:
    name = shown_path(path, root)
    where = name if asked_by is None else f"{asked_by}: {EXTENDS}: {name}"
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        remedy = "create it, or name another file"
        if len(chain) > 1:
            remedy = (
                f"correct the path; it was asked for by {' -> '.join(shown_path(step, root) for step in chain[:-1])}"
            )
        raise ConfigError(f"{where}: no such file; {remedy}") from None
    except IsADirectoryError:
        raise ConfigError(f"{where}: this is a folder; name a file in it") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{name}:{line}: not UTF-8 (byte 0x{error.object[error.start]:02x}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}; check the path and its permissions") from None
