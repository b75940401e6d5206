"""What a server says is shown as text and without the key, at whatever stage it says it."""

from __future__ import annotations

import gzip
import json

import pytest

from fakes.plain_http import PlainHandler, http_server

KEY = "sk-odd\"quo'ted\\<key>{}" + "0123456789abcdef" * 25
UGLY = "\x1b[31m\x07\u202e\r\n::error::mine\n::stop-commands::x\n##[group]y\n=1+1|<script>"

SUITE = """
import os
from pytest_inferbench import Single

def fails(key):
    raise ValueError(f"with {key}")

async def test_it(bench):
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))).check()

def test_own(bench):
    print("the key is", os.environ["MY_KEY"])
    fails(os.environ["MY_KEY"])
"""


class Echo(PlainHandler):
    """Answers as a server does, and at one stage says its headers back, with what a terminal or a CI would obey."""

    stage = ""

    def do_GET(self):  # noqa: N802 - http.server's name
        if self.stage == "not-ready":
            self.answer(self._error(), 503)
        elif self.path == "/version":
            self._json({"version": self._echo() if self.stage == "version" else "1.0"})
        else:
            self._json({"data": [{"id": "m", "owned_by": self._echo()}]})

    def do_POST(self):  # noqa: N802 - http.server's name
        body = self.body()
        load = b"Go on:" in body
        if (self.stage == "prompts" and not load) or (self.stage == "load" and load):
            self.answer(self._error(), 401)
            return
        word = self._echo() if self.stage == "words" else "a"
        finish = self._echo() if self.stage == "finish" and load else "length"
        chunk = {"choices": [{"delta": {"content": word}, "finish_reason": finish}]}
        chunk["usage"] = {"prompt_tokens": 16, "completion_tokens": 1}
        payloads = [json.dumps(chunk).encode(), b"[DONE]"]
        if self.stage == "stream" and load:
            payloads[0] = self._error()
        self.answer(b"".join(b"data: " + payload + b"\n\n" for payload in payloads))

    def _echo(self):
        return UGLY + json.dumps(dict(self.headers)) + self.headers.get("Authorization", "") + UGLY

    def _error(self):
        return json.dumps({"error": {"message": self._echo(), "type": UGLY}}).encode()

    def _json(self, document):
        self.answer(json.dumps(document).encode())


@pytest.fixture
def echo():
    with http_server(Echo) as url:
        yield url


@pytest.mark.parametrize("stage", ["not-ready", "version", "prompts", "load", "stream", "words", "finish"])
def test_what_a_server_says_is_no_command_and_has_no_key(suite, echo, monkeypatch, pytester, stage):
    """Neither output nor any file has the key, a control character, or a line that a CI service would obey."""
    monkeypatch.setattr(Echo, "stage", stage)
    monkeypatch.setenv("MY_KEY", KEY)
    formats = ("junit", "csv", "markdown", "html", "openmetrics")
    result = suite(
        *("--server-url", echo, "--bench-api-key-env=MY_KEY", "--server-timeout=3", "--junitxml=out.xml", "-v"),
        *(f"--bench-{each}=report.{each}" for each in formats),
        source=SUITE,
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    output = "\n".join((*result.outlines, *result.errlines))
    files = {path: path.read_bytes() for path in pytester.path.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert {path.name for path in files} >= {"run.json", "out.xml", *(f"report.{each}" for each in formats)}
    texts = {str(path): gzip.decompress(data) if path.suffix == ".gz" else data for path, data in files.items()}
    for name, data in (texts | {"output": output.encode()}).items():
        text = data.decode()
        for form in (KEY, json.dumps(KEY)[1:-1], repr(KEY)[1:-1], KEY[30:90]):
            assert form not in text, name
        if name != "output" and not name.endswith((".gz", "test_suite.py")):
            assert not any(each in text for each in "\x1b\x07\u202e"), name
    assert not any(each in output for each in "\x1b\x07\u202e")
    assert not any(line.lstrip().startswith("::") for line in output.splitlines())
    assert "##[" not in output
