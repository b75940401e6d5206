"""Files that several processes share: written whole or not at all, and locked.

Limits: standard library only, no clock and no messages; who waits for a lock decides how long and what to say.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a passing name and move it to its place; folders are made.

    Raises:
        OSError: it could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.tmp")
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        fresh.write_bytes(data)
        os.replace(fresh, path)  # noqa: PTH105 - atomic on one file system
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def expand_home(path: str | Path) -> Path:
    """A path with the home folder in the place of a leading ~; as it is where nobody has that name."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for a user that there is not


def is_there(path: Path) -> bool:
    """Whether a file or folder is there; False too for a name that no file system holds."""
    return os.path.exists(path)  # noqa: PTH110 - pathlib's raises for a name that is too long


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file between processes; False while another holds it. The system unlocks what its holder leaves.

    Args:
        descriptor: the file's.
        shared: others may share it too; nobody may have it alone meanwhile.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def alone(path: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a file, made where it is not there, however long that takes.

    Args:
        path: the file; its folder is made.
        waits: called once where another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        if not try_lock(file.fileno()):
            waits()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def short_hash(text: str, digits: int = 16) -> str:
    """The first hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]
