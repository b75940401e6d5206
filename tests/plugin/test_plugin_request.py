"""Headers, keys and extra body: what goes out, and what must never show."""

from __future__ import annotations

import gzip
import json
from typing import ClassVar

import pytest

from fakes.plain_http import PlainHandler, http_server
from fakes.scripted.process import ScriptedServer

KEY = "sk-very-secret-0123456789"
HEADER = "another-secret-9876"
TOKEN = "hf_token-of-the-hub-4711"  # noqa: S105 - a test's own
SUITE = """
from pytest_inferbench import Single
async def test_one(bench):
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))).check()
"""


class Recording(PlainHandler):
    """Notes every request's headers and body, answers one token."""

    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_GET(self):  # noqa: N802 - http.server's name
        self._say(b'{"data": [{"id": "m"}]}')

    def do_POST(self):  # noqa: N802 - http.server's name
        chunk = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"length"}],'
        chunk += b'"usage":{"prompt_tokens":16,"completion_tokens":1}}\n\n'
        self._say(chunk + b"data: [DONE]\n\n")

    def _say(self, body: bytes):
        self.seen.append((self.path, dict(self.headers), self.body()))
        self.answer(body)


@pytest.fixture
def recording():
    Recording.seen.clear()
    with http_server(Recording) as url:
        yield url, Recording.seen


OWN_AND_LOAD = """
from pytest_inferbench import Single

async def test_it(bench, backend):
    assert (await backend.client.get("/v1/models")).status_code == 200
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))).check()
"""


def test_headers_key_and_body_are_in_every_request(suite, recording, monkeypatch):
    """Every request, also those of readiness and calibration, carries the key and headers; generations the body."""
    url, seen = recording
    monkeypatch.setenv("MY_KEY", KEY)
    suite(
        "--server-url", url, "--bench-api-key-env=MY_KEY", "--bench-header=X-Team: search",
        '--bench-extra-body={"top_k": 7}', "--bench-temperature=0.5", source=SUITE,
    )  # fmt: skip
    assert len(seen) > 10
    for _path, headers, _body in seen:
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert headers["X-Team"] == "search"
    loads = [body for path, _headers, body in seen if path == "/v1/chat/completions" and b"Go on:" in body]
    assert loads
    assert all(b'"top_k":7' in body and b'"temperature":0.5' in body for body in loads)


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
def test_a_key_is_nowhere_in_what_a_run_writes(suite, server: ScriptedServer, monkeypatch, pytester, workers):
    """No file, no report and no output of a run holds the key, a header's value or a token of the environment."""
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    result = suite(
        *("--server-url", server.url, "--bench-api-key-env=MY_KEY", f"--bench-header=X-Api-Key: {HEADER}"),
        *("--junitxml=out.xml", "-v", *workers),
        source=SUITE,
    )
    result.assert_outcomes(passed=2)
    assert _written(pytester, result) >= {"run.json", "out.xml"}


def _written(pytester, result) -> set[str]:
    """Names of all files of the run, none of which holds a secret, and neither does its output."""
    files = {path: path.read_bytes() for path in pytester.path.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    texts = {"output": "\n".join((*result.outlines[3:], *result.errlines)).encode(), **files}
    for path, data in texts.items():
        plain = gzip.decompress(data) if str(path).endswith(".gz") else data
        for secret in (KEY, HEADER, TOKEN):
            assert secret.encode() not in plain, path
    return {path.name for path in files}


def test_a_key_that_is_not_there_is_one_clear_error(suite, server: ScriptedServer):
    """It is asked for when a server is, so that suites can be collected without secrets."""
    result = suite("--server-url", server.url, "--bench-api-key-env=NO_SUCH_VARIABLE", source=SUITE)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*the environment has no NO_SUCH_VARIABLE*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--bench-header=nonsense", "*--bench-header: expected `Name: value`*"),
        ("--bench-extra-body=[1]", "*--bench-extra-body*expected a JSON object*"),
    ],
)
def test_a_bad_request_option_is_one_clear_error(suite, server: ScriptedServer, argument, words):
    """What cannot be sent is named before anything is started."""
    result = suite("--server-url", server.url, argument, source=SUITE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
    result.stderr.no_fnmatch_line("*Traceback*")


class Echoing(Recording):
    """Answers as usual at first, then refuses generations and says the key back, as some gateways do."""

    def do_POST(self):  # noqa: N802 - http.server's name
        if len(self.seen) < 60:
            super().do_POST()
            return
        self.body()
        body = json.dumps({"error": {"message": f"the quota of {self.headers['Authorization']} is used up"}}).encode()
        self.answer(body, 429)


@pytest.fixture
def echoing():
    Recording.seen.clear()
    with http_server(Echoing) as url:
        yield url


def _config(pytester: pytest.Pytester, url: str) -> None:
    pytester.mkdir("config")
    settings = f"{{provision: url, url: '{url}', api_key: '${{MY_KEY}}'}}"
    text = f"models:\n  - {{repo_id: m, backend: vllm, backends: {{vllm: {settings}}}}}\n"
    (pytester.path / "config" / "models.yaml").write_text(text)


def test_the_config_names_the_variable_that_holds_a_server_s_key(suite, recording, monkeypatch, pytester):
    """`api_key: ${NAME}` is sent with every request."""
    url, seen = recording
    _config(pytester, url)
    monkeypatch.setenv("MY_KEY", KEY)
    suite(source=SUITE)
    assert len(seen) > 10
    assert {headers["Authorization"] for _path, headers, _body in seen} == {f"Bearer {KEY}"}


def test_a_variable_that_is_not_set_is_named_with_its_place(suite, recording, monkeypatch, pytester):
    """The error says which variable, where it is asked for, and what to do."""
    _config(pytester, recording[0])
    monkeypatch.delenv("MY_KEY", raising=False)
    result = suite(source=SUITE)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*config/models.yaml:2: api_key: *MY_KEY is not set; export MY_KEY*"])


def test_a_key_that_a_server_says_back_is_nowhere_either(suite, echoing, monkeypatch, pytester):
    """Neither the output nor any file shows a key or a header's value that came back in an error."""
    _config(pytester, echoing)
    monkeypatch.setenv("MY_KEY", KEY)
    team = "Bearer team-secret-42"
    result = suite("--junitxml=out.xml", "--bench-header", f"X-Team: {team}", "-v", source=SUITE)
    assert "the quota of Bearer *** is used up" in _everything(result, pytester)
    for secret in (KEY, "team-secret-42"):
        assert secret not in _everything(result, pytester)


def _everything(result: pytest.RunResult, pytester: pytest.Pytester) -> str:
    files = [path for path in pytester.path.rglob("*") if path.is_file()]
    texts = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]
    return "\n".join((*result.outlines, *result.errlines, *(text.decode(errors="replace") for text in texts)))


def test_every_request_of_a_run_passes_the_environments_proxies_by(suite, server, document, monkeypatch):
    """A test's own requests too, which would else take a way that the load does not."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    result = suite("--server-url", server.url, source=OWN_AND_LOAD)
    result.assert_outcomes(passed=2)
    assert document()["cases"][0]["metrics"]["error_rate"]["value"] == 0
