"""Edits of a YAML baseline file that leave every other character as it was.

Law: text in, text out. The parsed text's positions say where to cut; nothing is written anew but what changed. The
result is parsed and compared with what was meant, so that a style not foreseen here is an error and never a damaged
file. (Dumping a parsed document again would keep comments but not spacing, line breaks and the form of numbers.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from pytest_inferbench.baselines.yaml_text import INDENT, OneLine, Tree, block, braces, comments, inline, key_text
from pytest_inferbench.config.parse import build, compose, parse
from pytest_inferbench.config.scalars import core_value
from pytest_inferbench.errors import BaselineError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Entry = tuple[Node, Node]


def new_text(model: str, backend: str) -> str:
    """The beginning of a file that does not exist yet."""
    return f"schema: 1\nmodel: {inline(model)}\nbackend: {inline(backend)}\ncases:\n"


def lay_over(text: str, tree: Tree, name: str) -> str:
    """Write `tree` into the document `text`: mappings that exist are entered, what stands at a OneLine is replaced.

    Args:
        text: a YAML file with a mapping, or nothing, at each place where `tree` has one.
        tree: what should stand there.
        name: the file as people are shown it.

    Raises:
        BaselineError: the text is written in a way that cannot be edited in place; it says what to add by hand.
    """
    root = compose(text, name)
    cuts = list(_Editor(text).descend(root, tree, in_block=True)) if root is not None else []
    edited = _apply(text, cuts)
    try:
        done = parse(edited, name).plain() == _meant(build(root, name).plain(), tree)
    except ConfigError:
        done = False
    if not done:
        added = "\n".join(block(tree, 0))
        raise BaselineError(
            f"{name}: cannot be edited in place (aliases or an unusual style); write this in by hand:\n{added}"
        )
    return edited


def drop_cases(text: str, keys: Collection[str], name: str) -> str:
    """The document without these entries of its `cases:`; what stands around them, comments too, stays.

    Raises:
        BaselineError: the text is written in a way that cannot be edited in place; it says what to remove by hand.
    """
    root = compose(text, name)
    written = _entries(root)["cases"][1] if root is not None else None
    cuts = []
    if isinstance(written, MappingNode) and not written.flow_style:
        entries = _entries(written)
        cuts = [_Editor(text).without(entries[key], _column(written)) for key in keys]
    edited = _apply(text, cuts)
    before = build(root, name).plain()
    kept = {key: case for key, case in (before["cases"] or {}).items() if key not in keys}
    if parse(edited, name).plain() != {**before, "cases": kept or None}:
        raise BaselineError(f"{name}: cannot be edited in place; remove these cases by hand: {', '.join(keys)}")
    return edited


@dataclass(frozen=True, slots=True)
class _Cut:
    """Replace `text[start:end]`."""

    start: int
    end: int
    replacement: str


def _apply(text: str, cuts: list[_Cut]) -> str:
    pieces, position = [], 0
    # Stable: of two insertions in one place the deeper one was found first and stays first.
    for cut in sorted(cuts, key=lambda cut: cut.start):
        pieces += [text[position : cut.start], cut.replacement]
        position = cut.end
    return "".join([*pieces, text[position:]])


def _meant(data: dict[str, Any], tree: Tree) -> dict[str, Any]:
    result = dict(data)
    for key, value in tree.items():
        if isinstance(value, OneLine):
            result[key] = value.value
        else:
            result[key] = _meant(result.get(key) or {}, value)
    return result


class _Editor:
    """Finds the cuts in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_end = "\r\n" if "\r\n" in text else "\n"

    def descend(self, node: MappingNode, tree: Tree, *, in_block: bool) -> Iterator[_Cut]:
        """The cuts that lay `tree` over the mapping `node`; `in_block`: whether lines may be put below a key of it."""
        in_block = in_block and not node.flow_style
        written = _entries(node)
        missing = {key: wanted for key, wanted in tree.items() if key not in written}
        for key, wanted in tree.items():
            if key in written:
                yield from self._enter(written[key], wanted, in_block=in_block)
        if missing and node.flow_style:
            yield self._insert_in_braces(node, missing)
        elif missing:
            yield self._insert_lines(self._below(node), block(missing, _column(node)))

    def without(self, entry: Entry, column: int) -> _Cut:
        """The cut that takes an entry of a block mapping away, with the comments that are indented as part of it."""
        line = self._text.rfind("\n", 0, entry[0].start_mark.index) + 1
        return _Cut(line, self._after(entry, column), "")

    def _enter(self, entry: Entry, wanted: Tree | OneLine, *, in_block: bool) -> Iterator[_Cut]:
        value = entry[1]
        if isinstance(value, MappingNode) and (value.value or not in_block):
            if not isinstance(wanted, OneLine):
                yield from self.descend(value, wanted, in_block=in_block)
            elif isinstance(wanted.value, Mapping):
                yield from self._replace(value, wanted.value)
        else:
            yield from self._fill(entry, wanted, in_block=in_block)

    def _fill(self, entry: Entry, wanted: Tree | OneLine, *, in_block: bool) -> Iterator[_Cut]:
        """Give a value to a key that has none, or `{}`: lines below it where there may be some, else behind it."""
        key, value = entry
        start, end = value.start_mark.index, value.end_mark.index
        below = None if isinstance(wanted, OneLine) or not in_block else wanted
        if start < end:
            yield _Cut(start, end, braces(wanted) if below is None else "")
        elif below is None:
            colon = self._text.index(":", key.end_mark.index) + 1
            yield _Cut(colon, colon, f" {braces(wanted)}")
        if in_block and isinstance(wanted, OneLine) and wanted.comment:
            line = self._text[: self._next_line(end if start < end else key.end_mark.index)].rstrip("\r\n")
            yield _Cut(len(line), len(line), f"  # {wanted.comment}")
        if below is not None:
            at = self._next_line(end if start < end else key.end_mark.index)
            yield self._insert_lines(at, block(below, key.start_mark.column + INDENT))

    def _replace(self, node: MappingNode, wanted: Mapping[str, Any]) -> Iterator[_Cut]:
        """Make the values of a one-level mapping those of `wanted`, in its own style."""
        written = _entries(node)
        dropped = [entry for name, entry in written.items() if name not in wanted]
        if dropped and node.flow_style:
            yield _Cut(self._brace(node), node.end_mark.index, inline(wanted))
            return
        for key, value in dropped:
            line = self._text.rfind("\n", 0, key.start_mark.index) + 1
            yield _Cut(line, self._next_line(self._end((key, value))), "")
        for name, (_, value) in written.items():
            if name in wanted and core_value(str(value.tag), str(value.value)) != wanted[name]:
                yield _Cut(value.start_mark.index, value.end_mark.index, inline(wanted[name]))
        missing = {name: value for name, value in wanted.items() if name not in written}
        if missing and node.flow_style:
            end = self._end(node.value[-1])
            yield _Cut(end, end, "".join(f", {inline(name)}: {inline(value)}" for name, value in missing.items()))
        elif missing:
            lines = [f"{' ' * _column(node)}{key_text(name)}: {inline(value)}" for name, value in missing.items()]
            yield self._insert_lines(self._below(node), lines)

    def _insert_lines(self, at: int, lines: list[str]) -> _Cut:
        text = self._line_end.join(lines)
        open_end = at > 0 and self._text[at - 1] != "\n"
        return _Cut(at, at, self._line_end + text if open_end else text + self._line_end)

    def _insert_in_braces(self, node: MappingNode, tree: Tree) -> _Cut:
        at = self._end(node.value[-1]) if node.value else self._brace(node) + 1
        comma = "," if node.value else ""
        entries = ", ".join(f"{inline(key)}: {braces(value)}" for key, value in tree.items())
        remarks = comments(tree)
        if not remarks:
            return _Cut(at, at, f"{comma} {entries}" if comma else entries)
        indent = self._line_end + " " * (node.start_mark.column + 1)
        return _Cut(at, at, f"{comma}{indent}{entries}  # {'; '.join(remarks)}{indent}")

    def _brace(self, node: MappingNode) -> int:
        return self._text.index("{", node.start_mark.index)

    def _below(self, node: MappingNode) -> int:
        """The start of the line below a block mapping and the comments that are indented as part of its last entry."""
        return self._after(node.value[-1], _column(node))

    def _after(self, entry: Entry, column: int) -> int:
        at = self._next_line(self._end(entry))
        while True:
            line = self._text[at : self._next_line(at)]
            content = line.lstrip(" ")
            if not content.startswith("#") or len(line) - len(content) <= column:
                return at
            at += len(line)

    def _end(self, entry: Entry) -> int:
        """Where an entry ends, without what follows on its line."""
        key, value = entry
        start, end = value.start_mark.index, value.end_mark.index
        if start < key.end_mark.index or start == end:  # an alias (its marks are the anchor's), or nothing
            return int(key.end_mark.index)
        if isinstance(value, MappingNode | SequenceNode) and not value.flow_style:
            last = value.value[-1]
            return self._end(last if isinstance(value, MappingNode) else (key, last))
        return int(start + len(self._text[start:end].rstrip("\r\n")))

    def _next_line(self, index: int) -> int:
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1


def _entries(node: MappingNode) -> dict[str, Entry]:
    return {key.value: (key, value) for key, value in node.value}


def _column(node: MappingNode) -> int:
    return int(node.value[0][0].start_mark.column)
