"""Files of a run, written whole or not at all.

Law: the only writer of a run's files; what reads them meanwhile sees the old one or the new one.
"""

from __future__ import annotations

import os
from pathlib import Path


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
