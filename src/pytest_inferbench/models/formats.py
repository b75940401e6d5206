"""What a model on disk is: GGUF or safetensors, and which file a server must be given.

Limits: decided by content (GGUF's magic bytes, `config.json` beside `*.safetensors`), never by a file's name alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.config.wording import enumerate_names
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import is_there

_MAGIC = b"GGUF"
# Magic, version, tensor count and key count: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
_HEADER_BYTES = 24
_PART = re.compile(r"(?P<stem>.*)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf")
# A vision projector lies beside the model it belongs to and is not a model itself.
_PROJECTOR = "mmproj"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model found on disk.

    Attributes:
        format: how its weights are stored.
        path: what to give a server: a GGUF file (the first part of a split one), or a safetensors folder.
    """

    format: ModelFormat
    path: Path


def detect_format(path: Path) -> ModelFile:
    """The model at `path`.

    Args:
        path: a GGUF file, or a folder with one model.

    Raises:
        ConfigError: nothing is there, or no model, or several, or a file that is cut or is no GGUF.
    """
    if not is_there(path):
        raise ConfigError(f"model {path}: there is no such file or folder; correct the path, or fetch the model first")
    if path.is_file():
        return ModelFile(ModelFormat.GGUF, _gguf(path))
    if not path.is_dir():
        raise ConfigError(f"model {path}: neither a file nor a folder; name one of them")
    ggufs = _gguf_candidates(path)
    safetensors = (path / "config.json").is_file() and any(path.glob("*.safetensors"))
    if safetensors and ggufs:
        raise ConfigError(
            f"model {path}: the folder holds safetensors and GGUF ({ggufs[0].name}); name that file, or move it away"
        )
    if safetensors:
        return ModelFile(ModelFormat.SAFETENSORS, path)
    if len(ggufs) > 1:
        names = enumerate_names([candidate.name for candidate in ggufs])
        raise ConfigError(f"model {path}: the folder holds several GGUF models ({names}); name one of the files")
    if not ggufs:
        raise ConfigError(
            f"model {path}: the folder holds no model; expected a .gguf file, or config.json with *.safetensors"
        )
    return ModelFile(ModelFormat.GGUF, _gguf(ggufs[0]))


def _gguf_candidates(folder: Path) -> list[Path]:
    """The folder's GGUF models, a split one by its first part (or the first that is there)."""
    models: dict[str, Path] = {}
    for file in sorted(filter(Path.is_file, folder.glob("*.gguf"))):
        if not file.name.startswith(_PROJECTOR):
            part = _PART.fullmatch(file.name)
            models.setdefault(part["stem"] if part else file.name, file)
    return list(models.values())


def _gguf(file: Path) -> Path:
    """The file to load: `file`, or the first part of the split model it belongs to; each part has been looked at."""
    part = _PART.fullmatch(file.name)
    if part is None:
        _check_header(file)
        return file
    count = int(part["count"])
    parts = [f"{part['stem']}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
    there = {one.name for one in file.parent.glob("*.gguf") if one.is_file()}
    missing = [name for name in parts if name not in there]
    if missing or not parts:
        names = enumerate_names(missing)
        raise ConfigError(f"model {file}: of {count} parts these are missing: {names}; fetch them again")
    for name in parts:
        _check_header(file.with_name(name))
    return file.with_name(parts[0])


def _check_header(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEADER_BYTES)
    except OSError as error:
        raise ConfigError(
            f"model {file}: cannot be read: {error.strerror}; check the file and its permissions"
        ) from None
    if file.suffix == ".safetensors":
        raise ConfigError(f"model {file}: name the folder of a safetensors model, not one of its files")
    if not head.startswith(_MAGIC):
        raise ConfigError(
            f"model {file}: not a GGUF file; it starts with {head[:8]!r} where {_MAGIC!r} was expected; "
            "fetch it again (a page or a Git LFS pointer may have been saved in its place)"
        )
    if len(head) < _HEADER_BYTES:
        raise ConfigError(
            f"model {file}: a cut GGUF file; it ends after {len(head)} bytes, within its header; fetch it again"
        )
