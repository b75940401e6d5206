"""The run: what was named, or all, in turn; one table."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from .row import Row, table

# Each a file with `rows() -> Iterator[Row]`, in the order in which they are measured.
_WHAT = ("streams", "cells", "runs", "soak", "session")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.scale", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(_WHAT)}; all where none is named")
    wanted = parser.parse_args().what or list(_WHAT)
    if unknown := set(wanted) - set(_WHAT):
        parser.error(f"{', '.join(unknown)}: expected {', '.join(_WHAT)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    found: list[Row] = []
    for name in wanted:
        found += import_module(f"{__package__}.{name}").rows()
        sys.stdout.write(f"{name}: load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + table(found))
    return int(any(row.missed for row in found))


if __name__ == "__main__":
    sys.exit(main())
