"""What could not be written where it belongs: put where there is room, and said.

Limits: writes nothing else anywhere; a name that nobody can foresee, in a folder that only its owner may read.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

from pytest_inferbench.files import write_whole

_FULL = (errno.ENOSPC, errno.EDQUOT)


def rescue(name: str, content: str | bytes, run_id: str) -> Path | None:
    """Write a file of a run to the first place that takes it: the system's temporary folder, or the user's own.

    Args:
        name: the file's, within the run's folder.
        content: what it holds.
        run_id: the run's name.

    Returns:
        where it is; None where no place took it.
    """
    for base in (tempfile.gettempdir, Path.home):
        try:
            path = Path(tempfile.mkdtemp(prefix=f"inferbench-{run_id}-", dir=base())) / name
            write_whole(path, content)
        except (OSError, RuntimeError):  # the latter of a user without a home
            continue
        return path
    return None


def why_not(path: Path, error: OSError) -> str:
    """Why a file could not be written, with what its disk has left where that is the reason."""
    reason = error.strerror or str(error)
    if error.errno not in _FULL:
        return f"{reason}: {error.filename or path}"
    folder = next((each for each in path.parents if each.exists()), path.parent)
    return f"{reason}: the disk of {folder} has {shutil.disk_usage(folder).free / 2**20:,.0f} MiB left"
