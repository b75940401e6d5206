"""Which weights a server was given: their revision and a hash that tells two models of one name apart.

Limits: never waits long: of large files only samples are read, and the result says so. What cannot be read is left out.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from pytest_inferbench.files import is_there

_WHOLE_BYTES = 64 * 2**20  # up to here a file is read whole: a tenth of a second
_SAMPLES, _SAMPLE_BYTES = 16, 2**20
_DIGITS = 16
# huggingface_hub's cache: models--org--name/snapshots/<commit>/file -> ../../blobs/<sha256 of a large file>.
_SNAPSHOT = re.compile(r"/snapshots/([0-9a-f]{40})(?:/|$)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def model_facts(location: str) -> dict[str, Any]:
    """What a result shall say of the weights at a path; nothing of what is no path here (a repository id).

    Returns:
        `model_revision`, the commit of a snapshot in the hub's cache; `model_hash`, over the weights' names, sizes and
        contents; `model_hash_of`, "contents", or "samples" where a file was too large to be read whole.
    """
    path = Path(location)
    if not is_there(path):
        return {}
    files = sorted(path.glob("*.safetensors")) + sorted(path.glob("config.json")) if path.is_dir() else [path]
    files = [file for file in files if file.is_file()]  # a pipe would be waited for
    snapshot = _SNAPSHOT.search(str(path.absolute()))
    facts = {"model_revision": snapshot[1]} if snapshot else {}
    digest, whole = hashlib.sha256(), True
    try:
        for file in files:
            content, complete = _content(file)
            whole = whole and complete
            digest.update(f"{file.name} {file.stat().st_size} {content}\n".encode())
    except OSError:
        return facts
    if files:
        facts |= {"model_hash": digest.hexdigest()[:_DIGITS], "model_hash_of": "contents" if whole else "samples"}
    return facts


def _content(file: Path) -> tuple[str, bool]:
    """A file's SHA-256, and whether it is of all of it."""
    blob = file.resolve().name
    if file.is_symlink() and _SHA256.fullmatch(blob):
        return blob, True
    size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        if size <= _WHOLE_BYTES:
            digest.update(opened.read())
            return digest.hexdigest(), True
        for number in range(_SAMPLES):
            opened.seek((size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            digest.update(opened.read(_SAMPLE_BYTES))
    return digest.hexdigest(), False
