"""The values of a document, each with the place where it was written.

Limits: immutable trees of Section, Items and scalars; no file access, no schema, no meaning. `parse` makes them from
text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was given.

    Attributes:
        file: the file as people are shown it; None where it was not a file.
        line: line in that file, from 1.
        text: what is shown where there is no file ("from --backend-args", "default").
        written: a number's or true's spelling in the file (`0.10`, `1e3`, `0o17`); "" for everything else.
    """

    file: str | None = None
    line: int | None = None
    text: str = "default"
    written: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        if self.file is None:
            return self.text
        return self.file if self.line is None else f"{self.file}:{self.line}"


DEFAULT: Final = Source()
"""The source of built-in values."""


class Section(Mapping[str, Any]):
    """A mapping whose entries know their source; nested mappings are Sections, nested lists are Items.

    Args:
        entries: key -> (value, source), in the order written.
        source: where the mapping itself was given.
    """

    __slots__ = ("_entries", "source")

    def __init__(self, entries: Mapping[str, tuple[Any, Source]], source: Source) -> None:
        self._entries = dict(entries)
        self.source = source

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - whatever was written
        return self._entries[key][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Section({self.plain()!r}, {self.source})"

    def source_of(self, key: str) -> Source:
        """Where `key` was written; the section's own source for a key it lacks."""
        entry = self._entries.get(key)
        return self.source if entry is None else entry[1]

    def section(self, key: str) -> Section:
        """The mapping under `key`; an empty one where the key is absent or has no value.

        Raises:
            ConfigError: the value is something else.
        """
        value, source = self._entries.get(key, (None, self.source))
        if value is None:
            return Section({}, source)
        if not isinstance(value, Section):
            shown = quote_value(plain(value), source.written)
            raise ConfigError(f"{source}: {key}: got {shown}, expected a mapping (key: value)")
        return value

    def plain(self) -> dict[str, Any]:
        """The same as plain dicts, lists and scalars."""
        return {key: plain(value) for key, (value, _) in self._entries.items()}


class Items(Sequence[Any]):
    """A list whose items know their source.

    Args:
        entries: (value, source) of each item.
        source: where the list itself was given.
    """

    __slots__ = ("_entries", "source")

    def __init__(self, entries: Sequence[tuple[Any, Source]], source: Source) -> None:
        self._entries = tuple(entries)
        self.source = source

    @overload
    def __getitem__(self, index: int) -> Any: ...  # noqa: ANN401 - whatever was written
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [value for value, _ in self._entries[index]]
        return self._entries[index][0]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Items({self.plain()!r}, {self.source})"

    def source_of(self, index: int) -> Source:
        """Where item `index` was written."""
        return self._entries[index][1]

    def plain(self) -> list[Any]:
        """The same as plain dicts, lists and scalars."""
        return [plain(value) for value, _ in self._entries]


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    """A value of a tree as plain dicts, lists and scalars."""
    return value.plain() if isinstance(value, Section | Items) else value


def annotate(data: Mapping[str, Any], source: Source) -> Section:
    """A Section of plain data that was all given in one place (an option, a line of JSON)."""
    return Section({key: (_annotate(value, source), source) for key, value in data.items()}, source)


def _annotate(value: Any, source: Source) -> Any:  # noqa: ANN401 - whatever was given
    if isinstance(value, Mapping):
        return annotate(value, source)
    if isinstance(value, list | tuple):
        return Items([(_annotate(item, source), source) for item in value], source)
    return value
