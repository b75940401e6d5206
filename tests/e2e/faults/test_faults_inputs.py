"""Files and options that cannot be used: one message, before a server is started, and nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

pytestmark = pytest.mark.e2e

YAML = "baselines/tiny--llama.yaml"
FOREIGN = b'{"schema": 1, "run_id": "../../victim"}'
LINES = "baselines/tiny--llama/lab.jsonl"


@dataclass(frozen=True)
class Row:
    """One mistake.

    Attributes:
        name: what the test is called.
        sees: parts of the message.
        files: what lies in the folder.
        arguments: of pytest.
        environ: variables.
        code: the exit status.
    """

    name: str
    sees: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    code: int = 4


ROWS = (
    Row("baseline-yaml", (YAML, "version"), {YAML: b"version: nonsense\n"}),
    Row("baseline-deep", (YAML, "100 levels"), {YAML: b"[" * 10_000}),
    Row("baseline-bytes", (YAML,), {YAML: b"\xff\xfe\x00"}),
    Row("baseline-line", (f"{LINES}:1",), {LINES: b'{"kind": "sess\n'}),
    Row("baseline-line-deep", (f"{LINES}:1",), {LINES: b"[" * 200_000 + b"\n"}),
    Row("baseline-folder", (YAML,), {f"{YAML}/x": b""}),
    Row("config", ("config/models.yaml:1",), {"config/models.yaml": b"modles: []\n"}),
    Row("config-digits", ("config/models.yaml:1",), {"config/models.yaml": b"models: " + b"9" * 5000 + b"\n"}),
    Row("report-folder", ("--bench-html", "a folder is there"), {"page/x": b""}, ("--bench-html=page",)),
    Row("resume", ("no run 'nothing'",), arguments=("--bench-resume=nothing",)),
    Row("resume-foreign", ("run_id",), {"perf/x/run.json": FOREIGN}, ("--bench-resume=x",)),
    Row("timeout", ("--bench-timeout nan",), arguments=("--bench-timeout=nan",)),
    Row("server-timeout", ("--server-timeout nan",), arguments=("--server-timeout=nan",)),
    Row("workers", ("--bench-workers 0", "at least 1"), arguments=("--bench-workers=0",)),
    Row("body", ("--bench-extra-body",), arguments=("--bench-extra-body=" + "[" * 5000,)),
    Row("header", ("--bench-header",), arguments=("--bench-header=no colon",)),
    Row("long-option", ("--provision",), arguments=("--provision=" + "x" * 5000,)),
    Row("dashes", ("--bench-rounds",), arguments=("--bench-rounds=--",)),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_mistake_is_told_before_anything_is_started(fault_run, row, tmp_path):
    """Exit status 4, one short message with the place, no server, no run folder, and the files as they were."""
    for name, content in row.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    ended = fault_run().start("--hardware=lab", *row.arguments, **row.environ).end()
    assert (ended.code, ended.left) == (row.code, ()), ended.output
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output
    for part in row.sees:
        assert part in ended.output
    assert max(map(len, ended.output.splitlines())) < 700
    assert list(tmp_path.glob("perf/*/servers")) == []
    assert {name: (tmp_path / name).read_bytes() for name in row.files} == row.files
    assert {name.removeprefix(f"{tmp_path}/") for name in ended.baselines} == {
        name for name in row.files if name.startswith("baselines/")
    }


def test_a_baseline_that_breaks_while_it_measures(fault_run, tmp_path):
    """The case that is being measured is in the run document; the run fails with the file and line."""
    run = fault_run(requests=300).start("--hardware=lab", "-k", "first")
    run.wait_for("measuring")
    (tmp_path / LINES).parent.mkdir(parents=True)
    (tmp_path / LINES).write_text('{"kind": "sess\n')
    ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert LINES in ended.output
    assert len(ended.cases) == 1
    assert (tmp_path / LINES).read_text() == '{"kind": "sess\n'


def test_a_module_of_the_working_folder_is_no_part_of_us(fault_run, tmp_path):
    """Names of the standard library beside the tests are imported by no load worker and no server."""
    for name in ("select", "socket", "selectors"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is the wrong module')\n")
    run = fault_run()
    ended = run.start().end()
    assert (ended.code, ended.left) == (0, ())
    assert len(ended.cases) == 3


def test_a_model_file_that_is_cut(fault_run, tmp_path):
    """The error names the file and what is wrong with it; there is no figure."""
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + bytes(100))
    ended = fault_run().start("--model=cut.gguf", "-k", "first").end()
    assert (ended.code, ended.left) == (1, ())
    assert "cut.gguf" in ended.output
    assert "Traceback" not in ended.output
    assert ended.cases == []
