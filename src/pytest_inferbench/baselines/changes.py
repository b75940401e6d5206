"""Planned changes of baseline files.

Limits: values; who plans them is `update`, `noise`, `prune` and `older`, who carries them out is `store`, and what
people are told of them at once is `telling`'s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.figures import figure_text
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.document.run import AcceptedCase, Moved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.lines import Line


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of a file of lines; those that stay, stay as they are.

    Attributes:
        add: lines for its end.
        drop_cases: keys of cases all of whose lines go.
        drop_sessions: (run, key) of sessions that go.
    """

    add: tuple[Line, ...] = ()
    drop_cases: frozenset[str] = frozenset()
    drop_sessions: frozenset[tuple[str, str]] = frozenset()

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.add or self.drop_cases or self.drop_sessions)

    def apply(self, text: str) -> str:
        """The file's text after it."""
        kept = text
        if self.drop_cases or self.drop_sessions:
            kept = "\n".join(line for line in text.split("\n") if not self._drops(line))
        end = "\r\n" if "\r\n" in text else "\n"
        if self.add and kept and not kept.endswith("\n"):
            kept += end
        return kept + "".join(f"{line.to_text()}{end}" for line in self.add)

    def _drops(self, written: str) -> bool:
        try:
            line = json.loads(written)
        except ValueError:  # an empty one, or one that came since the file was read, and that the next reader tells
            return False
        key = case_key(line["case"], line.get("variant", ""))
        is_session = line.get("kind", "session") == "session"
        return key in self.drop_cases or (is_session and (line["id"], key) in self.drop_sessions)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """People's file: written whole, and only if it still holds `old` (None: if there still is none)."""

    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class CaseUpdate:
    """What an update did to one case, for people.

    Attributes:
        model, backend, hardware, key: which.
        said: what happened, in words.
        figures: the accepted figures, before and after.
        told: those of them that people are told of at once.
        expected: whether all went as it does on most days, so that the case needs no line of its own.
    """

    model: str
    backend: str
    hardware: str
    key: str
    said: str
    figures: tuple[Moved, ...] = ()
    told: tuple[Moved, ...] = ()
    expected: bool = False

    def account(self) -> AcceptedCase:
        """The same as the run document has it."""
        return AcceptedCase(self.model, self.backend, self.hardware, self.key, self.said, self.figures)


@dataclass(frozen=True, slots=True)
class Update:
    """A planned change of the files of one model and backend.

    Attributes:
        model, backend: whose.
        lines: the program's files, by the hardware's name.
        file: people's file, where it is written.
        cases: what happens to each.
        notes: what people are told besides.
    """

    model: str
    backend: str
    lines: Mapping[str, Edit] = field(default_factory=dict)
    file: Rewrite | None = None
    cases: tuple[CaseUpdate, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether any file changes."""
        return self.file is not None or any(each.changes for each in self.lines.values())


def moved_figures(before: Accepted, after: Accepted, gated: Sequence[str]) -> tuple[Moved, ...]:
    """The accepted figures of a case before and after something, those that there are or were.

    Args:
        before: what was accepted.
        after: what is.
        gated: the gates in force; figures of gates that were in force before are shown too.
    """
    old_gates = (before.sessions[-1].gates if before.sessions else None) or ()
    names = tuple(dict.fromkeys([*old_gates, *gated]))
    old, new = before.figures(names), after.figures(gated)
    return tuple(Moved(name, old.get(name), new.get(name)) for name in names if name in old or name in new)


def shown_figure(figure: float | None) -> str:
    """An accepted figure for people."""
    return "none" if figure is None else figure_text(figure)
