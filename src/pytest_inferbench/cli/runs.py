"""`inferbench runs`: what earlier runs found, listed, shown, compared and exported.

Limits: reads the results folder and writes only where it is told to. What is said of a run is the reports' own.
"""

from __future__ import annotations

import argparse
import difflib
import reprlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.cli.command import Command, add_options, settings_of
from pytest_inferbench.errors import ConfigError, InferbenchError

if TYPE_CHECKING:
    from pytest_inferbench.archive.runs import Run

_COMPARED = ("text", "markdown", "html", "csv", "json")
_LATEST = "a run id, the beginning of one, `latest`, or the path of a run.json"


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every run of the results folder", allow_abbrev=False)
    show = actions.add_parser("show", help="one run as its terminal showed it", allow_abbrev=False)
    show.add_argument("name", metavar="RUN", nargs="?", default="latest", help=f"{_LATEST}.")
    compare = actions.add_parser("compare", help="runs, or the cells of one, side by side", allow_abbrev=False)
    compare.add_argument(
        "names", metavar="RUN", nargs="+", help=f"{_LATEST}; the first is what the others are compared with."
    )
    compare.add_argument("--by", choices=("run", "cell"), default="run", help="What a column is; cell: backends apart.")
    compare.add_argument("--metric", action="append", help="A figure to compare, like e2e_ms.p95; repeatable.")
    compare.add_argument("--format", choices=_COMPARED, default="text", help="Default: text.")
    export = actions.add_parser("export", help="one run in another format", allow_abbrev=False)
    export.add_argument("name", metavar="RUN", nargs="?", default="latest", help=f"{_LATEST}.")
    export.add_argument("--format", required=True, help="json, csv, markdown, html, bencher, ...")
    for one in (compare, export):
        one.add_argument("--output", type=Path, help="File to write (a folder for a format of several files).")
    for one in (listing, show, compare, export):
        add_options(one, "--bench-results")


def _run(arguments: argparse.Namespace) -> int:
    return _ACTIONS[arguments.action](arguments)


def _results(arguments: argparse.Namespace) -> Path:
    return settings_of(arguments).path("results")


def _read(arguments: argparse.Namespace, name: str) -> Run:
    from pytest_inferbench.archive.runs import find_run, read_run  # noqa: PLC0415 - heavy

    return read_run(find_run(_results(arguments), name))


def _list(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.archive.listing import read_listed  # noqa: PLC0415 - heavy
    from pytest_inferbench.archive.results_folder import run_files  # noqa: PLC0415 - as above
    from pytest_inferbench.cli.table import print_rows  # noqa: PLC0415 - as above
    from pytest_inferbench.report.headline import headline  # noqa: PLC0415 - as above
    from pytest_inferbench.report.naming import common  # noqa: PLC0415 - as above

    rows, broken = [], []
    for path in run_files(_results(arguments)):
        try:
            document = read_listed(path)
        except InferbenchError as error:
            broken.append(str(error))
            continue
        words = ", ".join(text for text, _ in headline(document))
        rows.append([document.run_id, words, common(document.cases) if document.cases else "-"])
    if rows:
        print_rows(rows, ["run", "found", "of"])
    elif not broken:
        raise InferbenchError(
            f"no runs in {_results(arguments)}. Run `pytest benchmarks`, or name it: --bench-results."
        )
    for problem in broken:
        sys.stderr.write(f"inferbench runs: {problem}\n")
    return int(bool(broken))


def _show(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.report.terminal import render_summary  # noqa: PLC0415 - heavy

    document = _read(arguments, arguments.name).document
    text = render_summary(document, shutil.get_terminal_size().columns, colour=sys.stdout.isatty())
    sys.stdout.write(f"{document.run_id}, started {document.started}\n\n{text}\n")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.cli.table import print_rows  # noqa: PLC0415 - heavy
    from pytest_inferbench.report import compare_text, side_by_side  # noqa: PLC0415 - as above

    if arguments.by == "run" and len(arguments.names) == 1:
        raise ConfigError("compare needs two runs or more; the cells of one run are compared with --by cell.")
    documents = [_read(arguments, name).document for name in arguments.names]
    known = side_by_side.figures_of(documents)
    for name in arguments.metric or ():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "docs/metrics.md lists what is measured."
            raise ConfigError(f"--metric: no case has {reprlib.repr(name)}; {hint}")
    align = side_by_side.by_run if arguments.by == "run" else side_by_side.by_cell
    found = align(documents, arguments.metric or side_by_side.FIGURES)
    if not found.rows:
        names = ", ".join(side_by_side.FIGURES)
        raise InferbenchError(f"nothing to compare: no case has {names}; --metric asks for others.")
    if len(found.columns) == 1:
        raise ConfigError(f"nothing to compare with: there is one cell, {found.columns[0]}. Name another run.")
    if arguments.format == "text":
        sys.stdout.writelines(f"{letter}  {name}\n" for letter, name in compare_text.legend(found))
        print_rows(compare_text.terminal_rows(found), compare_text.terminal_heads(found), compare_text.styles(found))
        sys.stdout.writelines(f"note: {note}\n" for note in found.notes)
        return 0
    texts: Mapping[str, Callable[[side_by_side.SideBySide], str]] = {
        "markdown": compare_text.to_markdown,
        "html": compare_text.to_page,
        "csv": compare_text.to_csv,
        "json": compare_text.to_json,
    }
    _deliver([texts[arguments.format](found)], [arguments.output])
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.report.formats import FORMATS  # noqa: PLC0415 - heavy

    form = next((form for form in FORMATS if form.name == arguments.format), None)
    if form is None:
        raise ConfigError(f"--format {arguments.format}: expected one of {', '.join(form.name for form in FORMATS)}.")
    if len(form.files) > 1 and arguments.output is None:
        raise ConfigError(f"--format {form.name} writes {' and '.join(form.files)}: name a folder with --output.")
    run = _read(arguments, arguments.name)
    folder = arguments.output
    targets = [folder] if len(form.files) == 1 else [folder / name for name in form.files]
    _deliver(form.render(run.document, run.records_of), targets)
    return 0


def _deliver(texts: Sequence[str], targets: Sequence[Path | None]) -> None:
    """Write each text to its file; to standard output where it has none."""
    from pytest_inferbench.files import write_whole  # noqa: PLC0415 - heavy

    for text, target in zip(texts, targets, strict=True):
        if target is None:
            sys.stdout.write(text)
            continue
        try:
            write_whole(target, text)
        except OSError as error:
            raise InferbenchError(f"--output {target}: cannot be written: {error}") from error
        sys.stdout.write(f"{target}\n")


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "compare": _compare,
    "export": _export,
}

RUNS = Command(
    name="runs",
    help="list, show, compare and export earlier runs",
    description="What earlier runs found, from the results folder that pytest writes to.",
    arguments=_arguments,
    run=_run,
)
