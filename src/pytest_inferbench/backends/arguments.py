"""Server arguments: names and values as people write them -> canonical names and typed values -> a command line.

Limits: pure. A name that nobody knows passes as it is; whether it belongs to another backend is the catalogue's
question.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_inferbench.backends.backend import Arg, ArgValue

_WORDS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


def table(*args: Arg) -> Mapping[str, Arg]:
    """The arguments of a backend by canonical name, in the order given."""
    return MappingProxyType({arg.name: arg for arg in args})


def plain_name(name: str) -> str:
    """`--max-model-len` as `max_model_len`."""
    return name.strip().lstrip("-").replace("-", "_")


def switched_by(name: str, value: ArgValue) -> str:
    """What an argument sets, by its plain name: `no_mmap: true` sets the same as `mmap: false`.

    >>> [switched_by(name, value) for name, value in (("no_mmap", True), ("mmap", False), ("no_repeat_ngram", 3))]
    ['mmap', 'mmap', 'no_repeat_ngram']
    """
    return name.removeprefix("no_") if isinstance(value, bool) else name


def find_arg(known: Mapping[str, Arg], name: str) -> Arg | None:
    """The argument that goes by `name` (canonical or alias); None where there is none."""
    for arg in known.values():
        if name == arg.name or name in arg.aliases:
            return arg
    return None


def typed_value(arg: Arg, value: ArgValue, where: str, spelled: str = "") -> ArgValue:
    """`value` as the argument's type.

    Args:
        arg: the argument.
        value: as read.
        where: where it is written, for messages.
        spelled: how it is written there, where its value does not tell.

    Raises:
        ConfigError: it cannot be read as that type.
    """
    converted = _convert(arg, value)
    if converted is None:
        raise ConfigError(
            f"{where}: {arg.name} must be {_expected_type(arg)}, not {quote_value(value, spelled)}. "
            f"It sets {arg.flag}: {arg.help}."
        )
    return converted


def _convert(arg: Arg, value: ArgValue) -> ArgValue | None:
    if arg.type is bool:
        return value if isinstance(value, bool) else _WORDS.get(str(value).strip().lower())
    if arg.type is str:
        # YAML 1.1 readers turn on/off into booleans before anyone can ask.
        return ("on" if value else "off") if isinstance(value, bool) else str(value)
    if isinstance(value, bool) or (arg.type is int and isinstance(value, float)):
        return None
    try:
        return arg.type(value)
    except (ValueError, OverflowError):
        return None


def _expected_type(arg: Arg) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(arg.type, "text")


def flags(args: Mapping[str, ArgValue], known: Mapping[str, Arg]) -> Iterable[str]:
    """`args` as command line words: True is `--flag`, False its opposite, other values follow their flag."""
    for name, value in args.items():
        flag = known[name].flag if name in known else "--" + name.replace("_", "-")
        if isinstance(value, bool):
            yield flag if value else _opposite(flag)
        else:
            yield flag
            yield str(value)


def _opposite(flag: str) -> str:
    return flag.replace("--no-", "--", 1) if flag.startswith("--no-") else flag.replace("--", "--no-", 1)
