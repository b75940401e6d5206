"""Earlier runs: `<results>/<run id>/run.json` and the records files that it names.

Limits: reads, and never writes. A file that cannot be used is one error with its path; a records file that is gone only
leaves out what is drawn from it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from pytest_inferbench.archive.results_folder import RUN_FILE, run_files
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.codec import read_document
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.sidecar import CaseRecords, RecordsOf, unpack


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        path: its run.json.
        document: what it holds.
    """

    path: Path
    document: RunDocument

    @property
    def records_of(self) -> RecordsOf:
        """Reads the records of a case of this run."""
        return records_reader(self.path.parent)


def read_run(path: Path) -> Run:
    """The run whose run.json `path` is.

    Raises:
        InferbenchError: it cannot be read, or is no run document.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InferbenchError(f"{path}: cannot be read: {error}. Expected the run.json of a benchmark run.") from error
    return Run(path, read_document(text, str(path)))


def find_run(results: Path, name: str) -> Path:
    """The run.json that `name` means: a path, a run id, the beginning of one, or `latest`.

    Raises:
        InferbenchError: there is none, or more than one.
    """
    given = Path(name).expanduser()
    if given.suffix == ".json" or given.is_dir():
        return given / RUN_FILE if given.is_dir() else given
    known = {path.parent.name: path for path in run_files(results)}
    if name == "latest" and known:
        return list(known.values())[-1]
    matching = [run_id for run_id in known if run_id == name] or [each for each in known if each.startswith(name)]
    if len(matching) == 1:
        return known[matching[0]]
    if matching:
        raise InferbenchError(f"run {name!r} is not one run in {results}: {', '.join(matching)}. Give more of its id.")
    near = difflib.get_close_matches(name, known, n=3) or list(known)[-3:]
    there = f"there are: {', '.join(near)}" if near else "the folder has none"
    raise InferbenchError(
        f"no run {name!r} in {results}; {there}. Give a run id, the beginning of one, `latest`, or the path of"
        " a run.json (--bench-results names another folder)."
    )


def records_reader(folder: Path) -> RecordsOf:
    """Reads the records of a case of the run in `folder`; None for a case that has none, or whose file is gone.

    The function raises InferbenchError for a file that is damaged or lies outside of the folder.
    """

    def read(case: CaseResult) -> CaseRecords | None:
        name = case.records
        if name is None:
            return None
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InferbenchError(f"{folder / RUN_FILE}: records {name!r} is outside of the run's folder; not read.")
        try:
            data = path.read_bytes()
        except OSError:
            return None
        return unpack(data, str(path))

    return read
