"""The words of a command line: which of them are the values of our options.

Limits: words in, words out, cheap to import: pytest's start reads it wherever an option is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_inferbench.options import OPTIONS

_WITH_VALUE = {name for each in OPTIONS if each.kind is not bool for name in (each.canonical, *each.short)}


def join_values(args: Iterable[str]) -> Iterator[str]:
    """The words of a command line, with each value of our options joined to its name.

    >>> list(join_values(["tests", "--model", "/x", "-v", "--bench-seed=3"]))
    ['tests', '--model=/x', '-v', '--bench-seed=3']
    """
    words = iter(args)
    for word in words:
        following = next(words, None) if word in _WITH_VALUE else None
        yield word if following is None else f"{word}={following}"
        if word == "--":
            yield from words


def option_values(args: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of our options that has a value, with it."""
    for word in join_values(args):
        name, equals, value = word.partition("=")
        if equals and name in _WITH_VALUE:
            yield name, value
