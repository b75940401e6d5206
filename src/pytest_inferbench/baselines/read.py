"""The text of people's file to its values, each budget with its line.

Limits: pure. The metrics are an argument, so this knows none by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.budget import Budget, read_budgets
from pytest_inferbench.baselines.older import has_older, noise_lines
from pytest_inferbench.baselines.schema import SCHEMA, BaselineFile, CaseEntry, FileShape
from pytest_inferbench.config.document import Section
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import BaselineError, ConfigError
from pytest_inferbench.policy import policy_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.metrics.table import Metric


def read_file(document: Section, metrics: Mapping[str, Metric]) -> BaselineFile:
    """The file's values.

    Args:
        document: the parsed YAML.
        metrics: every metric by its name.

    Raises:
        BaselineError: another shape, a newer schema, an unknown metric, a limit on the wrong side.
    """
    version = document.get("schema")
    if isinstance(version, int) and version > SCHEMA:
        where = document.source_of("schema")
        raise BaselineError(
            f"{where}: schema {version} is newer than {SCHEMA}, the newest read here; upgrade pytest-inferbench"
        )
    try:
        validate(FileShape, document)
    except ConfigError as error:
        raise BaselineError(str(error)) from None
    problems: list[str] = []
    written = document.section("cases")
    cases = {key: _case(written.section(key), str(written.source_of(key)), metrics, problems) for key in written}
    if problems:
        raise BaselineError("\n".join(problems))
    older = noise_lines(document) if has_older(document) else None
    return BaselineFile(document["model"], document["backend"], cases, older)


def _case(section: Section, source: str, metrics: Mapping[str, Metric], problems: list[str]) -> CaseEntry:
    policy = _policy(section)
    problems += policy_problems(policy, metrics)
    written = section.section("hardware")
    hardware = {name: _budgets(written.section(name), metrics, problems) for name in written}
    return CaseEntry(_budgets(section, metrics, problems), policy, hardware, source)


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
