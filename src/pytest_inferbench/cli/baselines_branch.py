"""`inferbench baselines pull` and `push`: the program's lines from and to a branch that pipelines add to.

Limits: git does it, in `baselines/branch.py`; here is what is said of it.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from pytest_inferbench.baselines.names import DEFAULT_BRANCH
from pytest_inferbench.cli.command import add_options, settings_of

ACTIONS: Final = ("pull", "push")


def add_actions(actions: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add both to the actions of `inferbench baselines`."""
    pull = actions.add_parser("pull", help="add the lines of a branch to the files here", allow_abbrev=False)
    push = actions.add_parser("push", help="add the lines that are new here to a branch", allow_abbrev=False)
    for one in (pull, push):
        one.add_argument(
            "--branch",
            metavar="NAME",
            default=DEFAULT_BRANCH,
            help=f"The branch of `origin` that holds sessions. Default: {DEFAULT_BRANCH}.",
        )
        add_options(one, "--bench-baselines")


def run_action(arguments: argparse.Namespace) -> int:
    """Pull or push, and say what moved."""
    from pytest_inferbench.baselines.branch import HistoryBranch  # noqa: PLC0415 - heavy

    history = HistoryBranch(settings_of(arguments).path("baselines"), arguments.branch)
    sys.stdout.writelines(f"{line}\n" for line in (_pull if arguments.action == "pull" else _push)(history, arguments))
    return 0


def _pull(history: Any, arguments: argparse.Namespace) -> list[str]:  # noqa: ANN401 - HistoryBranch, which is heavy
    found, lines, gone = history.pull()
    if not found:
        return [f"origin has no branch {arguments.branch} yet; the first `inferbench baselines push` makes it"]
    told = [f"{path}: {_count_lines(count)} from {arguments.branch}" for path, count in lines.items() if count]
    told += [f"{path}: {_count_lines(count)} dropped, as on {arguments.branch}" for path, count in gone.items()]
    told = told or [f"every line of {arguments.branch} is here"]
    return told + [
        f"note: {path} is committed here too: what is taken off {arguments.branch} stays in it; git rm --cached it"
        for path in history.committed_files()
    ]


def _push(history: Any, arguments: argparse.Namespace) -> list[str]:  # noqa: ANN401 - as above
    found, lines, _ = history.push()
    made = "" if found else ", a new branch"
    told = [f"{path}: {_count_lines(count)} to {arguments.branch}{made}" for path, count in lines.items()]
    todo = [
        f"{name}: not committed; review its budgets, and commit it where the suite is"
        for name in history.untracked_files()
    ]
    if told and (default := history.unmerged_branch()):
        todo.append(f"note: this commit is not on {default}, and every gate is held to {arguments.branch} now")
    return [*(told or ["nothing to push: no line is new here"]), *todo]


def _count_lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"
