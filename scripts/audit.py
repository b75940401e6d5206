"""Known faults of the packages in a folder: `python scripts/audit.py SITE_PACKAGES`, with pip-audit beside this Python.

Limits: pip-audit asks the package index, and a mirror of it may have no such data: then it calls every package unknown
and still ends well. That is told as what it is and is no failure; a fault that was found is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OURS = "pytest-inferbench"  # on no index


def audited(folder: str) -> tuple[int, list[str]]:
    """The exit status and the lines that say what was found."""
    command = (sys.executable, "-m", "pip_audit", "--path", folder, "--format=json", "--progress-spinner=off")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constants, and a folder
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1]
        return 0, [f"not audited: no data ({last})"]
    return judged([one for one in found if one["name"] != OURS])


def judged(packages: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """The same, of what pip-audit says of each package."""
    known = [one for one in packages if "skip_reason" not in one]
    if not known:
        return 0, [f"not audited: no data of any of {len(packages)} packages"]
    faults = list(_faults(known))
    unknown = [one["name"] for one in packages if one not in known]
    without = f"; no data of {', '.join(unknown)}" if unknown else ""
    return int(bool(faults)), [*faults, f"{len(known)} packages audited, {len(faults)} known faults{without}"]


def _faults(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in packages:
        for fault in one["vulns"]:
            mended = ", ".join(fault["fix_versions"]) or "no version"
            yield f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}"


if __name__ == "__main__":
    status, lines = audited(sys.argv[1])
    print("\n".join(lines))
    sys.exit(status)
