"""What the audit of our dependencies makes of pip-audit's answer."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_FILE = Path(__file__).parents[2] / "scripts/audit.py"
SOUND = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}


@pytest.fixture
def judged():
    spec = importlib.util.spec_from_file_location("audit", _FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judged


@pytest.mark.parametrize(
    ("packages", "status", "last"),
    [
        ([SOUND], 0, "1 packages audited, 0 known faults"),
        ([SOUND, FAULTY], 1, "2 packages audited, 1 known faults"),
        ([SOUND, UNKNOWN], 0, "1 packages audited, 0 known faults; no data of c"),
        ([UNKNOWN], 0, "not audited: no data of any of 1 packages"),
    ],
    ids=["sound", "faulty", "one unknown", "no data"],
)
def test_a_fault_fails_and_no_data_does_not(judged, packages, status, last):
    """An index without such data calls every package unknown: nothing was audited, and that is said."""
    assert judged(packages)[0] == status
    assert judged(packages)[1][-1] == last


def test_a_fault_is_told_with_its_remedy(judged):
    """Package, version, the fault's name, and the version that has it no more."""
    assert judged([FAULTY])[1][0] == "b 2: CVE-1, mended in 3"
