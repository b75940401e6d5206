"""A server to start, and the command that starts it.

Limits: values only; who fills them in has validated them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ArgValue = str | int | float | bool

# A version that means "whatever is there".
INSTALLED = "installed"


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """A server to start.

    Attributes:
        backend: the backend's name.
        model_path: a file or folder, or what else the server takes (a repository id).
        model_name: the name the server shall answer to.
        version: the version that is wanted; INSTALLED for the one that is there.
        args: server arguments by their canonical names.
        host: the address to listen on.
        port: the port to listen on; 0 for any free one.
        python: the interpreter whose packages hold the server; None for this one.
        program: the server's program; None to look for it.
    """

    backend: str
    model_path: str
    model_name: str
    version: str = INSTALLED
    args: Mapping[str, ArgValue] = field(default_factory=lambda: MappingProxyType({}))
    host: str = "127.0.0.1"
    port: int = 0
    python: str | None = None
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a process.

    Attributes:
        argv: the program and its arguments.
        env: variables added to the environment it inherits.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
