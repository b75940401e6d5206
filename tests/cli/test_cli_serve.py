"""`inferbench serve`: a real server that replies, stays, and is gone after Ctrl+C; and what cannot be served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from pytest_inferbench.cli.main import main
from pytest_inferbench.servers.ports import free_port

TWO = """
models:
  - {path: 'builtin:tiny', name: first, backend: llama}
  - {path: 'builtin:tiny', name: second, backend: llama}
"""
_PATIENCE_S = 60


class Serving:
    """`inferbench serve` at work.

    Attributes:
        process: the command.
        lines: what it has said on standard output.
    """

    def __init__(self, folder, *arguments):
        program = "from pytest_inferbench.cli.main import main; raise SystemExit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", *arguments],
            cwd=folder,
            env={**os.environ, "INFERBENCH_CACHE": str(folder / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []

    def until(self, word):
        """Read lines until one begins with `word`."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith(word):
                return line.rstrip()
        pytest.fail(f"it ended: {self.lines} {self.process.stderr.read()}")

    def end(self, number=signal.SIGINT):
        """End it by a signal; its exit status and what it said on standard error."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=_PATIENCE_S)
        assert family
        assert not psutil.wait_procs(family, timeout=5)[1]
        return self.process.returncode, said


@pytest.fixture
def serve(tmp_path):
    """Start the command in a folder; whatever happens it is gone afterwards."""
    pytest.importorskip("xllamacpp")
    started = []

    def start(*arguments):
        started.append(Serving(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


@pytest.mark.e2e
def test_a_real_reply_and_a_clean_end(serve, tmp_path):
    """The config's first model is served where it was asked for; after Ctrl+C nothing of it is left but its log."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "models.yaml").write_text(TWO)
    port = free_port()
    serving = serve("--test", "--host-port", str(port), "--log-file", "server.log", "--num-threads", "1")
    reply = serving.until("reply: ").removeprefix("reply: ")
    assert len(reply) > 5
    assert serving.lines[0].startswith(f"http://127.0.0.1:{port} serves first on llama b")
    assert serving.until("       ").endswith("16 tokens")
    assert httpx.get(f"http://127.0.0.1:{port}/v1/models").json()["data"][0]["id"] == "first"
    assert b"llama" in (tmp_path / "server.log").read_bytes()
    status, said = serving.end()
    assert status == 0
    assert said.endswith("ending the server\nended\n")
    assert "warning: --num-threads still works and is now --backend-args n_threads=N" in said
    assert b"llama" in (tmp_path / "server.log").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"config", "server.log"}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_endings_end_the_server_too(serve, number):
    """What service managers send, and a terminal that is closed, are as good as Ctrl+C."""
    serving = serve("--model", "builtin:tiny")
    serving.until("log: ")
    assert serving.end(number)[0] == 0


@pytest.mark.e2e
def test_a_server_that_dies_is_told(serve):
    """The command ends with how it ended, and with its last words."""
    serving = serve("--model", "builtin:tiny")
    serving.until("log: ")
    family = psutil.Process(serving.process.pid).children(recursive=True)
    next(
        one for one in family if "xllamacpp_server" in " ".join(one.cmdline()) and one.ppid() in {f.pid for f in family}
    ).kill()
    _, said = serving.process.communicate(timeout=_PATIENCE_S)
    assert serving.process.returncode == 1
    assert "inferbench serve: the server died (killed by signal 9" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "builtin:huge"], "'huge'"),
        (["--backend", "vlm", "--model", "builtin:tiny"], "did you mean 'vllm'"),
        (["--model", "builtin:tiny", "--log-file", "."], "--log-file .: this is a folder"),
        ([], "no such file, and no --model was given"),
        (
            ["--model", "org/m", "--backend", "vllm", "--num-threads", "3"],
            "--num-threads: n_threads is an argument",
        ),
        (["--bench-config", "here.yaml"], "runs already, at http://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_served_is_one_mistake(tmp_path, monkeypatch, capsys, arguments, words):
    """Exit status 2 and a message that says what was expected; nothing is started and nothing is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))
    Path("here.yaml").write_text("models: [{repo_id: m, backend: vllm, backends: {vllm: {url: 'http://127.0.0.1:9'}}}]")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        assert main(["serve", *arguments]) == 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("written", ["0", "99999", "port", "gpu-box:8000", "1.2.3:x"])
def test_an_address_that_is_none_is_a_mistake(capsys, written):
    """A port, or an IP address and a port."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--host-port", written])
    assert ended.value.code == 2
    assert f"--host-port: got '{written}', expected" in capsys.readouterr().err
