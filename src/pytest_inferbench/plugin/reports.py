"""The reports that a run's options ask for, written when it ends.

Law: the controller writes them, from the document alone. One that cannot be written is a line of the summary and fails
the run, because somebody waits for it; the others are written all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_inferbench.archive.files import write_whole
from pytest_inferbench.archive.runs import records_reader
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.formats import FORMATS, Format

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext


def write_reports(context: RunContext, document: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Write each report that was asked for; the lines to print, and whether all went well."""
    lines, went_well = [], True
    for form, path in _wanted(context):
        try:
            texts = form.render(document, records_reader(context.folder))
            written = [path] if len(form.files) == 1 else [path / name for name in form.files]
            for target, text in zip(written, texts, strict=True):
                write_whole(target, text)
        except (OSError, InferbenchError) as error:
            lines.append(f"{form.name} was not written: {error}")
            went_well = False
        else:
            lines += [f"{form.name}: {shown(target, context.settings.rootdir)}" for target in written]
    return lines, went_well


def shown(path: Path, root: Path) -> str:
    """The path as it is printed: from pytest's rootdir where it lies below it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _wanted(context: RunContext) -> Iterator[tuple[Format, Path]]:
    for form in FORMATS:
        option = form.name.replace("-", "_")
        if getattr(context.settings, option):
            yield form, context.settings.path(option)
