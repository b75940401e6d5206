"""What is installed on this machine.

Limits: asked without starting a server; a question that cannot be answered is None, and nothing here raises.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

_TIMEOUT_S = 20.0
_ASK_VERSION = "import importlib.metadata as m, sys; sys.stdout.write(m.version(sys.argv[1]))"
_SHEBANG = b"#!"
_LONGEST_FIRST_LINE = 512


class ThisMachine:
    """Looks on the PATH, beside this interpreter and into interpreters that a configuration names."""

    def program(self, name: str) -> str | None:
        """The program beside this interpreter (an environment need not be activated), else the PATH's."""
        beside = str(Path(sys.executable).parent)
        return shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))

    def python_of(self, program: str) -> str | None:
        """The interpreter in the program's first line, where that is a Python."""
        try:
            with Path(program).open("rb") as file:
                line = file.readline(_LONGEST_FIRST_LINE)
        except OSError:
            return None
        if not line.startswith(_SHEBANG):
            return None
        words = line.removeprefix(_SHEBANG).decode(errors="replace").split()
        return words[0] if words and "python" in Path(words[0]).name else None

    def package(self, python: str | None, name: str) -> str | None:
        """The version of distribution `name` for `python`, or for this interpreter."""
        if python is None or python == sys.executable:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                return None
        found = self._run((python, "-c", _ASK_VERSION, name))
        return found.stdout.strip() or None if found is not None and found.returncode == 0 else None

    def output(self, argv: tuple[str, ...]) -> str:
        """Both streams of a short command."""
        done = self._run(argv)
        return done.stdout + done.stderr if done is not None else ""

    def _run(self, argv: tuple[str, ...]) -> subprocess.CompletedProcess[str] | None:
        try:
            return subprocess.run(  # noqa: S603 - a program the user's configuration names
                argv, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None


THIS_MACHINE = ThisMachine()
