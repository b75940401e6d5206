"""`${NAME}`: the only way in which a config may say a token, so that no token stands in a file.

Limits: pure; the environment is an argument. Neither a variable's content nor what stands in its place enters a
message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from pytest_inferbench.config.wording import HiddenValueError
from pytest_inferbench.errors import ConfigError

_PATTERN: Final = r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}"


def variable_of(text: str) -> str:
    """The name in `${NAME}`.

    Raises:
        HiddenValueError: it is something else, perhaps the token itself.
    """
    found = re.fullmatch(_PATTERN, text)
    if found is None:
        raise HiddenValueError(
            "got something else than ${NAME}; a token does not stand in a file: put it into an environment variable "
            "and write the variable's name"
        )
    return found[1]


def content(name: str, where: str, environ: Mapping[str, str]) -> str:
    """What a variable holds.

    Raises:
        ConfigError: it is not set, or empty.
    """
    if not environ.get(name):
        raise ConfigError(f"{where}: the environment variable {name} is not set; export {name} before the run")
    return environ[name]


Variable = Annotated[str, AfterValidator(variable_of), WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN}$"})]
"""A value that says a token; the model has the variable's name."""
