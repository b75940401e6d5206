"""The records of one case as a compressed file beside `run.json`: raw requests, so that a figure can be made again.

Limits: pure: records to bytes and back, the same records to the same bytes. Lines of JSON under gzip: a header, then
for each round one line and one line for each of its requests. Times are monotonic nanoseconds of the machine that
measured. Chunk arrivals are bounded (`CHUNK_LIMIT`): requests beyond keep their first and last arrival and say so.
A file is read as far as one that a run writes can go: 64 MiB a line, 512 MiB and two million lines in all.
"""

from __future__ import annotations

import gzip
import io
import json
import reprlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.records import RequestRecord, RoundRecord

SCHEMA = 1
CHUNK_LIMIT = 1_000_000
_KIND = "inferbench-records"
_ENDS = 2  # arrivals that a thinned request keeps
_LEVEL = 6
_MIB = 2**20
_LINE_MIB, _FILE_MIB, _MOST_LINES = 64, 512, 2_000_000


@dataclass(frozen=True, slots=True)
class CaseRecords:
    """What a records file holds.

    Attributes:
        case: the case's name.
        rounds: its rounds, without the load workers' own health, which the run document sums up.
        thinned: `(round, request)` indices of the requests whose `output_ns` and `chunk_tokens` are the first's and
            the last's alone.
    """

    case: str
    rounds: tuple[RoundRecord, ...]
    thinned: frozenset[tuple[int, int]] = frozenset()


RecordsOf = Callable[[CaseResult], CaseRecords | None]
"""The records of a case of a run document; None where it has none."""


def pack(case: str, rounds: Sequence[RoundRecord], chunk_limit: int = CHUNK_LIMIT) -> bytes:
    """The records file of a case.

    Args:
        case: its name.
        rounds: what was observed.
        chunk_limit: chunk arrivals that are kept in all; the requests that came first keep theirs.
    """
    lines: list[Mapping[str, Any]] = [{"kind": _KIND, "schema": SCHEMA, "case": case, "rounds": len(rounds)}]
    room = chunk_limit
    for round_ in rounds:
        lines.append(_round_line(round_))
        for record in round_.requests:
            room -= len(record.output_ns)
            lines.append(_request_line(record, thin=room < 0 and len(record.output_ns) > _ENDS))
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return gzip.compress(text.encode("ascii"), _LEVEL, mtime=0)


def unpack(data: bytes, where: str) -> CaseRecords:
    """The records in a file; `where` (its path) is what an error names.

    Raises:
        InferbenchError: not a records file, cut short, damaged, larger than any run's, or written by a newer version.
    """
    lines = _lines(data)
    try:
        header = json.loads(next(lines, "null"))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise _damage(where, str(error)) from error
    if not isinstance(header, dict) or header.get("kind") != _KIND or type(header.get("schema")) is not int:
        raise _damage(where, f"it begins with {reprlib.repr(header)}")
    if header["schema"] > SCHEMA:
        raise InferbenchError(
            f"{where}: written by a newer pytest-inferbench: its schema is {header['schema']}, and this one reads up to"
            f" {SCHEMA}. Upgrade pytest-inferbench to read it."
        )
    try:
        return _case(header, lines)
    except (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _damage(where, first) from error


def _lines(data: bytes) -> Iterator[str]:
    """The lines of a file, unpacked one by one: a small file may hold far more than memory does."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        taken = 0
        for number in range(_MOST_LINES + 1):
            line = file.readline(_LINE_MIB * _MIB + 1)
            taken += len(line)
            if not line:
                return
            if len(line) > _LINE_MIB * _MIB:
                raise ValueError(f"line {number + 1} is longer than {_LINE_MIB} MiB")
            if taken > _FILE_MIB * _MIB:
                raise ValueError(f"it unpacks to more than {_FILE_MIB} MiB")
            yield line.decode("ascii").removesuffix("\n")
    raise ValueError(f"it has more than {_MOST_LINES} lines")


def _case(header: Mapping[str, Any], lines: Iterator[str]) -> CaseRecords:
    rounds, thinned = [], set()
    for index in range(header["rounds"]):
        round_ = json.loads(_next(lines))
        requests = []
        for position in range(round_.pop("requests")):
            data = json.loads(_next(lines))
            if data.pop("thinned", False):
                thinned.add((index, position))
            requests.append(_request(data))
        rounds.append(_round_type().validate_python({**round_, "requests": requests, "workers": ()}))
    if next(lines, None) is not None:
        raise ValueError("it goes on after its last round")
    return CaseRecords(str(header["case"]), tuple(rounds), frozenset(thinned))


def _next(lines: Iterator[str]) -> str:
    try:
        return next(lines)
    except StopIteration:
        raise ValueError("it ends before its last request") from None


def _round_line(round_: RoundRecord) -> dict[str, Any]:
    line: dict[str, Any] = {"index": round_.index, "requests": len(round_.requests)}
    line |= {} if round_.concurrency is None else {"concurrency": round_.concurrency}
    line |= {"found": dict(round_.found)} if round_.found else {}
    for name, reading in (("before", round_.before), ("after", round_.after)):
        line |= {} if reading is None else {name: {"at_ns": reading.at_ns, "values": dict(reading.values)}}
    return line


def _request_line(record: RequestRecord, *, thin: bool) -> dict[str, Any]:
    line: dict[str, Any] = _request_type().dump_python(record, mode="json", exclude_none=True, exclude_defaults=True)
    for name in ("output_ns", "chunk_tokens") if thin else ():
        if name in line:
            line[name] = [line[name][0], line[name][-1]]
    if thin:
        line["thinned"] = True
    # Differences are a third of the bytes: an arrival has 15 digits, the time to the next one 7.
    if line["output_ns"]:
        line["output_ns"] = [line["output_ns"][0], *(later - sooner for sooner, later in pairwise(line["output_ns"]))]
    return line


def _request(line: Mapping[str, Any]) -> RequestRecord:
    absent = dict.fromkeys(("scheduled_ns", "sent_ns", "answer_ns"))
    arrivals = list(accumulate(line["output_ns"]))
    record: RequestRecord = _request_type().validate_python({**absent, **line, "output_ns": arrivals})
    return record


@cache
def _request_type() -> Any:  # noqa: ANN401 - pydantic's adapter, whose import costs more than this file
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(RequestRecord)


@cache
def _round_type() -> Any:  # noqa: ANN401 - as above
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(RoundRecord)


def _damage(where: str, seen: str) -> InferbenchError:
    return InferbenchError(
        f"{where}: not a whole records file: {seen}. Expected the file that a benchmark run writes beside its run.json;"
        " the run document itself does not need it: delete this file to do without."
    )
