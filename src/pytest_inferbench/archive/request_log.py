"""A case's records on disk: the process that measured writes them, once, before the case is reported.

Limits: one file, one writer, and never half a file. Records are an extra: a disk that is full costs the file and is
noted in the result, and put where there is room, never the measurement. It fails the run all the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from pytest_inferbench.archive.rescue import rescue, why_not
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.files import short_hash, write_whole
from pytest_inferbench.records import RoundRecord
from pytest_inferbench.report.sidecar import pack

FOLDER = "records"
_NAME_LENGTH = 80
_NOT_WRITTEN = "its request records were not written"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def with_records(case: CaseResult, rounds: Sequence[RoundRecord], run_folder: Path) -> CaseResult:
    """The case with the name of its records file, relative to the run's folder; with a note where it has none."""
    name = f"{FOLDER}/{_file_name(case)}"
    packed = pack(case.case, rounds)
    try:
        write_whole(run_folder / name, packed)
    except OSError as error:
        kept = rescue(name, packed, run_folder.name)
        where = "" if kept is None else f"; they are in {kept}"
        note = f"{_NOT_WRITTEN}: {why_not(run_folder / name, error)}{where}"
        return dataclasses.replace(case, notes=(*case.notes, note))
    return dataclasses.replace(case, records=name)


def lacks_records(case: CaseResult) -> bool:
    """Whether its records are not where they belong."""
    return case.records is None and any(note.startswith(_NOT_WRITTEN) for note in case.notes)


def _file_name(case: CaseResult) -> str:
    """Readable, and different for every case of a run: names may be long, or differ in what a file name cannot hold."""
    digest = short_hash(f"{case.id}\n{case.case}", 10)
    readable = _UNSAFE.sub("-", f"{case.case}-{case.backend}-{case.model}")[:_NAME_LENGTH].strip("-.")
    return f"{readable}-{digest}.jsonl.gz"
