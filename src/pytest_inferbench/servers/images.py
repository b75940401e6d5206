"""Getting the image that a cell runs on: named, pulled or built.

Limits: an image that is there is used; one is made once, also by several processes (a lock for each name). What
went wrong is told with the engine's last words, and a build's whole log is kept.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.errors import CellUnavailable, ConfigError, ProvisionError
from pytest_inferbench.files import alone, short_hash
from pytest_inferbench.models.progress import Progress, silent
from pytest_inferbench.servers.process import new_log

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_inferbench.backends.backend import Backend
    from pytest_inferbench.servers.docker_engine import Engine

_PACKAGE = Path(__file__).resolve().parents[1]
# In an installed wheel, and in a checkout.
_SHIPPED = (_PACKAGE / "dockerfiles", _PACKAGE.parents[1] / "docker")
_FILES_OF_OURS = (Path(__file__).with_name("xllamacpp_server.py"),)
_TAIL = 40
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HASH_LENGTH = 12
_MB = 1e6


@dataclass(frozen=True, slots=True)
class ImageWish:
    """The image that a cell asks for.

    Attributes:
        version: the version to run.
        image: an image to use as it is; None for the backend's own.
        image_type: "prebuilt" or "build"; without effect where `image` is given.
        gpus: how many GPUs the server gets.
    """

    version: str
    image: str | None
    image_type: str
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is there.

    Attributes:
        reference: its name.
        digest: what names its content for ever.
        origin: "given", "prebuilt" or "build".
    """

    reference: str
    digest: str
    origin: str


@dataclass(frozen=True, slots=True)
class ImageName:
    """What an image that a cell asks for is called, and where it comes from.

    Attributes:
        reference: its name.
        origin: "given", "prebuilt" or "build".
        dockerfile: the Dockerfile that makes it; "" for one that is pulled.
        args: build arguments.
        context: what is built from, as a tar archive.
    """

    reference: str
    origin: str
    dockerfile: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    context: bytes = field(default=b"", repr=False)


