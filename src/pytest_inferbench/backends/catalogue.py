"""The backends there are, and whose a name is.

Limits: a new backend is one file and one entry in BACKENDS; nothing registers itself. Their order is the order of
choice where several can serve a model.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_inferbench.backends.arguments import find_arg, plain_name, switched_by, typed_value
from pytest_inferbench.backends.external import EXTERNAL
from pytest_inferbench.backends.ik_llama import IK_LLAMA
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.ollama import OLLAMA
from pytest_inferbench.backends.sglang import SGLANG
from pytest_inferbench.backends.trtllm import TRTLLM
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.backends.backend import ArgValue, Backend, ModelFormat

# Arguments that would show a secret in the list of processes, and what to use in their place.
_SECRETS = {"api_key": "VLLM_API_KEY or LLAMA_API_KEY", "hf_token": "HF_TOKEN"}

BACKENDS: tuple[Backend, ...] = (VLLM, SGLANG, TRTLLM, LLAMA, IK_LLAMA, OLLAMA, EXTERNAL)


def backend_named(name: str, where: str = "--backend") -> Backend:
    """The backend called `name`, by its name or an alias.

    Args:
        name: what the user wrote.
        where: where it is written, for the message.

    Raises:
        ConfigError: there is none; names the nearest.
    """
    for backend in BACKENDS:
        if name in (backend.name, *backend.aliases):
            return backend
    names = [name for backend in BACKENDS for name in (backend.name, *backend.aliases)]
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "use one of: " + ", ".join(backend.name for backend in BACKENDS)
    raise ConfigError(f"{where}: unknown backend {quote_value(name)}; {hint}")


def backends_for(model_format: ModelFormat) -> tuple[Backend, ...]:
    """The backends that can load a format, best first."""
    return tuple(backend for backend in BACKENDS if model_format in backend.formats)


def check_args(backend: Backend, args: Mapping[str, ArgValue], where: str, spelled: str = "") -> dict[str, ArgValue]:
    """Arguments for one backend, under their canonical names and with typed values.

    Args:
        backend: whose server will get them.
        args: as written; dashes and aliases are understood.
        where: where they are written ("config/models.yaml:4", "from --backend-args").
        spelled: of a single argument, how its value is written there.

    Returns:
        The arguments to put in a ServerPlan; a name that no backend knows is passed on as it is.

    Raises:
        ConfigError: a name belongs to another backend, is a secret's or is given twice, or a value has the wrong
            type.
    """
    checked: dict[str, ArgValue] = {}
    seen: dict[str, str] = {}
    for written, value in args.items():
        name, typed = _check_argument(backend, written, value, where, spelled)
        first = seen.setdefault(switched_by(name, typed), written)
        if first != written:
            raise ConfigError(
                f"{where}: {name} is given twice, as {quote_value(first)} and as {quote_value(written)}; keep one"
            )
        checked[name] = typed
    return checked


def _check_argument(backend: Backend, written: str, value: ArgValue, where: str, spelled: str) -> tuple[str, ArgValue]:
    """One argument's canonical name and typed value; `no_mmap` is the opposite of a switch `mmap` that is known."""
    name = plain_name(written)
    if name in _SECRETS:
        raise ConfigError(
            f"{where}: {name}: a secret in a command line can be read by everybody on the machine; export it for "
            f"the server instead, as {_SECRETS[name]}"
        )
    arg = find_arg(backend.known_args, name)
    if arg is not None:
        return arg.name, typed_value(arg, value, where, spelled)
    arg = find_arg(backend.known_args, switched_by(name, True))
    if arg is None:
        _refuse_foreign(backend, name, where)
        _refuse_foreign(backend, switched_by(name, value), where)
        return name, value
    if arg.type is not bool:
        raise ConfigError(f"{where}: {name}: {arg.name} is no switch and has no opposite; it sets {arg.help}")
    return arg.name, not typed_value(arg, value, where, spelled)


def _refuse_foreign(backend: Backend, name: str, where: str) -> None:
    owners = [other.name for other in BACKENDS if other is not backend and find_arg(other.known_args, name)]
    if owners:
        raise ConfigError(
            f"{where}: {name} is an argument of {' and '.join(owners)}, not of {backend.name}; "
            f"remove it, or put it under that backend's own args. {backend.name} knows: "
            + (", ".join(backend.known_args) or "none")
        )
