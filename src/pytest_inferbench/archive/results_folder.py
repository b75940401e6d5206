"""Where the runs lie in a results folder.

Limits: paths alone; what is in a file is `runs`, or `listing` for what a list shows of it.
"""

from __future__ import annotations

from pathlib import Path

RUN_FILE = "run.json"


def run_files(results: Path) -> list[Path]:
    """The run.json of every run in a results folder, the oldest first; run ids begin with their time."""
    return sorted(results.glob(f"*/{RUN_FILE}"), key=lambda path: path.parent.name)
