"""What baseline files held at a commit.

Limits: asks git and changes nothing.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from pytest_inferbench.errors import BaselineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_at_commit(folder: Path, commit: str) -> Callable[[Path], str | None]:
    """A way to read files of a folder as they were at a commit; None for one that was not there.

    Args:
        folder: in a git repository.
        commit: anything that git takes for one: `HEAD~3`, `v1.2`, `main`.

    Raises:
        BaselineError: it is none, or the folder is in no repository.
    """
    if _git(folder, "rev-parse", "--git-dir") is None:
        raise BaselineError(f"--since {commit}: {folder} is in no git repository; give a date like 2026-05-01")
    known = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if known is None:
        raise BaselineError(
            f"--since {commit}: git has no such commit in {folder}; give one of its commits, or a date like 2026-05-01"
        )
    return lambda path: _git(folder, "show", f"{known.strip()}:./{path}")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", "-C", folder, *arguments],  # noqa: S607 - git is where the user has it
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
