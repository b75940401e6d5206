"""`extends:`: a document laid over the documents it names.

Limits: pure. Mappings merge key by key, anything else replaces; each value keeps the source it came from. A later
parent is laid over an earlier one, the document itself over all. Paths and circles are `load`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_inferbench.config.document import Items, Section, Source, plain
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENDS: Final = "extends"


def parents(document: Section) -> list[tuple[str, Source]]:
    """The files a document extends, in order, each with the place that names it.

    Raises:
        ConfigError: `extends:` is neither a file name nor a list of them.
    """
    if EXTENDS not in document:
        return []
    value, source = document[EXTENDS], document.source_of(EXTENDS)
    named = list(_read_names(value, source))
    for name, where in named:
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(
                f"{where}: {EXTENDS}: got {quote_value(plain(name), where.written)}, expected a file name such as "
                "base.yaml, or a list of them"
            )
    return named


def _read_names(value: Any, source: Source) -> Iterator[tuple[Any, Source]]:  # noqa: ANN401 - whatever was written
    if isinstance(value, Items):
        for index, name in enumerate(value):
            yield name, value.source_of(index)
    else:
        yield value, source


def merge(*layers: Section) -> Section:
    """Lay sections over each other, the last on top, and drop `extends`; the result's source is the last one's."""
    merged = layers[0]
    for layer in layers[1:]:
        merged = _over(merged, layer)
    return Section({key: (merged[key], merged.source_of(key)) for key in merged if key != EXTENDS}, merged.source)


def _over(below: Section, above: Section) -> Section:
    entries = {key: (below[key], below.source_of(key)) for key in below}
    for key in above:
        value, source = above[key], above.source_of(key)
        if isinstance(value, Section) and isinstance(below.get(key), Section):
            value = _over(below[key], value)
        entries[key] = (value, source)
    return Section(entries, above.source)
