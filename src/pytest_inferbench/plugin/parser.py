"""The table of options as pytest's command line and ini keys.

Idea: `--bench-model` is there from the start and always works; `--model` is added when all other plugins and the first
conftests have added theirs, and yields to any of them.
Limits: plain Python, no heavy import: pytest reads this file on every start.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.options import CANONICAL, OPTIONS, Option, Setting, Settings, use_long_names

_INI = "pytest ini"


def add_options(parser: Any) -> None:  # noqa: ANN401 - pytest's Parser, named only where pytest is imported
    """Register every option by the name that always works, and its ini key.

    Raises:
        ValueError: another plugin or conftest has taken one of these names.
    """
    group = parser.getgroup("inferbench", "LLM inference benchmarks")
    for option in OPTIONS:
        keywords = option.keywords
        try:
            group.addoption(option.canonical, **{**keywords, "help": use_long_names(keywords["help"])})
        except argparse.ArgumentError:
            raise ValueError(option.canonical) from None
        if not option.action:
            kind = "bool" if option.kind is bool else "args" if option.many else "string"
            parser.addini(option.dest, use_long_names(f"{option.canonical}: {option.help}"), type=kind, default=None)


def add_short_names(parser: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Register the short names that nobody else has; those that somebody has."""
    group = parser.getgroup("inferbench-short", "LLM inference benchmarks, short names")
    # pytest has no other way to ask what is there; 8.4 refuses a name twice only when it parses.
    known = {name for each in (parser._anonymous, *parser._groups) for one in each.options for name in one.names()}  # noqa: SLF001
    taken = []
    for option in OPTIONS:
        free = [name for name in option.short if name not in known]
        taken += [name for name in option.short if name in known]
        if free:
            group.addoption(*free, **{**option.keywords, "help": f"The same as {option.canonical}."})
    return tuple(taken)


def tell_taken(taken: Sequence[str]) -> list[str]:
    """The line that says which short names are somebody else's; none where we have them all."""
    if not taken:
        return []
    others, ours = ", ".join(taken), ", ".join(dict.fromkeys(CANONICAL[name] for name in taken))
    verb, pronoun = ("are options", "them") if len(taken) > 1 else ("is an option", "it")
    return [f"inferbench: {others} {verb} of a conftest or another plugin here; instead of {pronoun} write {ours}"]


def release_short_names(parser: Any, taken: Collection[str]) -> None:  # noqa: ANN401 - as above
    """Let conftests that pytest reads later have the short names for options of their own.

    The command line is parsed by now. What is registered stays in the help.
    """
    # pytest 8.4 has no parser yet at this time and makes a new one when it needs it.
    known = getattr(getattr(parser, "optparser", None), "_option_string_actions", {})
    for option in OPTIONS:
        for name in option.short:
            if name not in taken:
                known.pop(name, None)


def read_settings(config: Any, taken: Collection[str] = ()) -> Settings:  # noqa: ANN401 - pytest's Config
    """Every option of this pytest run.

    Args:
        config: pytest's config.
        taken: the short names that are not ours here.

    Raises:
        ValueError: an ini key is nobody's, or its value is not of the option's type.
    """
    _check_keys(config)
    settings = {option.dest: _setting(config, option) for option in OPTIONS}
    return Settings(settings, Path(config.rootpath), taken)


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
        written = f"{option.flag} {given} (command line)"
        return Setting(tuple(given) if option.many else given, "command line", written)
    there = None if option.action else config.getini(option.dest)
    if there in (None, "", []):
        return Setting(option.default, "default")
    if option.many:
        return Setting(tuple(there), _INI)
    try:
        value = option.kind(there)
    except ValueError:
        shown = _setting_text(config, option.dest, there)
        like = option.example or option.plain_default
        raise ValueError(f"{shown}: expected {option.kind.__name__}, like {like}") from None
    return Setting(value, _INI, _setting_text(config, option.dest, value))


def _setting_text(config: Any, key: str, value: object) -> str:  # noqa: ANN401 - pytest's Config
    """`pytest.ini:3: inferbench_rounds = 'many'`; `pytest ini` where it stands in no file, as with `-o`."""
    place = next((place for found, place in _keys(config) if found == key), _INI)
    return f"{place}: {key} = {shorten_name(repr(value))}"


def _keys(config: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - pytest's Config
    """Every key of ours in the ini file with its place."""
    path: Path | None = config.inipath
    text = path.read_text(encoding="utf-8", errors="replace") if path is not None else ""
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, _ = line.partition("=")
        key = name.strip(" \t\"'")
        if equals and key.startswith("inferbench_") and path is not None:
            yield key, f"{path.name}:{number}"
