"""Names in a column that is too narrow for them, shortened so that each row is still told from the others.

Limits: what names have in common goes first, and different names never become the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest

from pytest_inferbench.report.escape import ELLIPSIS, cells, shorten, start

_TRIES = 4  # each tells a group apart by a later character
_TOKEN = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)


def shorten_apart(texts: Sequence[str], width: int) -> list[str]:
    """Each text in at most `width` cells (8 or more), so that different texts stay different.

    Names that are made alike (`sweep[streams-01-tokens-16]`) lose what they have in common: `sweep[st…01-to…16]`;
    others lose their middles. Where that makes texts the same, what tells them apart is kept instead of both their
    ends; a number is the last resort.
    """
    shortened = {text: shorten(text, width) for text in texts}
    shortened |= _without_the_common(shortened, width)
    for _ in range(_TRIES):
        for group in _alike(shortened):
            shared = next(index for index, same in enumerate(map(_same, zip_longest(*group))) if not same)
            while shared and group[0][shared - 1].isdigit():  # a number is told whole
                shared -= 1
            shortened |= {text: _from(text, shared, width) for text in group}
    places = {text: place for place, text in enumerate(shortened, 1)}
    for group in _alike(shortened):
        shortened |= {text: _add_number(text, places[text], width) for text in group}
    return [shortened[text] for text in texts]


def _without_the_common(shortened: Mapping[str, str], width: int) -> dict[str, str]:
    """Those of the texts that are too wide and have others that are made of as many words and numbers."""
    families: dict[tuple[str, int], dict[str, list[str]]] = {}
    for text in shortened:
        tokens = _TOKEN.findall(text)
        families.setdefault((tokens[0] if tokens else "", len(tokens)), {})[text] = tokens
    found = {}
    for family in families.values():
        common = [_same(column) for column in zip(*family.values(), strict=True)]
        if all(common):  # a name alone
            continue
        for text, tokens in family.items():
            parts = _parts(tokens, common)
            if shortened[text] != text and (short := _squeeze(parts, width)):
                found[text] = short
    return found


def _parts(tokens: Sequence[str], common: Sequence[bool]) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether all of its family have it."""
    for same, group in groupby(zip(tokens, common, strict=True), key=lambda pair: pair[1]):
        yield "".join(token for token, _ in group), same


def _squeeze(parts: Iterator[tuple[str, bool]], width: int) -> str:
    """The pieces in `width` cells, the longest common one cut first; "" where the others alone have no room."""
    pieces = list(parts)
    room = [cells(piece) for piece, _ in pieces]
    common = [index for index, (_, same) in enumerate(pieces) if same]
    while sum(room) > width:
        longest = max(common, key=lambda index: (room[index], index), default=None)
        if longest is None or room[longest] == 1:
            return ""
        room[longest] -= 1
    cut = (
        piece if cells(piece) <= most else start(piece, most - 1) + ELLIPSIS
        for (piece, _), most in zip(pieces, room, strict=True)
    )
    return "".join(cut)


def _same(characters: Sequence[str | None]) -> bool:
    return len(set(characters)) == 1


def _alike(shortened: Mapping[str, str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for text, short in shortened.items():
        groups.setdefault(short, []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _from(text: str, shared: int, width: int) -> str:
    """The text with its part after `shared` characters kept, as far as there is room for it."""
    rest = text[shared:]
    tail = rest if cells(rest) < width else start(rest, width - 2) + ELLIPSIS
    return start(text[:shared], width - 1 - cells(tail)) + ELLIPSIS + tail


def _add_number(text: str, number: int, width: int) -> str:
    mark = f"{ELLIPSIS}#{number}"
    return start(text, width - cells(mark)) + mark
