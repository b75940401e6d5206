"""The one table of options: name, type, default, help and example.

pytest's command line and ini keys, the command `inferbench` and the reports derive from it.

Limits: plain Python, no heavy import: pytest reads this file on every start.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PREFIX = "--bench-"
_LONGEST_NUMBER = 100
_SHOWN = 60
_TYPES = {int: "a whole number", float: "a number", str: "text"}
_YEAR = 31_536_000.0  # seconds
_NAMES = re.compile(r"(?<![\w-])--[a-z][a-z-]*(?![\w-])")


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        flag: as people type it, also its ini key: `--server-url` -> `inferbench_server_url`.
        kind: str, int, float or bool; a list of strings where `many`.
        default: what holds when nobody says anything.
        help: one sentence, with the unit of a number.
        metavar: what its value is, as help shows it; "" for a switch.
        example: a value that works, where `metavar` and the default do not say it.
        many: may be repeated.
        action: a one-shot action: no ini key.
        aliases: other spellings.
        secret: its value may hold a token; results show what stands before the colon.
        least: the smallest number that means something; None: whoever uses it decides.
        above: a number that it must be above, where that itself means nothing.
        most: the largest number that means something.
    """

    flag: str
    kind: type
    default: Any
    help: str
    metavar: str = ""
    example: str = ""
    many: bool = False
    action: bool = False
    aliases: tuple[str, ...] = ()
    secret: bool = False
    least: int | None = None
    above: int | None = None
    most: float = 2.0**63

    @property
    def dest(self) -> str:
        """Attribute name on pytest's option namespace; prefixed so that it cannot meet another plugin's."""
        return "inferbench_" + self.flag.removeprefix("--").removeprefix("bench-").replace("-", "_")

    @property
    def canonical(self) -> str:
        """The name that works in every pytest run, whoever else adds options: `--bench-server-url`."""
        return self.flag if self.flag.startswith(_PREFIX) else _PREFIX + self.flag.removeprefix("--")

    @property
    def short(self) -> tuple[str, ...]:
        """The names that a conftest or another plugin may have for an option of its own: `--server-url`."""
        return tuple(name for name in (self.flag, *self.aliases) if name != self.canonical)

    @property
    def keywords(self) -> dict[str, Any]:
        """What argparse, and pytest's own parser, need to know beside the flags; an option not given is None."""
        text = self.help + (f" Default: {self.plain_default}." if self.plain_default else "")
        text += f" Example: {self.example}" if self.example else ""
        keywords: dict[str, Any] = {"dest": self.dest, "default": None, "help": text.replace("%", "%%")}
        if self.kind is bool:
            return keywords | {"action": "store_true"}
        if self.many:
            return keywords | {"action": "append", "metavar": self.metavar}
        return keywords | {"type": self.read, "metavar": self.metavar}

    def read(self, text: str) -> Any:  # noqa: ANN401 - each option has its own type
        """A value as it was typed; of a number that is longer than any is, the beginning.

        Raises:
            argparse.ArgumentTypeError: it is of another type; the message shows the beginning of a long one.
        """
        try:
            return self.kind(text if self.kind is str else text[:_LONGEST_NUMBER])
        except ValueError:
            like = self.example or self.plain_default
            raise argparse.ArgumentTypeError(f"got {_quote(text)}, expected {_TYPES[self.kind]}, like {like}") from None

    @property
    def plain_default(self) -> str:
        """The default as people write it; "" where there is none."""
        if self.kind is bool or self.default in ((), None):
            return ""
        return f"{self.default:g}" if self.kind is float else str(self.default)


