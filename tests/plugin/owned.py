"""A scripted server that the plugin starts itself, and a history of real sessions on it.

Idea: the `llama` backend runs any `program:`; this one is a few lines that become the scripted server, whose delays lie
in a file. So a test makes the server slower between two sessions without changing anything else. Delays are long and
medians are gated, so that a busy machine changes no verdict; chunks are so far apart that one which holds up all
processes for a while does not make clumps of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from pytest_inferbench.baselines.read_lines import read_lines

SUITE = """
from pytest_inferbench import Concurrency, Single

async def test_one(bench):
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=6))).check()

async def test_two(bench):
    (await bench.run(Concurrency(streams=2, requests=8, prompt_tokens=16, output_tokens=6))).check()
"""
GATES = ["ttft_ms.p50", "tpot_ms.p50"]
SCATTER = (0.0, 0.011, -0.009, 0.006, -0.012, 0.009, -0.004, 0.002)

_PROGRAM = """\
#!{python} -S
import json, os, sys
if "--version" in sys.argv:
    print("version: 7 (scripted)")
    sys.exit()
here = {folder!r}
with open(os.path.join(here, "starts.txt"), "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
with open(os.path.join(here, "starts.txt")) as file:
    number = str(len(file.readlines()))
with open(os.path.join(here, "factors.json")) as file:
    factors = json.load(file)
given = [sys.argv[place + 1] for place, word in enumerate(sys.argv) if word == "--slower"]
factor = factors.get(number, factors["all"]) * float(given[0] if given else 1)
script = json.dumps({{"first_ms": 60 * factor, "gap_ms": 30 * factor, "quick_asides": True}})
port = sys.argv[sys.argv.index("--port") + 1]
os.environ["PYTHONPATH"] = {tests!r}
os.execv({python!r}, [{python!r}, "-S", "-m", "fakes.scripted", "--port", port, "--script", script])
"""


@dataclass(frozen=True)
class Ran:
    """One pytest run.

    Attributes:
        status: its exit status.
        text: what it printed.
        outcomes: each item as its JUnit file names it -> "passed", "failed", "skipped" or "error".
        messages: the same -> what the file says of it.
        document: its run document.
    """

    status: int
    text: str
    outcomes: dict[str, str]
    messages: dict[str, str]
    document: dict[str, Any]

    @property
    def verdicts(self) -> dict[str, str]:
        """Case -> its verdict in the run document."""
        return {case["case"]: case["verdict"] for case in self.document["cases"]}

    def checks(self, case: str) -> dict[str, dict[str, Any]]:
        """The comparisons of a case by metric."""
        found = next(each for each in self.document["cases"] if each["case"] == case)
        return {check["metric"]: check for check in found["checks"] if "comparison" in check}


class OwnedServer:
    """A user's folder whose one model runs on the program.

    Args:
        folder: an empty one, or one that is not there yet.
        variants: the model's, as YAML.
        policy: the suite's, as YAML.
    """

    def __init__(self, folder: Path, variants: str = "{}", policy: str = "{}") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        program = folder / "server.py"
        tests = str(Path(__file__).parents[1])
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder), tests=tests))
        program.chmod(0o755)
        (folder / "config").mkdir()
        (folder / "config/models.yaml").write_text(
            f"defaults:\n  backends: {{llama: {{program: '{program}'}}}}\n"
            f"  policy: {policy}\n"
            f"models:\n  - {{path: 'builtin:tiny', name: scripted, variants: {variants}}}\n"
        )
        (folder / "test_suite.py").write_text(SUITE)
        self.slower(1.0)

    def slower(self, factor: float, **starts: float) -> None:
        """From now on all starts are slower by `factor`, but the n-th of all by `s<n>`."""
        factors = {name.removeprefix("s"): each for name, each in starts.items()}
        (self.folder / "factors.json").write_text(json.dumps({"all": factor, **factors}))

    @property
    def starts(self) -> int:
        """How often it was started."""
        path = self.folder / "starts.txt"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def run(self, *arguments: str) -> Ran:
        """Run pytest on the suite in a process of its own."""
        environ = {name: value for name, value in os.environ.items() if name != "CI"}
        fixed = ("-p", "no:cacheprovider", "--bench-rounds=2", "--hardware=lab", "--junitxml=out.xml")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", *fixed, *arguments],
            cwd=self.folder,
            env={**environ, "COLUMNS": "200", "INFERBENCH_CACHE": str(self.folder / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        cases = list(ET.parse(self.folder / "out.xml").getroot().iter("testcase"))  # noqa: S314 - our own file
        newest = max(self.folder.glob("perf/*/run.json"), key=os.path.getmtime)
        return Ran(
            done.returncode,
            done.stdout,
            {_name(case): _outcome(case) for case in cases},
            {_name(case): " ".join((child.get("message") or "") for child in case) for case in cases},
            json.loads(newest.read_text()),
        )

    def accept(self, recorded: Path, sessions: int) -> None:
        """Take over a baseline of one session, as one of so many days that scatter by 1 %, whose rounds do not."""
        folder = self.folder / "benchmarks/baselines"
        shutil.copytree(recorded, folder, dirs_exist_ok=True)
        lines, file = next(folder.glob("*/*.jsonl")), next(folder.glob("*.yaml"))
        first = read_lines(lines.read_text(), lines.name, datetime.now(UTC))
        copies = [
            session.model_copy(
                update={
                    "id": f"{session.id}-{number}",
                    "date": (session.moment - timedelta(days=sessions - number)).isoformat(),
                    "gates": GATES,
                    "rounds": {
                        name: (value * (1 + away),) * len(figures)
                        for name, figures in session.rounds.items()
                        if (value := session.value(name)) is not None
                    },
                }
            )
            for case in first.values()
            for session in case.sessions
            for number, away in enumerate(SCATTER[:sessions])
        ]
        lines.write_text("".join(f"{session.to_text()}\n" for session in copies))
        # Without the budgets that were proposed: a slower server on a busy machine must fail by its gates alone.
        head = file.read_text().partition("cases:")[0]
        file.write_text(f"{head}cases:\n" + "".join(f"  {key}: {{gates: {json.dumps(GATES)}}}\n" for key in first))


def _name(case: ET.Element) -> str:
    """`test_one::regression[...]` for an item whose class name is `test_suite.test_one`."""
    parts = [*(case.get("classname") or "").split(".")[1:], case.get("name") or ""]
    return "::".join(parts)


def _outcome(case: ET.Element) -> str:
    kinds = {"failure": "failed", "error": "error", "skipped": "skipped"}
    return next((kinds[child.tag] for child in case if child.tag in kinds), "passed")
