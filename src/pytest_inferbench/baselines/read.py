"""The text of baseline files to their values, each with its line.

Law: pure. The metrics are an argument, so this knows none by name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pytest_inferbench.baselines.schema import (
    BaselineFile,
    Budget,
    CaseEntry,
    FileShape,
    HardwareEntry,
    Noise,
)
from pytest_inferbench.baselines.session import SCHEMA, Accepted, Session
from pytest_inferbench.config.document import Section, Source, annotate
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import BaselineError, ConfigError
from pytest_inferbench.policy import metric_problems, policy_problems
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.metrics.table import Metric

_SHOWN: Final = 40
_BOUND_FOR: Final = {Direction.LOWER: "max", Direction.HIGHER: "min"}


def read_file(document: Section, metrics: Mapping[str, Metric]) -> BaselineFile:
    """The file's values, each budget with its line.

    Args:
        document: the parsed YAML.
        metrics: every metric by its name.

    Raises:
        BaselineError: another shape, a newer schema, an unknown metric, a limit on the wrong side.
    """
    version = document.get("schema")
    if isinstance(version, int) and version > SCHEMA:
        raise BaselineError(_newer_schema(document.source_of("schema"), version))
    try:
        validate(FileShape, document)
    except ConfigError as error:
        raise BaselineError(str(error)) from None
    problems: list[str] = []
    written = document.section("cases")
    cases = {key: _read_case(written.section(key), metrics, problems) for key in written}
    if problems:
        raise BaselineError("\n".join(problems))
    return BaselineFile(document["model"], document["backend"], cases)


def read_sessions(text: str, name: str) -> tuple[Session, ...]:
    """The lines of a session file, oldest first.

    Raises:
        BaselineError: a line is cut off, not a session, of a newer schema, or there twice.
    """
    sessions: list[Session] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        session = _read_session(line, Source(name, number))
        first = seen.setdefault((session.id, session.key), number)
        if first != number:
            raise BaselineError(
                f"{name}:{number}: run {session.id} of {session.key} was already accepted on line {first}; delete one"
            )
        sessions.append(session)
    return tuple(sessions)


def _read_session(line: str, where: Source) -> Session:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"{where}: not a whole line of JSON ({error.msg} at column {error.colno}); "
            "restore the file from version control, or delete the line"
        ) from None
    if not isinstance(data, dict):
        raise BaselineError(f"{where}: got {line[:_SHOWN]!r}, expected a session as a JSON object; delete the line")
    version = data.get("schema")
    if isinstance(version, int) and version > SCHEMA:
        raise BaselineError(_newer_schema(where, version))
    try:
        return Session.model_validate(data)
    except ValidationError:
        return _told(data, where)


def _told(data: dict[str, Any], where: Source) -> Session:
    """The same once more for a line that is refused: only now is it worth its while to give every value a place."""
    try:
        return validate(Session, annotate(data, where))
    except ConfigError as error:
        raise BaselineError(str(error)) from None


def _newer_schema(where: Source, version: int) -> str:
    return f"{where}: schema {version} is newer than {SCHEMA}, the newest read here; upgrade pytest-inferbench"


def read_budgets(section: Section, metrics: Mapping[str, Metric]) -> tuple[Budget, ...]:
    """The budgets of a `budgets:` mapping whose shape is known to be right.

    Raises:
        ConfigError: an unknown metric or statistic, or a limit on the wrong side, one line for each.
    """
    problems: list[str] = []
    budgets = []
    for metric in section:
        problems += metric_problems(metric, str(section.source_of(metric)), metrics)
        bounds = section.section(metric)
        for bound, limit in bounds.items():
            if limit is None:
                continue
            source = bounds.source_of(bound)
            budgets.append(Budget(metric, bound, float(limit), str(source)))
            problems += side_problems(budgets[-1], source.written, metrics)
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(budgets)


def _read_case(section: Section, metrics: Mapping[str, Metric], problems: list[str]) -> CaseEntry:
    policy = _policy(section)
    problems += policy_problems(policy, metrics)
    written = section.section("hardware")
    hardware = {}
    for name in written:
        entry = written.section(name)
        noise = _read_noise(entry.section("noise"), metrics, problems)
        hardware[name] = HardwareEntry(_budgets(entry, metrics, problems), _read_accepted(entry), noise)
    return CaseEntry(_budgets(section, metrics, problems), policy, hardware)


def _policy(section: Section) -> Section:
    """A case's `policy:` with its `gates:` as one section."""
    written = section.section("policy")
    entries = {key: (written[key], written.source_of(key)) for key in written}
    if section.get("gates") is not None:
        entries["gates"] = (section["gates"], section.source_of("gates"))
    return Section(entries, written.source)


def _budgets(section: Section, metrics: Mapping[str, Metric], problems: list[str]) -> tuple[Budget, ...]:
    try:
        return read_budgets(section.section("budgets"), metrics)
    except ConfigError as error:
        problems.append(str(error))
        return ()


def _read_accepted(section: Section) -> Accepted | None:
    accepted = section.section("accepted")
    if not accepted:
        return None
    figures = {name: float(accepted[name]) for name in accepted if name not in {"version", "image", "sessions"}}
    source = str(section.source_of("accepted"))
    return Accepted(accepted["version"], accepted.get("image"), accepted["sessions"], figures, source)


def _read_noise(section: Section, metrics: Mapping[str, Metric], problems: list[str]) -> Noise | None:
    if not section:
        return None
    written = section.section("restart_sd")
    for name in written:
        problems += metric_problems(name, str(written.source_of(name)), metrics)
    figures = {name: float(written[name]) for name in written}
    return Noise(section["date"], section["version"], section["workload"], section["pairs"], figures)


def side_problems(budget: Budget, limit: str, metrics: Mapping[str, Metric]) -> list[str]:
    """What is wrong with the side that a budget limits its metric on; `limit` is how its limit is written."""
    row = metrics.get(budget.metric.partition(".")[0])
    direction = Direction.NEUTRAL if row is None else row.direction
    right = _BOUND_FOR.get(direction, budget.bound)
    if budget.bound == right:
        return []
    got = f"{budget.source}: {budget.metric}: got {budget.bound}: {limit}"
    return [f"{got}, but {direction} is better; write {{{right}: {limit}}}"]
