"""The models that need no download: `tiny` from the package, `small` made on first use.

Limits: a made model appears under its name only when it is whole, and one process makes it; its name holds a hash of
what made it, so a change of the code never serves an old file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import CellUnavailable, ConfigError
from pytest_inferbench.files import alone
from pytest_inferbench.models.progress import Progress, silent
from pytest_inferbench.models.tinymodel.make import make_gguf
from pytest_inferbench.models.tinymodel.weights import SMALL, ModelShape

NAMES = ("tiny", "small")
_MAKERS = Path(__file__).with_name("tinymodel")
_TINY_FILE = _MAKERS / "tiny.gguf"
_SMALL_NAME = "small-random-llama"
_HASH_LENGTH = 12


def builtin_model(name: str, progress: Progress = silent) -> Path:
    """The GGUF file of a built-in model.

    Args:
        name: `tiny` (294 kB, in the package) or `small` (78 MB, in the cache folder).
        progress: told what takes time.

    Raises:
        ConfigError: there is no model of that name.
        CellUnavailable: it must be made and the `gguf` package is not installed.
    """
    path = builtin_path(name)
    if path.exists():
        return path
    return _made(name, path, SMALL, _SMALL_NAME, progress)


def builtin_path(name: str) -> Path:
    """Where a built-in model is, or will be once it was made.

    Raises:
        ConfigError: there is no model of that name.
    """
    if name == "tiny":
        return _TINY_FILE
    if name == "small":
        return cache_folder() / f"{name}-{_recipe_hash(SMALL, _SMALL_NAME)}.gguf"
    raise unknown(name)


def unknown(name: str) -> ConfigError:
    """The error for a name that no built-in model has."""
    return ConfigError(
        f"there is no built-in model {quote_value(name)}; use tiny (for plumbing) or small (for human-scale latency)"
    )


def cache_folder() -> Path:
    """Where made models are kept: $INFERBENCH_CACHE, else `inferbench` under the user's cache folder."""
    own = os.environ.get("INFERBENCH_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "inferbench"


def _made(label: str, path: Path, shape: ModelShape, name: str, progress: Progress) -> Path:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        waiting = "another process is making the built-in model; waiting for it"
        with alone(path.with_suffix(".lock"), lambda: progress(waiting)):
            if not path.exists():
                _make(path, shape, name, progress)
    except OSError as error:
        raise CellUnavailable(
            f"the built-in model {label!r} cannot be made in {folder}: {error}; "
            "free space there or set INFERBENCH_CACHE to another folder"
        ) from error
    return path


def _make(path: Path, shape: ModelShape, name: str, progress: Progress) -> None:
    progress(f"making the built-in model {path.name} (once; kept in {path.parent})")
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        make_gguf(unfinished, shape, name)
        unfinished.replace(path)
    except ImportError as error:
        raise CellUnavailable(
            f"the built-in model {path.stem} must be made first and the gguf package is not installed ({error}); "
            "pip install 'pytest-inferbench[embedded]'"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _recipe_hash(shape: ModelShape, name: str) -> str:
    recipe = hashlib.sha256(f"{shape} {name}".encode())
    for maker in ("tokenizer.py", "weights.py", "make.py"):
        recipe.update((_MAKERS / maker).read_bytes())
    return recipe.hexdigest()[:_HASH_LENGTH]
