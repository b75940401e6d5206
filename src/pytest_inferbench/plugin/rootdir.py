"""What our options name is no test path: pytest's rootdir, its configuration and its first conftests stay.

Idea: pytest looks for its rootdir before it loads plugins, so of `--model /models/x.gguf` it knows no option and takes
the path for a test's; it then runs in another folder, with another configuration. Once we are loaded, what pytest found
is looked for again as if `--model=/models/x.gguf` had been written, and put right where it differs.
Limits: touches nothing where it does not differ. What pytest has no public way for is here and nowhere else.
"""

from __future__ import annotations

import copy
import glob
import inspect
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from _pytest.config import findpaths

from pytest_inferbench.files import is_there
from pytest_inferbench.options import CANONICAL
from pytest_inferbench.plan.command_line import join_values, option_values


def keep_rootdir(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Put right what pytest made of our options' values before it knew them.

    Args:
        config: pytest's config, half read.
        parser: its parser, which knows the options of all plugins.
        args: the command line; changed in place where another configuration has other `addopts`.
    """
    if list(join_values(args)) == args:
        return
    if any(is_there(Path(value)) for _, value in option_values(args)):
        _look_again(config, parser, args)
    paths = _known_options(config, parser, args).file_or_dir
    # A conftest may have one of the short names for an option without a value: what follows is then a path after all.
    here = config.invocation_params.dir
    doubtful = [value for name, value in option_values(args) if name in CANONICAL and _is_within(here, value)]
    if doubtful:
        paths = [*(paths or _default_paths(config)), *doubtful]
    config.known_args_namespace.file_or_dir = paths


def _known_options(config: pytest.Config, parser: pytest.Parser, args: Iterable[str]) -> Namespace:
    return parser.parse_known_args(list(join_values(args)), namespace=copy.copy(config.option))


def _is_within(folder: Path, value: str) -> bool:
    path = folder / value.partition("::")[0]
    return is_there(path) and path.resolve().is_relative_to(folder)


def _default_paths(config: pytest.Config) -> Sequence[str]:
    """What pytest collects where no path is given."""
    here = config.invocation_params.dir
    found = [path for pattern in config.getini("testpaths") for path in sorted(glob.iglob(pattern, recursive=True))]  # noqa: PTH207 - as pytest does
    return found if found and here == config.rootpath else [str(here)]


def _look_again(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Look for rootdir and configuration as pytest would, had it known our options, and go on from there."""
    inside = vars(config)
    addopts = config.getini("addopts")
    given = args[len(addopts) :] if args[: len(addopts)] == addopts else args
    known = _known_options(config, parser, given)
    wanted = {
        "inifile": known.inifilename,
        "override_ini": known.override_ini,
        "args": known.file_or_dir,
        "rootdir_cmd_arg": known.rootdir or None,
        "invocation_dir": config.invocation_params.dir,
    }
    takes = inspect.signature(findpaths.determine_setup).parameters
    found = findpaths.determine_setup(**{name: value for name, value in wanted.items() if name in takes})
    rootpath, inipath, settings = found[:3]
    if (rootpath, inipath) == (config.rootpath, config.inipath):
        return
    inside |= {"_rootpath": rootpath, "_inipath": inipath, "_inicfg" if "_inicfg" in inside else "inicfg": settings}
    if "_ignored_config_files" in inside:
        inside["_ignored_config_files"] = found[3]
    inside["_inicache"].clear()
    parser.extra_info |= {"rootdir": str(rootpath), "inifile": str(inipath)}
    args[:] = [*config.getini("addopts"), *given]
    if hasattr(config, "_configure_python_path"):  # from pytest 9 on; before, a plugin does it later
        config._configure_python_path()  # noqa: SLF001
    config.pluginmanager.consider_preparse(args, exclude_only=False)
    config.known_args_namespace = _known_options(config, parser, args)
    if config.known_args_namespace.confcutdir is None:
        config.known_args_namespace.confcutdir = str(rootpath if inipath is None else inipath.parent)
