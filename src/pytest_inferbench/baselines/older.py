"""Baseline files of version 1, which held the program's figures between people's lines: taken over once.

Idea: `accepted` was derived from the sessions and is dropped; `noise` becomes lines of the hardware's file. The next
update writes both; until then the old form is read as it is.
Limits: pure. What is cut is whole lines that the program wrote; where they were written otherwise since, the text
stays, and people are told which lines to delete. This file goes with the last release that reads version 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_inferbench.baselines.accepted import Accepted
from pytest_inferbench.baselines.changes import Edit, Rewrite, Update
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.names import split_key
from pytest_inferbench.config.document import Section
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_inferbench.baselines.schema import Baseline

_OURS: Final = ("accepted", "noise")
_RUN: Final = "version-1"
_NONE: Final = Accepted()


def has_older(document: Section) -> bool:
    """Whether a validated file of people's still holds something of the program's."""
    return any(True for _ in _entries(document))


def first_line(document: Section) -> int:
    """The line of the first of them, in a file that has some."""
    return min(line for _, _, entry in _entries(document) for line in _lines_of(entry))


def noise_lines(document: Section) -> dict[str, dict[str, Noise]]:
    """The noise that the file holds: hardware -> case -> line."""
    found: dict[str, dict[str, Noise]] = {}
    for key, hardware, entry in _entries(document):
        noise = entry.section("noise")
        if noise:
            case, variant = split_key(key)
            found.setdefault(hardware, {})[key] = Noise(
                id=_RUN,
                date=noise["date"],
                case=case,
                variant=variant,
                version=noise["version"],
                workload_hash=noise["workload"],
                pairs=noise["pairs"],
                restart_sd={gate: float(noise["restart_sd"][gate]) for gate in noise["restart_sd"]},
            )
    return found


def without_older(text: str, name: str) -> str | None:
    """The file without the program's figures, every other character as it was; None where they must be cut by hand."""
    document = parse(text, name)
    lines = text.splitlines(keepends=True)
    gone: set[int] = set()
    for key, hardware, entry in _entries(document):
        gone |= _lines_of(entry)
        case, machines = document["cases"][key], document["cases"][key]["hardware"]
        # A key that holds nothing else goes with it.
        if not set(entry) - set(_OURS):
            gone.add(machines.source_of(hardware).line or 0)
            if all(not set(other) - set(_OURS) for other in machines.values()):
                gone.add(case.source_of("hardware").line or 0)
                if set(case) == {"hardware"}:
                    gone.add(document["cases"].source_of(key).line or 0)
    kept = "".join(_comment(line) if number in gone else line for number, line in enumerate(lines, start=1))
    try:
        same = parse(kept, name).plain() == _plain_without(document)
    except ConfigError:
        same = False
    return kept if same else None


def plan_takeover(baselines: Sequence[Baseline]) -> Update:
    """Take the program's figures out of a file of people's.

    Args:
        baselines: that file with the lines of each hardware that it has noise of, at least one.
    """
    first = baselines[0]
    edits = {
        each.hardware: Edit(tuple(noise for key, noise in older.items() if each.accepted.get(key, _NONE).noise is None))
        for each in baselines
        if (older := (first.file.older or {}).get(each.hardware))
    }
    text = first.text or ""
    kept = without_older(text, first.name)
    model, backend = first.file.model, first.file.backend
    if kept is None:
        where = f"{first.name}:{first_line(parse(text, first.name))}"
        told = f"{where}: `accepted:` and `noise:` are no longer read; delete them, the file is yours"
        return Update(model, backend, edits, notes=(told,))
    told = f"{first.name}: took `accepted:` and `noise:` out; the lines in the folder beside it say the same"
    return Update(model, backend, edits, Rewrite(text, kept) if kept != text else None, notes=(told,))


def _entries(document: Section) -> Iterator[tuple[str, str, Section]]:
    """Case, hardware and its entry, where that holds something of the program's."""
    cases = document.section("cases")
    for key in cases:
        machines = cases.section(key).section("hardware")
        for hardware in machines:
            entry = machines.section(hardware)
            if any(ours in entry for ours in _OURS):
                yield key, hardware, entry


def _lines_of(entry: Section) -> set[int]:
    """The lines that the program's keys of an entry take, each from its own to the last one below it."""
    found: set[int] = set()
    for ours in _OURS:
        if ours in entry:
            first = entry.source_of(ours).line or 0
            found |= set(range(first, _last(entry[ours], first) + 1))
    return found


def _last(value: object, line: int) -> int:
    if not isinstance(value, Section):
        return line
    return max([line, *(_last(value[key], value.source_of(key).line or 0) for key in value)])


def _comment(line: str) -> str:
    """What stays of a line that is cut: a person's remark behind it."""
    code, mark, remark = line.partition(" #")
    indent = code[: len(code) - len(code.lstrip())]
    return f"{indent}#{remark}" if mark else ""


def _plain_without(document: Section) -> dict[str, object]:
    plain = document.plain()
    for key, hardware, entry in _entries(document):
        machines = plain["cases"][key]["hardware"]
        machines[hardware] = {name: value for name, value in machines[hardware].items() if name not in _OURS}
        if not set(entry) - set(_OURS):
            del machines[hardware]
        if not machines:
            del plain["cases"][key]["hardware"]
        if not plain["cases"][key]:
            del plain["cases"][key]
    return {**plain, "cases": plain["cases"] or None}
