"""Where in people's Python a value was made: the file and line that its mistakes are told with.

Limits: looks at the call stack and at nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_inferbench.config.document import Source
from pytest_inferbench.config.load import shown_path

_OURS = str(Path(__file__).resolve().parents[1])


def caller() -> Source:
    """The nearest line on the stack that is not this package's; its file as seen from the working directory."""
    frame = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads every source file on the way
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_OURS, "<")):
        frame = frame.f_back
    return Source(shown_path(Path(frame.f_code.co_filename), Path.cwd()), frame.f_lineno)
