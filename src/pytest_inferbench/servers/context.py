"""What a launch needs to know of who asks for it: a pytest run, or the command `inferbench serve`.

Limits: a protocol; each of them has its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pytest_inferbench.options import Settings
from pytest_inferbench.servers.images import Images


class LaunchContext(Protocol):
    """Who brings servers up.

    Attributes:
        run_id: a name for all that it starts.
        settings: the options.
        images: what gets its images; None until one is asked for.
    """

    run_id: str
    settings: Settings
    images: Images | None

    @property
    def folder(self) -> Path:
        """Where its logs go."""
        ...
