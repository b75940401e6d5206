"""The text of `<hardware>.jsonl` to the cases it has accepted something of.

Limits: pure. One message for the first line that cannot be used, with its number; nothing is mended or passed over.
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from pytest_inferbench.baselines.accepted import Accepted, accepted_cases
from pytest_inferbench.baselines.lines import FIRST, KINDS, SCHEMA, Line, Segment, Session, renew_line, segment_of
from pytest_inferbench.config.document import Source, annotate
from pytest_inferbench.config.validate import validate
from pytest_inferbench.config.wording import quote_value, shorten_name
from pytest_inferbench.errors import BaselineError, ConfigError

CLOCK_SKEW: Final = timedelta(hours=1)
"""How far the clock of the machine that wrote a line may be ahead of this one's."""

_A_SESSION: Final = tuple(f'{{"schema":{each},"kind":"session",' for each in (2, SCHEMA))  # nearly every line
_MARKERS: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_RESTORE: Final = "restore the file from version control, or delete the line"


def read_lines(text: str, name: str, now: datetime) -> dict[str, Accepted]:
    """The cases of a file by their keys.

    Args:
        text: its lines, in any order.
        name: the file as people are shown it.
        now: a line from later than this is wrong.

    Raises:
        BaselineError: a line is cut off, left by a merge, of a newer version, from the future, there twice, or it
            does not say what a line must.
    """
    lines: list[tuple[Source, Line]] = []
    opened: dict[tuple[str, str], Segment] = {}
    seen: dict[tuple[str, str, str], Source] = {}
    for number, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        where = Source(name, number)
        line, older = _read(written, where)
        _check_date(line, where, now)
        first = seen.setdefault((line.kind, line.id, line.key), where)
        if first is not where:
            raise BaselineError(
                f"{where}: the {line.kind} of run {shorten_name(line.id)} for {shorten_name(line.key)} is on "
                f"line {first.line} already; "
                "delete one of them"
            )
        for segment in (line, older):
            if isinstance(segment, Segment):
                opened.setdefault((segment.key, segment.id), segment)
        if not isinstance(line, Segment):
            lines.append((where, line))
    for where, line in lines:
        if isinstance(line, Session) and line.segment != FIRST and (line.key, line.segment) not in opened:
            raise BaselineError(
                f"{where}: no line opens the segment {shorten_name(line.segment)} of "
                f"{shorten_name(line.key)}; {_RESTORE}"
            )
    return accepted_cases([*opened.values(), *(line for _, line in lines)])


def _read(written: str, where: Source) -> tuple[Line, Segment | None]:
    """The line; and the segment that one of version 1 is of, which has no line of its own."""
    if written.startswith(_A_SESSION):
        # One parser reads and checks it; what is wrong with it is told below.
        with contextlib.suppress(ValidationError):
            return Session.model_validate_json(written), None
    try:
        data = json.loads(written)
    except (ValueError, RecursionError) as error:
        _refuse_text(written, where, error)
    if not isinstance(data, dict):
        raise BaselineError(f"{where}: got {quote_value(written)}, expected a JSON object; delete the line")
    if "schema" not in data:
        raise BaselineError(f"{where}: missing key 'schema'; {_RESTORE}")
    version = data["schema"]
    if isinstance(version, int) and version > SCHEMA:
        raise BaselineError(
            f"{where}: schema {version} is newer than {SCHEMA}, the newest read here; upgrade pytest-inferbench"
        )
    if version == 1:
        session = _parse_line(renew_line(data), where)
        return session, segment_of(data)
    return _parse_line(data, where), None


def _parse_line(data: dict[str, Any], where: Source) -> Line:
    kind = data.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise BaselineError(f"{where}: kind: got {quote_value(kind)}, expected one of {', '.join(KINDS)}; {_RESTORE}")
    try:
        return model.model_validate(data)
    except ValidationError:
        try:  # once more: only now is it worth its while to give every value a place
            return validate(model, annotate(data, where))
        except ConfigError as error:
            problem = str(error).splitlines()[0].removesuffix("; add it")
            raise BaselineError(f"{problem}; {_RESTORE}") from None


def _refuse_text(written: str, where: Source, error: Exception) -> NoReturn:
    if written.startswith(_MARKERS):
        raise BaselineError(
            f"{where}: an unresolved merge conflict; keep the lines of both sides and remove the markers "
            "(`*.jsonl merge=union` in .gitattributes does so by itself)"
        ) from None
    why = "nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"
    if isinstance(error, json.JSONDecodeError):
        why = f"column {error.colno}: {error.msg}"
    raise BaselineError(f"{where}: not a whole line of JSON ({why}); {_RESTORE}") from None


def _check_date(line: Line, where: Source, now: datetime) -> None:
    try:
        moment = line.moment
    except ValueError:
        raise BaselineError(
            f"{where}: date: got {quote_value(line.date)}, expected one like 2026-05-01T02:00:00+00:00"
        ) from None
    if moment > now + CLOCK_SKEW:
        raise BaselineError(
            f"{where}: date: {shorten_name(line.date)} is in the future; set the clock of the machine that "
            "wrote it, or this one's, "
            "and correct the line"
        )
