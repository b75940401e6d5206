"""A file's new text, safely on the disk beside it before it takes its place.

Limits: whoever stages also replaces or removes what was staged.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def staged_beside(target: Path) -> Path:
    """Where this process stages a file's new text."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


@contextlib.contextmanager
def folders_of(targets: Iterable[Path]) -> Iterator[None]:
    """Make the folders that files lie in; those that were not there before go again where nothing comes into them.

    Raises:
        OSError: one cannot be made.
    """
    folders = {folder: None for target in targets for folder in reversed(target.parents)}
    made = [folder for folder in folders if not folder.exists()]
    try:
        for folder in made:
            folder.mkdir(exist_ok=True)
        yield
    except BaseException:
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # somebody's file is in it
                folder.rmdir()
        raise


def stage(target: Path, text: str) -> None:
    """Write the text beside the file, with the file's own permissions.

    Raises:
        OSError: it cannot be written.
    """
    temporary = staged_beside(target)
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if target.exists():
        shutil.copymode(target, temporary)
