"""Whose a file of lines is: the machine's that wrote it, whose name the file's name does not always tell.

Limits: pure. Lines of earlier versions say no name: they are whoever's asks for the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.lines import NAME
from pytest_inferbench.baselines.names import safe_name, share_a_file
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import BaselineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_inferbench.baselines.accepted import Accepted


def check_owner(cases: Iterable[Accepted], machine: str, name: str) -> None:
    """Refuse the sessions of another machine whose name makes the same file name.

    Args:
        cases: what the file has accepted.
        machine: whose it must be.
        name: the file as people are shown it.

    Raises:
        BaselineError: it is another's.
    """
    for case in cases:
        owner = case.sessions[-1].machine.get(NAME, machine) if case.sessions else machine
        if share_a_file(owner, machine):
            raise BaselineError(
                f"{name}: holds sessions of the machine {quote_value(owner)}, expected "
                f"{quote_value(machine)}: two names "
                f"that make one file name, {quote_value(safe_name(machine))}; give one of the two another "
                "name: --hardware"
            )
