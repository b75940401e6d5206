"""Text to a document: YAML 1.2 with the core schema, so JSON too.

Limits: text in, tree out, or one ConfigError that says `file:line`. No file access (that is `load`), no schema.

The language is https://yaml.org/spec/1.2.2/#103-core-schema: `yes`, `on` and `2024-01-01` are text. Refused, because
they hide mistakes: a key given twice, keys that are not text, merge keys (`extends:` does that job and keeps the
source of each value), application tags, several documents.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from pytest_inferbench.config.document import Items, Section, Source
from pytest_inferbench.config.scalars import CORE_TAGS, core_value
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

MAX_VALUES: Final = 200_000
"""Values one document may hold once its aliases are written out; more is a mistake, or an attack by aliases."""

MAX_CHARACTERS: Final = 2**20
"""Characters one document may have: the library reads some 30,000 of them a second."""

_MAX_DEPTH: Final = 100
_TOO_DEEP: Final = f"nested more than {_MAX_DEPTH} levels deep; write it flatter"


class _FlatScanner(Scanner):
    """The library's scanner, which for each word looks at every bracket that is open."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: ANN401, N803 - its names
        if len(self.flow_context) >= _MAX_DEPTH:
            raise _TooDeepError(problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


class _TooDeepError(MarkedYAMLError):
    """Brackets within brackets, too many of them."""


def parse(text: str, name: str) -> Section:
    """Read a document whose top level is a mapping; an empty document is an empty mapping.

    Args:
        text: the document.
        name: the file as people should see it in messages.

    Raises:
        ConfigError: not one well-formed document, or one of the refused constructs; the message says `name:line`.
    """
    node = _compose(text, name)
    return Section({}, Source(name, 1)) if node is None else _Builder(name).mapping(node)


def _compose(text: str, name: str) -> MappingNode | None:
    """The node tree; None for an empty document."""
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"{name}: has {len(text)} characters, expected at most {MAX_CHARACTERS}; split the file")
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _FlatScanner
    try:
        node = yaml.compose(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"{name}:{line}: the character {chr(error.character)!r} cannot stand in YAML; remove it"
        raise ConfigError(message) from None
    except _TooDeepError as error:
        raise ConfigError(f"{name}:{error.problem_mark.line + 1}: {_TOO_DEEP}") from None
    except MarkedYAMLError as error:
        raise ConfigError(_syntax_message(error, text, name)) from None
    except YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply; write it flatter") from None
    if isinstance(node, MappingNode):
        return node
    if node is None or (isinstance(node, ScalarNode) and _is_null(node)):
        return None
    line = node.start_mark.line + 1
    raise ConfigError(f"{name}:{line}: got {_kind(node)} at the top level, expected a mapping (key: value)")


def _syntax_message(error: MarkedYAMLError, text: str, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    where = f"{name}:{line}"
    for number, content in enumerate(text.splitlines(), start=1):
        if content.startswith(("<<<<<<<", ">>>>>>>")):
            return f"{name}:{number}: an unresolved merge conflict; keep one side and remove the markers"
    problem = str(error.problem or error.context)
    if "another document" in problem:
        return f"{where}: a second document begins here; keep one document a file and remove the '---'"
    if error.context and error.context_mark is not None and error.context_mark.line + 1 != line:
        problem += f" ({error.context} that began on line {error.context_mark.line + 1})"
    remedy = "mend the YAML here or just above"
    if "'\\t'" in problem:
        remedy = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in problem:
        remedy = "put a value that contains ': ' in quotes, or align this key with its neighbours"
    elif "undefined alias" in problem:
        remedy = "define it before with &name, or put text that begins with '*' in quotes"
    return f"{where}: not YAML: {problem}; {remedy}"


def _is_null(node: ScalarNode) -> bool:
    try:
        return core_value(str(node.tag), node.value) is None
    except ValueError:
        return False


def _kind(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return quote_value(node.value)
    return "a list" if isinstance(node, SequenceNode) else "a mapping"


def _spelling(node: Node, value: object) -> str:
    """How a number or true was written, which its value no longer tells."""
    return str(node.value) if isinstance(value, bool | int | float) else ""


class _Builder:
    """Turns one node tree into Sections and Items."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: set[int] = set()
        self._count = 0

    def mapping(self, node: MappingNode) -> Section:
        entries: dict[str, tuple[Any, Source]] = {}
        for key_node, value_node in node.value:
            key, source = self._key(key_node), self._source(key_node)
            if key in entries:
                there = entries[key][1].line
                self._refuse(key_node, f"key {quote_value(key)} was already given on line {there}; keep one of them")
            value = self._value(value_node)
            entries[key] = (value, replace(source, written=_spelling(value_node, value)))
        return Section(entries, self._source(node))

    def _value(self, node: Node) -> Any:  # noqa: ANN401 - whatever was written
        self._count += 1
        if self._count > MAX_VALUES:
            self._refuse(node, f"more than {MAX_VALUES} values once aliases are written out; split the file")
        if node.tag not in CORE_TAGS:
            self._refuse(node, f"tag {quote_value(str(node.tag))} is not known here; remove it")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._refuse(node, f"the alias *{node.anchor} contains itself; write the value out")
        if len(self._open) >= _MAX_DEPTH:
            self._refuse(node, _TOO_DEEP)
        self._open.add(id(node))
        built = self.mapping(node) if isinstance(node, MappingNode) else self._items(node.value, self._source(node))
        self._open.discard(id(node))
        return built

    def _items(self, nodes: list[Node], source: Source) -> Items:
        values = [(item, self._value(item)) for item in nodes]
        return Items(
            [(value, replace(self._source(item), written=_spelling(item, value))) for item, value in values], source
        )

    def _key(self, node: Node) -> str:
        tag = str(node.tag)
        if tag.endswith(":merge"):
            self._refuse(node, "merge keys (<<) are not read; repeat the keys, or share a file with `extends:`")
        if not isinstance(node, ScalarNode):
            self._refuse(node, f"got {_kind(node)} as a key, expected text")
        key = self._scalar(node)
        if not isinstance(key, str):
            self._refuse(node, f"got {node.value or 'null'} as a key, expected text: put it in quotes")
        return key

    def _scalar(self, node: ScalarNode) -> str | int | float | bool | None:
        try:
            return core_value(str(node.tag), node.value)
        except ValueError as error:
            self._refuse(node, f"got {quote_value(node.value)}, expected {error}")

    def _source(self, node: Node) -> Source:
        return Source(self._name, node.start_mark.line + 1)

    def _refuse(self, node: Node, message: str) -> NoReturn:
        raise ConfigError(f"{self._source(node)}: {message}")