OPTIONS: tuple[Option, ...] = (
    Option("--model", str, (), "Model to measure: a name from the config, a path, or a repo id.", "MODEL", many=True),
    Option(
        "--backend",
        str,
        (),
        "vllm, sglang, llama, ik_llama, trtllm, ollama, or external (any OpenAI-compatible URL).",
        "BACKEND",
        many=True,
    ),
    Option("--backend-version", str, (), "Version of the backend.", "VERSION", "v0.8.1", many=True),
    Option("--backend-args", str, (), "Server arguments; needs --backend.", "ARGS", "'--max-num-seqs 8'", many=True),
    Option(
        "--gpu-memory-utilization", float, None, "Share of GPU memory a server takes.", "SHARE", "0.9", above=0, most=1
    ),
    Option("--max-model-len", int, None, "Longest context in tokens.", "TOKENS", "32768", least=1),
    Option("--n-gpu-layers", int, None, "Layers kept on the GPU (llama.cpp).", "N", "99"),
    Option(
        "--tensor-parallel", int, None, "GPUs a server is spread over; all visible ones else.", "GPUS", "2", least=1
    ),
    Option("--provision", str, None, "How servers come up; process where nothing says.", "{process,docker,url}"),
    Option(
        "--image", str, None, "Container image to use as it is.", "IMAGE", "my/vllm:dev", aliases=("--docker-image",)
    ),
    Option("--image-type", str, None, "prebuilt: pulled; build: made from our Dockerfile.", "{prebuilt,build}"),
    Option("--build-from-source", bool, False, "The same as --image-type build."),
    Option("--rebuild", bool, False, "Build or pull images again.", action=True),
    Option("--build-only", bool, False, "Make the images of the selected cells and run nothing.", action=True),
    Option("--bench-dry-run", bool, False, "Say what would be started and run, and start nothing.", action=True),
    Option("--keep-server", bool, False, "Leave containers running, and use those that were left."),
    Option(
        "--server-url", str, None, "Measure the server at this URL; nothing is started.", "URL", "http://127.0.0.1:8000"
    ),
    Option(
        "--server-timeout", float, 360.0, "Seconds a server may take to become ready.", "SECONDS", above=0, most=_YEAR
    ),
    Option("--require-backend", bool, False, "A cell that cannot run here is an error, not a skip."),
    Option("--hardware", str, None, "Name of this hardware in baselines.", "NAME", "1x-nvidia-h200"),
    Option("--bench-config", str, "config/models.yaml", "Config file, from pytest's rootdir.", "PATH"),
    Option("--bench-baselines", str, "benchmarks/baselines", "Folder of baselines.", "FOLDER"),
    Option("--bench-results", str, "perf", "Folder that results are written to.", "FOLDER"),
    Option("--bench-json", str, None, "Also write the run document to this file.", "PATH", "perf/run.json"),
    Option("--bench-csv", str, None, "Write every figure as CSV to this file.", "PATH", "perf/report.csv"),
    Option("--bench-junit", str, None, "Write JUnit XML with one test case a check.", "PATH", "perf/junit.xml"),
    Option("--bench-markdown", str, None, "Write a CI step summary to this file.", "PATH", "perf/report.md"),
    Option("--bench-html", str, None, "Write a page with plots to this file.", "PATH", "perf/report.html"),
    Option("--bench-bencher", str, None, "Write Bencher Metric Format to this file.", "PATH", "perf/bencher.json"),
    Option("--bench-github-action", str, None, "Write github-action-benchmark's files here.", "FOLDER", "perf/action"),
    Option("--bench-openmetrics", str, None, "Write an OpenMetrics page to this file.", "PATH", "perf/report.prom"),
    Option("--bench-rounds", int, 5, "Rounds of each case.", "N", least=1),
    Option("--bench-warmup", int, 2, "Requests thrown away first; never fewer than a case has streams.", "N", least=0),
    Option("--bench-timeout", float, 600.0, "Seconds one request may take.", "SECONDS", above=0, most=_YEAR),
    Option(
        "--bench-sample-interval-ms", float, 1000.0, "From one sample of server and GPUs to the next; 0: none.", "MS"
    ),
    Option("--bench-no-gpu-metrics", bool, False, "Leave GPUs alone."),
    Option(
        "--bench-workers",
        int,
        None,
        "Load worker processes; as many as the planned chunk rate wants.",
        "N",
        "2",
        least=1,
        most=1024,
    ),
    Option("--bench-seed", int, 0, "Seed of prompts and schedules.", "N"),
    Option("--bench-protocol", str, None, "Wire protocol instead of the backend's own.", "NAME", "openai-completions"),
    Option(
        "--bench-api-key-env", str, None, "Environment variable that holds the server's key.", "NAME", "VLLM_API_KEY"
    ),
    Option(
        "--bench-header",
        str,
        (),
        "Further header of every request.",
        "HEADER",
        "'X-Team: search'",
        many=True,
        secret=True,
    ),
    Option("--bench-ca", str, None, "CA bundle to trust instead of the system's.", "PATH", "ca.pem"),
    Option("--bench-extra-body", str, None, "Object added to every request's body.", "JSON", """'{"top_k": 1}'"""),
    Option("--bench-temperature", float, 0.0, "Sampling temperature; 0 is greedy.", "T", least=0),
    Option("--compare", str, None, "Compare two versions or variants; A..A is this site's noise.", "A..B", "v1..v2"),
    Option("--compare-pairs", str, "5..12", "Pairs of a comparison: the fewest..the most; one number is both.", "N..M"),
    Option("--bench-family", int, None, "Gates that share alpha, whatever is selected.", "GATES", "60", least=1),
    Option("--require-baseline", bool, False, "A case without a baseline to compare with fails."),
    Option("--fail-inconclusive", bool, False, "A case fails where nobody can tell whether it regressed."),
    Option("--bench-no-confirm", bool, False, "Judge at once: measure nothing again on a fresh server."),
    Option("--bench-resume", str, None, "Finish this run; latest is the newest.", "RUN", "latest", action=True),
    Option("--update-baselines", bool, False, "Record this session in the baselines.", action=True),
    Option(
        "--baseline-mode",
        str,
        None,
        "append (the default) a session, reseat the level, or prune old lines.",
        "{append,reseat,prune}",
        action=True,
    ),
    Option("--accept-regressions", bool, False, "Record cases that regressed too.", action=True),
)
CANONICAL: Mapping[str, str] = {name: option.canonical for option in OPTIONS for name in option.short}
"""Short name -> the name that always works."""


