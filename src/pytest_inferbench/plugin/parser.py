"""The table of options as pytest's command line and ini keys.

Law: plain Python, no heavy import: pytest reads this file on every start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_inferbench.options import OPTIONS, Option, Setting, Settings

_INI = "pytest ini"


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
        ValueError: an ini key is nobody's, its value is not of the option's type, or a number is too small.
    """
    _check_keys(config)
    settings = {option.dest: _setting(config, option) for option in OPTIONS}
    for option in OPTIONS:
        value, source = settings[option.dest].value, settings[option.dest].source
        if option.least is not None and value < option.least:
            where = f"{option.flag} {value} ({source})" if source != _INI else _shown(config, option.dest, value)
            raise ValueError(f"{where}: expected at least {option.least}")
    return Settings(settings, Path(config.rootpath))


def _check_keys(config: Any) -> None:  # noqa: ANN401 - pytest's Config
    """Refuse ini keys that look like ours and are not, which pytest only warns of.

    Raises:
        ValueError: names the nearest.
    """
    known = {option.dest for option in OPTIONS if not option.action}
    once = {option.dest: option.flag for option in OPTIONS if option.action}
    for key, place in _keys(config):
        if key in known:
            continue
        import difflib  # noqa: PLC0415 - only where something is wrong

        near = difflib.get_close_matches(key.replace("inferbench_bench_", "inferbench_"), sorted(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "pytest --help has them all"
        if key in once:
            hint = f"it is done once, so give it on the command line: {once[key]}"
        raise ValueError(f"{place}: unknown key {key!r}; {hint}")


def _setting(config: Any, option: Option) -> Setting:  # noqa: ANN401 - pytest's Config
    given = getattr(config.option, option.dest, None)
    if given is not None:
        return Setting(tuple(given) if option.many else given, "command line")
    written = None if option.action else config.getini(option.dest)
    if written in (None, "", []):
        return Setting(option.default, "default")
    if option.many:
        return Setting(tuple(written), _INI)
    try:
        return Setting(option.kind(written), _INI)
    except ValueError:
        shown = _shown(config, option.dest, written)
        raise ValueError(f"{shown}: expected {option.kind.__name__}, like {option.example}") from None


def _shown(config: Any, key: str, value: object) -> str:  # noqa: ANN401 - pytest's Config
    """`pytest.ini:3: inferbench_rounds = 'many'`; `pytest ini` where it stands in no file, as with `-o`."""
    place = next((place for found, place in _keys(config) if found == key), _INI)
    return f"{place}: {key} = {value!r}"


def _keys(config: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - pytest's Config
    """Every key of ours in the ini file with its place."""
    path: Path | None = config.inipath
    text = path.read_text(encoding="utf-8", errors="replace") if path is not None else ""
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, _ = line.partition("=")
        key = name.strip(" \t\"'")
        if equals and key.startswith("inferbench_") and path is not None:
            yield key, f"{path.name}:{number}"
