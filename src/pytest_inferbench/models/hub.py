"""Models of a hub: fetched, checked and found again. The seam to `huggingface_hub`.

Limits: a model counts as fetched when every file it needs is there with the hub's size and checksum, which a note in
our cache then says; what is cut or wrong is fetched again, never used. Tokens are handed on and shown nowhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import CellUnavailable, ConfigError, ProvisionError
from pytest_inferbench.files import short_hash
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.models.hub_files import needed_files, split_quant
from pytest_inferbench.models.progress import Progress

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

T = TypeVar("T")

_TRIES = 2  # for a download beside those that huggingface_hub makes itself
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model that was fetched.

    Attributes:
        path: what a server is given: the folder, or a GGUF file (the first part of a split one).
        files: how many there are.
        size: their bytes.
    """

    path: Path
    files: int
    size: int


def fetch(repo_id: str, model_format: ModelFormat, token: str | None, progress: Progress) -> Fetched:
    """Fetch what a server needs of a repository; what is there already is not fetched again.

    Args:
        repo_id: `org/model`, or `org/model:QUANT` of GGUF files.
        model_format: what the server loads.
        token: for repositories with restricted access; None for the environment's own.
        progress: told what is fetched.

    Raises:
        CellUnavailable: huggingface_hub is not installed.
        ConfigError: the repository has no such model.
        ProvisionError: it cannot be reached, refuses, or its files come wrong.
    """
    try:
        from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        raise CellUnavailable("huggingface_hub is not installed; pip install 'pytest-inferbench[hub]'") from None
    repository = split_quant(repo_id)[0]
    info = _ask_hub(repository, lambda: HfApi(token=token).model_info(repository, files_metadata=True))
    siblings = {one.rfilename: one for one in info.siblings or ()}
    names = needed_files(repo_id, siblings, model_format)
    paths = {}
    for name in names:
        progress(name)

        def download(name: str = name, *, force: bool = False) -> Path:
            where = hf_hub_download(repository, name, revision=info.sha, token=token, force_download=force)
            return Path(where)

        paths[name] = _whole(repository, siblings[name], download)
    sizes = {str(path): path.stat().st_size for path in paths.values()}
    first = paths[names[0]]
    path = first if model_format is ModelFormat.GGUF else first.parent
    note = {"path": str(path), "sizes": sizes}
    _note_path(repo_id, model_format).parent.mkdir(parents=True, exist_ok=True)
    _note_path(repo_id, model_format).write_text(json.dumps(note, indent=2), encoding="utf-8")
    return Fetched(path, len(sizes), sum(sizes.values()))


def find_fetched(repo_id: str, model_format: ModelFormat) -> Fetched | None:
    """A model that an earlier `fetch` made whole and that is still so; None where there is none."""
    try:
        note = json.loads(_note_path(repo_id, model_format).read_text(encoding="utf-8"))
        sizes = {Path(path): size for path, size in note["sizes"].items()}
        if any(path.stat().st_size != size for path, size in sizes.items()):
            return None
        return Fetched(Path(note["path"]), len(sizes), sum(sizes.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # a damaged note is none
        return None


def stored_token(environ: Mapping[str, str]) -> str:
    """The token that `hf auth login` left; "" where there is none that can be read."""
    home = environ.get("HF_HOME") or "~/.cache/huggingface"
    try:
        return Path(environ.get("HF_TOKEN_PATH") or f"{home}/token").expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _note_path(repo_id: str, model_format: ModelFormat) -> Path:
    home = os.environ.get("HF_HUB_CACHE") or os.environ.get("HF_HOME") or ""
    digest = short_hash(f"{repo_id}\n{home}", 8)
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", repo_id)
    return cache_folder() / "fetched" / f"{readable}-{digest}.{model_format}.json"


def _whole(repository: str, wanted: RepoSibling, download: Callable[..., Path]) -> Path:
    """The file, when its size and checksum are the hub's; fetched anew once where they are not."""
    path = _ask_hub(repository, download)
    if _is_right(path, wanted):
        return path
    path = _ask_hub(repository, lambda: download(force=True))
    if _is_right(path, wanted):
        return path
    path.resolve().unlink(missing_ok=True)
    raise ProvisionError(
        f"{repository}: {wanted.rfilename} came twice with other content than the hub states; it was removed. "
        "Something between here and the hub changes files: try again, or from another network"
    )


def _is_right(path: Path, wanted: RepoSibling) -> bool:
    size = path.stat().st_size
    if wanted.size is not None and size != wanted.size:
        return False
    if wanted.lfs is not None:
        return _digest(path, hashlib.sha256()) == wanted.lfs.sha256
    # A small file's name in git: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    return wanted.blob_id is None or _digest(path, git) == wanted.blob_id


def _digest(path: Path, hasher: hashlib._Hash) -> str:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _ask_hub(repository: str, question: Callable[[], T]) -> T:
    """The hub's answer. Within a download huggingface_hub goes on where a connection was cut."""
    from huggingface_hub import errors  # noqa: PLC0415 - as above

    # The root of its HTTP library's errors, which has changed between its releases.
    lost: tuple[type[Exception], ...] = (errors.HfHubHTTPError.__mro__[1], OSError)
    for tries_left in reversed(range(_TRIES)):
        try:
            return question()
        except errors.GatedRepoError:
            raise ProvisionError(
                f"{repository}: its access is restricted; accept its terms on its page, and give a token that may read "
                "it: export HF_TOKEN=..."
            ) from None
        except errors.RepositoryNotFoundError:
            raise ProvisionError(
                f"{repository}: the hub has no such repository, or it is private; correct repo_id, or give a token "
                "that may read it: export HF_TOKEN=..."
            ) from None
        except errors.HFValidationError as error:
            raise ConfigError(f"{repository}: not a repository's name: {error}; write org/model") from None
        except lost as error:
            if not tries_left:
                raise ProvisionError(
                    f"{repository}: {type(error).__name__}: {error}; files that are whole are kept, so run it again "
                    "when the hub can be reached (HF_ENDPOINT names another one)"
                ) from None
    raise AssertionError("the loop returns or raises")
