"""How xdist's workers tell their progress to the controller: a file each, which it reads now and then.

Limits: a worker writes its own file and no other; the controller only reads, and removes what workers left. A text is
there whole or not at all.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from pytest_inferbench.files import write_whole

FOLDER = "progress"  # within the run's
_SUFFIX = ".txt"


class StatusFile:
    """A worker's display.

    Args:
        folder: where the files of all workers are.
        worker: its name.
    """

    def __init__(self, folder: Path, worker: str) -> None:
        self._path = folder / f"{worker}{_SUFFIX}"
        self._told = ""

    def show(self, texts: Sequence[str]) -> None:
        """Write what goes on, where it is something else than before."""
        text = "; ".join(texts)
        if text == self._told:
            return
        with contextlib.suppress(OSError):
            write_whole(self._path, text)
            self._told = text

    def clear(self) -> None:
        """Nothing goes on."""
        self._told = ""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held."""


class Statuses:
    """What the workers tell.

    Args:
        folder: where their files are; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Sequence[str]:
        """`[gw0] what it does`, of each that does something."""
        texts = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            with contextlib.suppress(OSError):  # it has just ended
                texts.append(f"[{path.stem}] {path.read_text(encoding='utf-8')}")
        return texts

    def forget(self, worker: str) -> None:
        """A worker has ended, and perhaps left its file."""
        with contextlib.suppress(OSError):
            (self._folder / f"{worker}{_SUFFIX}").unlink(missing_ok=True)

    def remove(self) -> None:
        """All workers have ended."""
        shutil.rmtree(self._folder, ignore_errors=True)
