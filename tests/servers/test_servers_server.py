from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.servers import server as server_module
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.server import start_process

_PLAN = ServerPlan("stand-in", "m.gguf", "tiny")
_SERVES = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/health": {}, "/v1/models": {"data": [{"id": "tiny"}]}, "/props": {"build_info": "b1-abc"}}
        self.reply(pages[self.path])
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'data: {"choices":[{"delta":{"content":"@"}}]}\\n\\ndata: [DONE]\\n\\n')
    def reply(self, document):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())
    def log_message(self, *args):
        pass
print("serving", os.environ["STAND_IN"], flush=True)
HTTPServer.allow_reuse_address = False
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def run(tmp_path, stand_in):
    """Starts a program of the test as a server; what is started is stopped."""
    started = []

    def start(text, plan=_PLAN, timeout_s=30.0, **changes):
        program = tmp_path / "program.py"
        program.write_text(text)
        started.append(
            start_process(
                plan,
                replace(stand_in(program), **changes),
                log_dir=tmp_path / "logs",
                timeout_s=timeout_s,
                clock=SYSTEM_CLOCK,
            )
        )
        return started[-1]

    yield start
    for server in started:
        server.stop()


def _unknown(plan, installed):
    return None


@pytest.fixture
def children():
    """What this process has started since the test began and is still there; other tests' helpers may outlive them."""

    def living():
        return {one for one in psutil.Process().children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE}

    before = living()
    return lambda: living() - before


def test_a_started_server_is_known_and_ends_when_stopped(run, tmp_path, children):
    """Address, version, log and life are the process's."""
    server = run(_SERVES)
    assert (server.kind, server.version, server.endpoint.model) == ("process", "b1-abc", "tiny")
    assert server.alive() is None
    assert server.logs() == ("serving yes",)
    assert server.log_path.parent == tmp_path / "logs"
    assert server.ready_seconds > 0
    server.stop()
    assert server.alive() == "killed by signal 15"
    assert not children()


def test_a_server_that_dies_says_why_at_once(run):
    """With its end, its last lines, what they mean and where the rest is; a fraction of the limit has passed."""
    limit = 120.0
    start = SYSTEM_CLOCK.now_ns()
    with pytest.raises(ProvisionError) as caught:
        run("print('error: unrecognized arguments: --nonsense'); raise SystemExit(2)", timeout_s=limit)
    assert (SYSTEM_CLOCK.now_ns() - start) / 1e9 < limit / 10
    for part in (
        "tiny could not be started",
        "exited with status 2",
        "unknown argument",
        "--nonsense",
        "stand-in-tiny-1.log",
    ):
        assert part in str(caught.value)
    assert caught.value.log_tail == ("error: unrecognized arguments: --nonsense",)


def test_a_server_that_is_not_ready_in_time_is_stopped(run, children):
    """Nothing is left running."""
    with pytest.raises(ProvisionError, match=r"(?s)not ready within 0.5 s.*still loading"):
        run("import time; print('still loading', flush=True); time.sleep(60)", timeout_s=0.5)
    assert not children()


def test_an_interrupt_while_waiting_leaves_nothing(run, monkeypatch, children):
    """Ctrl+C ends the server too."""

    def interrupted(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(server_module, "wait_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(_SERVES)
    assert not children()


def test_a_lost_port_is_retried_on_another(run, script, monkeypatch):
    """Whether the stranger on it serves another model or the same one."""
    script.answers["GET /v1/models"] = [(200, {"data": [{"id": "stranger"}]}), (200, {"data": [{"id": "tiny"}]})]
    for _ in range(2):
        ports = [free_port(), script.port]
        monkeypatch.setattr(server_module, "free_port", lambda host: ports.pop())  # noqa: ARG005, B023 - used at once
        server = run(_SERVES)
        assert server.endpoint.base_url != script.url
        assert server.version == "b1-abc"


def test_a_port_that_was_asked_for_is_not_changed(run, script, children):
    """The user's port is his to free; the stranger on it is not measured."""
    with pytest.raises(ProvisionError, match="could not be started"):
        run(_SERVES, replace(_PLAN, port=script.port))
    assert not children()


def test_a_version_that_is_not_installed_is_a_reason_to_skip(run):
    """It is known before anything starts."""
    with pytest.raises(CellUnavailable, match=r"stand-in b2 is not installed, b1 is; .*`version: installed`"):
        run(_SERVES, replace(_PLAN, version="b2"))


def test_a_server_of_another_version_is_not_measured(run, children):
    """What it says when it runs counts, where nothing was known before."""
    with pytest.raises(ProvisionError, match="it says it is b1-abc, not b2"):
        run(_SERVES, replace(_PLAN, version="b2"), installed_version=_unknown)
    assert not children()


def test_a_missing_program_is_told_before_its_version(tmp_path):
    """The better reason of two."""
    plan = ServerPlan("llama", "m.gguf", "tiny", version="b2", program="/no/such/llama-server")
    with pytest.raises(CellUnavailable, match="/no/such/llama-server"):
        start_process(plan, LLAMA, log_dir=tmp_path, timeout_s=1, clock=SYSTEM_CLOCK)
    assert not list(Path(tmp_path).iterdir())
