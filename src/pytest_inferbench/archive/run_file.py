"""`run.json` of the run under way: written anew after every test, and elsewhere where its own folder takes nothing.

Limits: one writer. What cannot be written never raises: it is kept, told at the end, and fails the run.
"""

from __future__ import annotations

from pathlib import Path

from pytest_inferbench.archive.rescue import rescue, why_not
from pytest_inferbench.archive.results_folder import RUN_FILE
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.files import write_whole
from pytest_inferbench.report.json_report import to_text


class RunFile:
    """A run's document on disk.

    Args:
        folder: the run's, made when it is first written.

    Attributes:
        path: where the document is now.
        problem: why it is not in the run's folder, and where it is; "" where all is well.
    """

    def __init__(self, folder: Path) -> None:
        self._place = folder / RUN_FILE
        self._elsewhere: Path | None = None
        self.path = self._place
        self.problem = ""

    def write(self, document: RunDocument) -> None:
        """Put the document where it belongs, or where there is room."""
        text = to_text(document)
        try:
            write_whole(self._place, text)
        except OSError as error:
            self._keep(text, document.run_id)
            where = f"what was measured is in {self._elsewhere}" if self._elsewhere else "and no other place took it"
            self.problem = f"{RUN_FILE} was not written: {why_not(self._place, error)}; {where}"
        else:
            self.path, self.problem = self._place, ""

    def _keep(self, text: str, run_id: str) -> None:
        if self._elsewhere is None:
            self._elsewhere = rescue(RUN_FILE, text, run_id)
        else:
            try:
                write_whole(self._elsewhere, text)
            except OSError:
                self._elsewhere = rescue(RUN_FILE, text, run_id) or self._elsewhere
        self.path = self._elsewhere or self._place
