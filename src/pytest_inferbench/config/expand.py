"""`${NAME}` in a value that says it may hold one (a token, a header): replaced from the environment.

Law: pure; the environment is an argument. What a variable holds never enters a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.config.document import Source

_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(value: str, source: Source, environ: Mapping[str, str]) -> str:
    """Replace each `${NAME}`; a `$` without a brace stands for itself.

    Raises:
        ConfigError: a name is not set, or what stands in the braces is no name.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _NAME.fullmatch(name):
            raise ConfigError(
                f"{source}: got {match[0]!r}, expected ${{NAME}} with the name of an environment variable"
            )
        if name not in environ:
            raise ConfigError(f"{source}: the environment variable {name} is not set; export {name} before the run")
        return environ[name]

    return _REFERENCE.sub(replaced, value)
