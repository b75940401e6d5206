"""The reports that a run's options ask for, written when it ends.

Limits: the controller writes them, from the document alone. One that cannot be written is a line of the summary and
fails the run, because somebody waits for it; the others are written all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_inferbench.archive.runs import records_reader
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.files import write_whole
from pytest_inferbench.options import Settings
from pytest_inferbench.report.formats import FORMATS, Format


def write_reports(settings: Settings, folder: Path, document: RunDocument) -> tuple[list[str], bool]:
    """Write each report that was asked for; the lines to print, and whether all went well.

    Args:
        settings: the options of the run, which ask for reports.
        folder: the run's, for its request records.
        document: the run document.
    """
    lines, went_well = [], True
    for form, path in _wanted_formats(settings):
        try:
            texts = form.render(document, records_reader(folder))
            written = [path] if len(form.files) == 1 else [path / name for name in form.files]
            for target, text in zip(written, texts, strict=True):
                write_whole(target, text)
        except (OSError, InferbenchError) as error:
            lines.append(f"{form.name} was not written: {error}")
            went_well = False
        else:
            lines += [f"{form.name}: {shown_path(target, settings.rootdir)}" for target in written]
    return lines, went_well


def _wanted_formats(settings: Settings) -> Iterator[tuple[Format, Path]]:
    for form in FORMATS:
        option = form.name.replace("-", "_")
        if getattr(settings, option):
            yield form, settings.path(option)
