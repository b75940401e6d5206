"""The table of options as pytest's command line and ini keys.

Law: plain Python, no heavy import: pytest reads this file on every start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_inferbench.options import OPTIONS, Option, Setting, Settings


def add_options(parser: Any) -> None:  # noqa: ANN401 - pytest's Parser, named only where pytest is imported
    """Register every option and its ini key.

    Raises:
        ValueError: another plugin or conftest has taken one of the names (pytest's own words name it).
    """
    group = parser.getgroup("inferbench", "LLM inference benchmarks")
    for option in OPTIONS:
        group.addoption(option.flag, *option.aliases, **option.keywords)
        if not option.action:
            kind = "bool" if option.kind is bool else "args" if option.many else "string"
            parser.addini(option.dest, f"{option.flag}: {option.help}", type=kind, default=None)


def read_settings(config: Any) -> Settings:  # noqa: ANN401 - pytest's Config
    """Every option of this pytest run.

    Raises:
        ValueError: an ini value is not of the option's type, or a number is too small.
    """
    settings = {option.dest: _setting(config, option) for option in OPTIONS}
    for option in OPTIONS:
        value, source = settings[option.dest].value, settings[option.dest].source
        if option.least is not None and value < option.least:
            raise ValueError(f"{option.flag} {value} ({source}): expected at least {option.least}")
    return Settings(settings, Path(config.rootpath))


def _setting(config: Any, option: Option) -> Setting:  # noqa: ANN401 - pytest's Config
    given = getattr(config.option, option.dest, None)
    if given is not None:
        return Setting(tuple(given) if option.many else given, "command line")
    written = None if option.action else config.getini(option.dest)
    if written in (None, "", []):
        return Setting(option.default, "default")
    if option.many:
        return Setting(tuple(written), "pytest ini")
    try:
        return Setting(option.kind(written), "pytest ini")
    except ValueError:
        raise ValueError(
            f"pytest ini: {option.dest} = {written!r}: expected {option.kind.__name__}, like {option.example}"
        ) from None