def _quote(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}..."


def use_long_names(text: str, names: Collection[str] = tuple(CANONICAL)) -> str:
    """A text with the name that always works in the place of some short names.

    >>> prefixed("unknown model; pass --model NAME, not --no-model")
    'unknown model; pass --bench-model NAME, not --no-model'
    """
    return _NAMES.sub(lambda found: CANONICAL[found[0]] if found[0] in names else found[0], text) if names else text


@dataclass(frozen=True, slots=True)
class Setting:
    """An option's value in this run and where it comes from.

    Attributes:
        value: of the option's type.
        source: "command line", "pytest ini" or "default".
        written: as it was written, with its place: `pytest.ini:3: inferbench_rounds = 5`; "" where nobody wrote it.
    """

    value: Any
    source: str
    written: str = ""


class Settings:
    """Every option of a run.

    Args:
        values: each option's setting, by `Option.dest`.
        rootdir: the folder that relative paths start from.
        taken: the short names that belong to a conftest or another plugin here.
    """

    def __init__(self, values: Mapping[str, Setting], rootdir: Path, taken: Collection[str] = ()) -> None:
        self._values = dict(values)
        self.rootdir = rootdir
        self._taken = taken

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - each option has its own type
        try:
            return self._values["inferbench_" + name].value
        except KeyError:
            raise AttributeError(name) from None

    def path(self, name: str) -> Path:
        """A path option, resolved from pytest's rootdir."""
        written: str = os.path.expanduser(getattr(self, name))  # noqa: PTH111 - pathlib's raises for no such user
        return self.rootdir / written

    def source(self, name: str) -> str:
        """Where an option's value comes from."""
        return self._values["inferbench_" + name].source

    def as_written(self, name: str) -> str:
        """An option as it was written, with its place; "" where nobody wrote it."""
        return self._values["inferbench_" + name].written

    def with_names(self, text: str) -> str:
        """A text as people are to read it: each option by a name that works in this run."""
        return use_long_names(text, self._taken)

    def rows(self) -> list[tuple[str, Any, str]]:
        """Name, value and source of each setting; those nobody set and that default to nothing are left out."""
        rows = []
        for option in OPTIONS:
            setting = self._values[option.dest]
            if setting.value not in (None, ()):
                value = list(setting.value) if option.many else setting.value
                value = [f"{one.partition(':')[0]}: ***" for one in value] if option.secret else value
                rows.append((option.flag.removeprefix("--"), value, setting.source))
        return rows
