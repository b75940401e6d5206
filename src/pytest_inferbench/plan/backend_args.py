"""Server arguments as the words of a command line, in `--backend-args` and in older configs.

Limits: pure; names and values as written, whose they are and what type they have is for others.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from pytest_inferbench.backends.backend import ArgValue
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

FROM_OPTION: Final = "from --backend-args"


def parse_backend_args(texts: Iterable[str], where: str = FROM_OPTION) -> Iterator[tuple[str, ArgValue]]:
    """The (name, value) pairs of `--flag VALUE`, `--flag=VALUE`, `--flag`, `--no-flag` and `NAME=VALUE`.

    Args:
        texts: what was written.
        where: where, for messages.

    Raises:
        ConfigError: a word belongs to nothing.
    """
    for text in texts:
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ConfigError(f"{where}: {quote_value(text)}: {error}") from None
        taken = False
        for word, following in pairwise([*words, None]):
            if taken or word is None:
                taken = False
                continue
            name, equals, value = word.partition("=")
            if equals:
                yield name, value
            elif not word.startswith("-"):
                raise ConfigError(
                    f"{where}: {quote_value(word)} belongs to nothing; expected --flag VALUE, or NAME=VALUE"
                )
            elif following is not None and _is_value(following):
                taken = True
                yield name, following
            else:
                yield name, True


def _is_value(word: str) -> bool:
    """Whether a word can follow a flag: no flag itself (a negative number is none), no NAME=VALUE."""
    if word.startswith("-"):
        return word[1:].replace(".", "", 1).isdigit()
    return "=" not in word or word.startswith(("{", "["))