def image_name(backend: Backend, wish: ImageWish, folders: tuple[Path, ...]) -> ImageName:
    """The image that a cell asks for; nothing is pulled or built.

    Args:
        backend: whose image.
        wish: what is asked for.
        folders: where Dockerfiles may be besides those we ship; the first that has one wins.

    Raises:
        ConfigError: the backend has no such image.
    """
    facts = backend.container
    if facts is None:
        raise ConfigError(f"{backend.name} has no containers; use --provision url or process")
    if wish.image is not None:
        return ImageName(wish.image, "given")
    if wish.image_type == "prebuilt":
        if facts.prebuilt is None:
            raise ConfigError(f"nobody publishes an image of {backend.name}; use --image-type build, or --image")
        return ImageName(facts.prebuilt(wish.version, wish.gpus), "prebuilt")
    if facts.dockerfile is None:
        raise ConfigError(f"{backend.name} has no Dockerfile; use --image-type prebuilt, or --image")
    args = {"VERSION": wish.version, **facts.build_args(wish.version, wish.gpus)}
    dockerfile = facts.dockerfile(wish.version)
    context = _context(folders, dockerfile)
    recipe = hashlib.sha256(context + repr(sorted(args.items())).encode()).hexdigest()[:_HASH_LENGTH]
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", wish.version)[:80]
    return ImageName(f"inferbench/{backend.name}:{tag}-{recipe}", "build", dockerfile, args, context)


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Gets images for one run.

    Attributes:
        engine: where they are.
        folders: where Dockerfiles may be besides those we ship; the first that has one wins.
        log_dir: where build logs go.
        lock_dir: where locks are, the same for all processes of the machine.
        renew: pull or build again what is there, once a run.
    """

    engine: Engine
    folders: tuple[Path, ...]
    log_dir: Path
    lock_dir: Path
    renew: bool = False
    _renewed: set[str] = field(default_factory=set)

    def obtain(self, backend: Backend, wish: ImageWish, progress: Progress = silent) -> Image:
        """The image, made or pulled where it is not there.

        Raises:
            ConfigError: the backend has no such image.
            CellUnavailable: it is not there and its registry cannot be reached.
            ProvisionError: the registry has none of that name, or the build failed.
        """
        name = image_name(backend, wish, self.folders)
        with self._alone(name.reference, progress):
            if self._needs_pull(name.reference):
                if name.dockerfile:
                    self._build(name, progress)
                else:
                    self._pull(name.reference, progress)
        return Image(name.reference, self.engine.image_digest(name.reference), name.origin)

    def _pull(self, reference: str, progress: Progress) -> None:
        if reference.startswith("sha256:") or "@" in reference:
            repository, tag = reference, ""
        else:
            repository, tag = split_reference(reference)
        sizes: dict[str, tuple[int, int]] = {}
        progress(f"pulling {reference}")
        try:
            for message in self.engine.pull(repository, tag):
                detail = message.get("progressDetail") or {}
                if message.get("status") == "Downloading" and "total" in detail:
                    sizes[message["id"]] = (detail["current"], detail["total"])
                    done, total = (sum(column) / _MB for column in zip(*sizes.values(), strict=True))
                    progress(f"pulling {reference}: {done:.0f} of {total:.0f} MB")
        except LookupError as error:
            raise ProvisionError(
                f"image {reference} cannot be had: {error}; correct the version or --image, or use --image-type build"
            ) from None
        except ConnectionError as error:
            if self.engine.image_id(reference) is None:
                raise CellUnavailable(
                    f"image {reference} is not on this machine and its registry cannot be reached: {error}"
                ) from None
            raise ProvisionError(f"image {reference} could not be pulled again: {error}") from None

    def _build(self, name: ImageName, progress: Progress) -> None:
        reference, dockerfile = name.reference, name.dockerfile
        progress(f"building {reference}")
        log_path = new_log(self.log_dir, f"build-{reference}")
        last: deque[str] = deque(maxlen=_TAIL)
        problem: str | None = None
        with log_path.open("w", encoding="utf-8") as log:
            said = self.engine.build(io.BytesIO(name.context), dockerfile, reference, name.args, fresh=self.renew)
            for message in said:
                problem = message.get("error", problem)
                text = _COLOUR.sub("", str(message.get("stream") or message.get("error") or ""))
                log.write(text)
                for line in filter(None, map(str.strip, text.splitlines())):
                    last.append(line)
                    progress(f"building {reference}: {line}")
        if problem is not None:
            raise ProvisionError(
                f"{reference} could not be built with {dockerfile}: {problem}\n  log: {log_path}", tuple(last)
            )

    def _needs_pull(self, reference: str) -> bool:
        """Whether to get it now; notes that it was."""
        renewing = self.renew and reference not in self._renewed
        self._renewed.add(reference)
        return renewing or self.engine.image_id(reference) is None

    def _alone(self, reference: str, progress: Progress) -> AbstractContextManager[None]:
        lock = self.lock_dir / f"image-{short_hash(reference, _HASH_LENGTH)}.lock"
        return alone(lock, lambda: progress(f"another process is getting {reference}; waiting for it"))


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag of an image's name; `latest` where it has no tag, the port of a registry being none."""
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "latest")


def _context(folders: tuple[Path, ...], dockerfile: str) -> bytes:
    """A tar archive of the folder that has the Dockerfile, with our own files beside it; the same bytes each time.

    Raises:
        ConfigError: no folder has one.
    """
    places = (*folders, *_SHIPPED)
    home = next((folder for folder in places if (folder / dockerfile).is_file()), None)
    if home is None:
        raise ConfigError(f"there is no {dockerfile} in {', '.join(map(str, places))}")
    sources = sorted(home.glob(f"{dockerfile.removesuffix('.Dockerfile')}.cpp*.tar.gz"))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in (home / dockerfile, *_FILES_OF_OURS, *sources):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                tar.addfile(entry, file)
    return archive.getvalue()
