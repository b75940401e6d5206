"""The command line of `inferbench`: its help, its exit statuses, and where its output goes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from pytest_inferbench.cli.catalogue import COMMANDS
from pytest_inferbench.cli.main import main


def test_help_names_every_command(capsys):
    """The help lists all commands with one line each."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    for command in COMMANDS:
        assert command.name in shown


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(capsys, command):
    """Each command explains itself and its arguments."""
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == 0
    assert command.description.split()[0] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [([], "COMMAND"), (["scheme"], "invalid choice: 'scheme'"), (["schema", "x"], "invalid choice: 'x'")],
)
def test_a_mistyped_command_line_is_a_mistake(capsys, argv, words):
    """What argparse refuses ends with status 2 and says what was wrong."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("of", ["config", "experiment", "results"])
def test_schema_prints_a_schema(capsys, of):
    """What is printed is one JSON Schema and nothing else."""
    assert main(["schema", of]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_a_reader_that_has_seen_enough_is_no_error():
    """`inferbench schema | head -1` ends quietly."""
    program = [sys.executable, "-c", "from pytest_inferbench.cli.main import main; raise SystemExit(main(['schema']))"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.read(1)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0


def test_help_is_quick():
    """Help and mistakes do not wait for what only a command at work needs."""
    code = "import sys, pytest_inferbench.cli.main; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "httpx", "numpy", "docker", "rich", "huggingface_hub", "pytest"} & set(loaded)
