"""`inferbench baselines`: what was accepted, before and now, and budgets that could be written.

Limits: reads the baselines and writes nothing; pulling and pushing lie in a file of their own.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_inferbench.cli.baselines_branch import ACTIONS, add_actions, run_action
from pytest_inferbench.cli.command import Command, add_options, settings_of
from pytest_inferbench.errors import InferbenchError

if TYPE_CHECKING:
    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.store import BaselineStore, Listed
    from pytest_inferbench.units import Direction

_DATE = re.compile(r"\d{4}-\d\d-\d\d.*")


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the accepted figures of every case", allow_abbrev=False)
    show.add_argument(
        "--since",
        metavar="WHEN",
        help="A commit, branch or tag, or a date (when that day began, UTC): show what was accepted then -> now.",
    )
    propose = actions.add_parser(
        "propose",
        help="budgets for cases with sessions and none in the YAML file that hold there",
        allow_abbrev=False,
    )
    for one in (show, propose):
        add_options(one, "--bench-baselines")
    add_actions(actions)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.action in ACTIONS:
        return run_action(arguments)
    from pytest_inferbench.baselines.store import BaselineStore  # noqa: PLC0415 - heavy
    from pytest_inferbench.metrics.table import METRICS  # noqa: PLC0415 - as above

    settings = settings_of(arguments)
    store = BaselineStore(settings.path("baselines"), settings.rootdir, METRICS)
    files = store.list_files()
    if not files:
        raise InferbenchError(
            f"nothing accepted in {settings.path('baselines')}. Record a session with `pytest benchmarks "
            "--update-baselines`, or name the folder: --bench-baselines."
        )
    if arguments.action == "show":
        _show(files, arguments.since, store)
    else:
        _propose(files)
    return 0


def _show(files: tuple[Listed, ...], since: str | None, store: BaselineStore) -> None:
    from pytest_inferbench.cli.table import print_rows  # noqa: PLC0415 - heavy

    then = _then(files, since, store)
    for number, file in enumerate(files):
        names = list(dict.fromkeys(gate for each in file.accepted.values() for gate in _gates(each)))
        before = then.get((file.owner, file.hardware), {})
        rows = [
            [key, _sessions(now), _days(now), *_figures(before.get(key), now, names, since), *_origin(now)]
            for key, now in file.accepted.items()
            if now.sessions
        ]
        sys.stdout.write("\n" * bool(number) + f"{file.owner} on {file.hardware}\n")
        print_rows(rows, ["case", "sessions", "days", *names, "from", "version"])


def _sessions(accepted: Accepted) -> str:
    """How many sessions the level has, and how many more of it wait in any gate."""
    waiting = {each.id for gate in _gates(accepted) for each in accepted.waiting(gate)}
    count = len(accepted.segment)
    return f"{count} ({len(waiting)} wait{'s' if len(waiting) == 1 else ''})" if waiting else str(count)


def _days(accepted: Accepted) -> str:
    """How many days they are of: sessions of one day share its luck and count little more than one."""
    from pytest_inferbench.stats.days import days_of  # noqa: PLC0415 - heavy

    return str(len(set(days_of([each.moment for each in accepted.segment]))))


def _gates(accepted: Accepted) -> list[str]:
    from pytest_inferbench.policy import DEFAULT_GATES  # noqa: PLC0415 - heavy

    own = accepted.sessions[-1].gates if accepted.sessions else []
    return list(DEFAULT_GATES) if own is None else own


def _origin(accepted: Accepted) -> list[str]:
    """The first day of what is compared with, and the version of its last session."""
    return [accepted.segment[0].date.partition("T")[0], accepted.segment[-1].version]


def _figures(then: Accepted | None, now: Accepted, names: list[str], since: str | None) -> list[str]:
    from pytest_inferbench.baselines.changes import shown_figure  # noqa: PLC0415 - heavy

    def shown(accepted: Accepted | None, name: str) -> str:
        value = None if accepted is None else accepted.figures([name]).get(name)
        return shown_figure(value)

    own = set(_gates(now))
    before = {name: "" if since is None else f"{shown(then, name)} -> " for name in names}
    return [f"{before[name]}{shown(now, name)}" if name in own else "-" for name in names]


def _then(
    files: tuple[Listed, ...], since: str | None, store: BaselineStore
) -> Mapping[tuple[str, str], Mapping[str, Accepted]]:
    """What each file had accepted at a commit or a date."""
    if since is None:
        return {}
    if not _DATE.fullmatch(since):
        return {(file.owner, file.hardware): file.accepted for file in store.list_files(since)}
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise InferbenchError(f"--since {since}: no date; write one like 2026-05-01, or a commit") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return {
        (file.owner, file.hardware): {key: each.before(moment) for key, each in file.accepted.items()} for file in files
    }


def _propose(files: tuple[Listed, ...]) -> None:
    texts = [text for file in files for text in _proposals(file)]
    sys.stdout.write("\n".join(texts) or "nothing to propose: every case that has sessions is in its YAML file\n")


def _proposals(file: Listed) -> Iterator[str]:
    """What to paste for cases that people's file does not have, and for those that it has on other hardware only."""
    from pytest_inferbench.baselines.proposal import (  # noqa: PLC0415 - heavy
        lacks_budgets,
        paste_hardware,
        paste_text,
        proposed_budgets,
    )
    from pytest_inferbench.config.parse import parse  # noqa: PLC0415 - as above

    accepted = {key: each for key, each in file.accepted.items() if each.sessions}
    budgets = {key: proposed_budgets(each.segment, _gates(each), _direction) for key, each in accepted.items()}
    budgets = {key: found for key, found in budgets.items() if found}
    known = parse(file.text or "", file.name).section("cases")
    new = {key: found for key, found in budgets.items() if key not in known}
    if new:
        yield f"# below `cases:` of {file.name}\n{paste_text(file.hardware, new)}"
    for key in (key for key in budgets if key in known):
        case = known.section(key)
        there = case.section("hardware")
        elsewhere = {name: there.section(name).section("budgets") for name in there}
        if lacks_budgets(case.section("budgets"), elsewhere, file.hardware):
            where = f"{known.source_of(key)}, below `hardware:` of {key}"
            yield f"# {where}\n{paste_hardware(file.hardware, budgets[key])}"


def _direction(gate: str) -> Direction:
    from pytest_inferbench.metrics.table import METRICS  # noqa: PLC0415 - heavy
    from pytest_inferbench.units import Direction  # noqa: PLC0415 - as above

    metric = METRICS.get(gate.partition(".")[0])
    return Direction.NEUTRAL if metric is None else metric.direction


BASELINES = Command(
    name="baselines",
    help="show what was accepted, before and now; propose budgets; pull and push sessions",
    description="What was accepted, in the folder that `pytest --update-baselines` writes to.",
    arguments=_arguments,
    run=_run,
)
