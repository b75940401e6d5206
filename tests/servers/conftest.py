"""What the tests of servers share: a scripted server, a clock that only sleeping moves, stand-ins for programs."""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

import psutil
import pytest

from pytest_inferbench.backends.backend import Command
from pytest_inferbench.backends.llama import LLAMA

MODELS = {"data": [{"id": "tiny"}]}
ANSWER = 'data: {"choices":[{"delta":{"content":"@"}}],"system_fingerprint":"fp-1"}\n\ndata: [DONE]\n\n'


class Script:
    """A loopback server whose answers a test writes.

    Attributes:
        answers: "METHOD /path" -> (status, JSON value or text, headers if any) answers, in order; the last one is
            given for ever. A path without any gets 404.
        asked: what was asked: method and path, headers, body.
        url: its address.
    """

    def __init__(self) -> None:
        self.answers = {
            "GET /health": [(200, {"status": "ok"})],
            "GET /v1/models": [(200, MODELS)],
            "POST /v1/chat/completions": [(200, ANSWER)],
            "GET /props": [(200, {"build_info": "b11549-abc"})],
            "GET /version": [(200, {"version": "0.8.0"})],
        }
        self.asked = []
        self._given = defaultdict(int)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self):
        return [name for name, _, _ in self.asked]

    def next_answer(self, name):
        answers = self.answers.get(name, [(404, {"error": {"message": "File Not Found"}})])
        given = min(self._given[name], len(answers) - 1)
        self._given[name] += 1
        return answers[given]

    def _handler(script):  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                name = f"{self.command} {self.path}"
                script.asked.append((name, dict(self.headers), json.loads(body) if body else None))
                status, document, *more = script.next_answer(name)
                text = document if isinstance(document, str) else json.dumps(document)
                self.send_response(status)
                for header, value in dict(*more).items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer  # noqa: N815 - http.server's names

            def log_message(self, *args):
                """Keep quiet."""

        return Handler


@pytest.fixture
def script():
    server = Script()
    yield server
    server.close()


@pytest.fixture
def stand_in():
    """A backend whose program is a Python file of the test, run as `FILE PORT`."""

    def build(path):
        def command(plan, installed):
            return Command(
                (sys.executable, "-I", "-S", str(path), str(plan.port)), MappingProxyType({"STAND_IN": "yes"})
            )

        def version(plan, installed):
            return "b1"

        return replace(LLAMA, name="stand-in", command=command, installed_version=version)

    return build


@pytest.fixture
def gone(eventually):
    """Wait until none of these processes runs; says whether that is so."""

    def ended(pid):
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def wait(*pids):
        return eventually(lambda: all(ended(pid) for pid in pids))

    return wait
