"""A pytest run of real benchmarks to which something is done, and what is there when it has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytest_inferbench.servers.owner import RUN

VERSION = "2026.10.11549"
SUITE = """
import os
import pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["first", "second", "third"])
async def test_it(bench, case):
    (await bench.run(Single(requests=REQUESTS, prompt_tokens=32, output_tokens=60), rounds=2)).check()
    AFTER
"""
PYTEST = Path(sys.executable).with_name("pytest")
MARK = "INFERBENCH_TEST_FAULT"
PATIENCE_S = 90
_GONE_S = 20
_POLL_S = 0.02


@dataclass(frozen=True)
class Ended:
    """What is there afterwards.

    Attributes:
        code: the exit status; negative for a signal.
        output: all it said.
        documents: every run.json, in its place or where it was put instead.
        processes, containers: what is left of it.
        baselines: files in the baselines folder.
    """

    code: int
    output: str
    documents: tuple[dict, ...]
    processes: tuple[str, ...]
    containers: tuple[str, ...]
    baselines: tuple[str, ...]

    @property
    def cases(self):
        return [case for document in self.documents for case in document["cases"]]

    @property
    def left(self):
        return (*self.processes, *self.containers)


class FaultRun:
    """A run in a folder of its own, in a session of its own, as a terminal or CI gives it.

    Args:
        folder: the user's.
        way: `process` or `docker` for the real engine on the tiny model; the URL of a server.
        engine: the Docker engine; None where no container is started.
        requests: of each round.
        after: what each test does when it has measured.
    """

    def __init__(self, folder, way="process", engine=None, *, requests=24, after="pass", suite=SUITE):
        self.folder = Path(folder)
        self.way = way
        self._engine = engine
        self.process = None
        (self.folder / "test_suite.py").write_text(suite.replace("REQUESTS", str(requests)).replace("AFTER", after))

    def start(self, *arguments, prefix=(), stdin=None, **environ):
        """Start pytest; `prefix` is a program that it is started by."""
        where = [f"--server-url={self.way}"] if "://" in self.way else ["--backend=llama"]
        if "://" not in self.way and not any(each.startswith("--model") for each in arguments):
            where += ["--model=builtin:tiny"]
        if self.way == "docker":
            where += ["--provision=docker", f"--backend-version={VERSION}"]
        (self.folder / "tmp").mkdir(exist_ok=True)
        with (self.folder / "output.txt").open("w") as output:
            self.process = subprocess.Popen(
                [
                    *prefix,
                    *(str(PYTEST), "-p", "no:cacheprovider", "-v", "-rA", *where),
                    *("--bench-results=perf", "--bench-baselines=baselines", "--update-baselines", *arguments),
                ],
                cwd=self.folder,
                stdin=stdin or subprocess.DEVNULL,
                stdout=output if stdin is None else stdin,
                stderr=output if stdin is None else stdin,
                env={
                    **{name: value for name, value in os.environ.items() if name != "CI"},
                    "PYTHONUNBUFFERED": "1",
                    "COLUMNS": "200",
                    "TMPDIR": str(self.folder / "tmp"),
                    MARK: str(self.folder),
                    **environ,
                },
                start_new_session=True,
            )
        return self

    def wait_for(self, moment):
        """Until `starting` (a server has a log), `measuring` (a load worker is there) or `second` (a case is kept)."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._is_at(moment):
                return
            time.sleep(_POLL_S)
        raise AssertionError(f"it never came to {moment}: {self.output()}")

    def _is_at(self, moment):
        if moment == "begun":
            return True
        if moment == "second":
            return any(document["cases"] for document in self.documents())
        logs = list(self.folder.glob("perf/*/servers/*.log"))
        if moment == "starting":
            return bool(logs)
        return any("load.worker" in " ".join(one.cmdline()) for one in self.family())

    def send(self, number):
        """A signal to pytest alone, as CI, systemd and `kill` send it; Ctrl+C goes to all of its group."""
        with suppress(ProcessLookupError):
            if number == signal.SIGINT:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    def ours(self, words):
        """The processes of this run that have some words in their command line."""
        found = [one for one in self.family() if words in " ".join(one.cmdline())]
        assert found, words
        return found

    def family(self):
        """All processes that this run started and that are there; zombies are not."""
        return family_of(self.folder)

    def output(self):
        path = self.folder / "output.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def documents(self):
        found = []
        for path in sorted({*self.folder.glob("perf/*/run.json"), *self.folder.glob("tmp/inferbench-*/run.json")}):
            with suppress(OSError, ValueError):
                found.append(json.loads(path.read_text()))
        return tuple(found)

    def end(self):
        """Wait for its end, and for that of all it started; what is left is ended, and told."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = None
        deadline = time.monotonic() + _GONE_S
        while time.monotonic() < deadline and (self.family() or self._containers()):
            time.sleep(0.1)
        left, containers = self.family(), self._containers()
        ended = Ended(
            code,
            self.output(),
            self.documents(),
            tuple(" ".join(one.cmdline())[:120] for one in left),
            tuple(one.name for one in containers),
            tuple(str(path) for path in self.folder.glob("baselines/**/*") if path.is_file()),
        )
        self.clean()
        return ended

    def clean(self):
        """Leave nothing, whatever became of it."""
        with suppress(ProcessLookupError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for one in self.family():
            with suppress(psutil.Error):
                one.kill()
        for one in self._containers():
            self._engine.remove(one.id)

    def _containers(self):
        if self._engine is None:
            return []
        return containers_of(self.folder, self._engine)


def family_of(folder):
    """All processes that were started with a folder's mark and are there; zombies are not."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def containers_of(folder, engine):
    """The containers of the runs whose results are in a folder."""
    runs = {path.name for path in folder.glob("perf/*")}
    return [one for one in engine.list_labelled(RUN) if one.labels[RUN] in runs]
