from __future__ import annotations

import contextlib
import math
import socket
import ssl
import threading

import pytest
import trustme

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.backends.external import EXTERNAL
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.servers.answers import RefusedError
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.ready import wait_ready

_SHORT_ANSWER = 'data: {"choices":[{"delta":{"content":"@"}}],"system_fingerprint":"%s"}\n\ndata: [DONE]\n\n'
_LOADING = (503, {"error": {"message": "Loading model", "code": 503}})


def _runs():
    return None


@pytest.fixture
def tls_port():
    """A port that shakes hands in TLS, with a certificate nobody vouches for, and then says no more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("localhost", 0)) as listener:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError), connection:
                        context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def wait(script, sleep_clock):
    """Waits for the scripted server; what it told on the way is in `told`."""
    told = []

    def run(backend=LLAMA, *, url=script.url, model="", headers=(), alive=_runs, timeout_s=30.0, silence_s=math.inf):
        return wait_ready(
            Endpoint(url, model, headers),
            backend,
            alive=alive,
            timeout_s=timeout_s,
            clock=sleep_clock,
            progress=told.append,
            silence_s=silence_s,
        )

    run.told = told
    return run


def test_a_ready_server_has_been_asked_everything(wait, script):
    """It answers, lists the model, generates one token, and says its version."""
    info = wait(model="tiny")
    assert (info.model, info.version) == ("tiny", "b11549-abc")
    assert script.paths() == ["GET /health", "GET /v1/models", "POST /v1/chat/completions", "GET /props"]
    _, _, body = script.asked[2]
    assert (body["model"], body["max_tokens"], body["stream"]) == ("tiny", 1, True)


def test_without_a_name_the_only_model_is_taken(wait, script):
    """And asked for by that name."""
    assert wait(model="").model == "tiny"
    assert script.asked[2][2]["model"] == "tiny"


def test_a_prefix_in_the_address_is_kept(wait, script):
    """Behind a proxy each path starts with it."""
    script.answers = {name.replace(" /", " /llm/a/"): answers for name, answers in script.answers.items()}
    assert wait(url=f"{script.url}/llm/a").model == "tiny"


def test_headers_go_with_every_question(wait, script):
    """Also with the one that generates."""
    wait(headers=(("Authorization", "Bearer k"),))
    assert {headers["Authorization"] for _, headers, _ in script.asked} == {"Bearer k"}


@pytest.mark.parametrize("name", ["GET /health", "GET /v1/models", "POST /v1/chat/completions"])
def test_a_loading_server_is_waited_for(wait, script, sleep_clock, name):
    """503 from any question means: later. What it says is told once."""
    script.answers[name] = [_LOADING, _LOADING, _LOADING, script.answers[name][0]]
    info = wait()
    assert script.paths().count(name) == 4
    assert len(wait.told) == 1
    assert "503 Loading model" in wait.told[0]
    assert info.seconds == pytest.approx(sum(sleep_clock.slept))


def test_an_empty_list_of_models_is_waited_for(wait, script):
    """The engine behind the server has not come up."""
    script.answers["GET /v1/models"] = [(200, {"data": []}), script.answers["GET /v1/models"][0]]
    assert wait().model == "tiny"
    assert "lists no model yet" in wait.told[0]


def test_an_answer_without_a_token_is_not_ready(wait, script):
    """A 200 that generated nothing is no proof."""
    script.answers["POST /v1/chat/completions"] = [(200, "data: [DONE]\n\n"), (200, _SHORT_ANSWER % "fp")]
    assert wait().model == "tiny"
    assert "generated nothing" in wait.told[0]


def test_a_server_that_never_gets_ready_runs_into_the_limit(wait, script, sleep_clock):
    """The message holds the limit, the last answer and the option; the pauses fill the limit exactly."""
    script.answers["GET /health"] = [_LOADING]
    with pytest.raises(ProvisionError) as caught:
        wait(timeout_s=7)
    for part in (script.url, "within 7 s", "503 Loading model", "--server-timeout"):
        assert part in str(caught.value)
    assert sum(sleep_clock.slept) == pytest.approx(7)
    assert sleep_clock.slept[0] < 0.05
    assert max(sleep_clock.slept) <= 0.5


def test_an_address_that_nobody_answers_is_one_line(wait):
    """With what the system said."""
    with pytest.raises(ProvisionError, match=r"/health does not answer .*refused") as caught:
        wait(url=f"http://127.0.0.1:{free_port()}", timeout_s=1)
    assert "\n" not in str(caught.value)


def test_where_nothing_listens_the_limit_is_a_shorter_one(wait, sleep_clock):
    """A wrong address is told after the silence that was allowed, not after a model's time to load."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ProvisionError, match=rf"nothing listens at {url}: .*refused.* for 20 s; start the server"):
        wait(url=url, timeout_s=300, silence_s=20)
    assert sum(sleep_clock.slept) == pytest.approx(20)


def test_a_server_that_answers_may_take_the_whole_limit(wait, script, sleep_clock):
    """One that says it is loading is heard: the shorter limit is not for it."""
    script.answers["GET /health"] = [_LOADING]
    with pytest.raises(ProvisionError, match="was not ready within 100 s"):
        wait(timeout_s=100, silence_s=20)
    assert sum(sleep_clock.slept) == pytest.approx(100)


def test_a_dead_process_ends_the_waiting_at_once(wait, script, sleep_clock):
    """Not at the time limit."""
    script.answers["GET /health"] = [_LOADING]
    ends = iter((None, None, "killed by signal 9"))
    with pytest.raises(ProvisionError, match=r"killed by signal 9 after .* before it was ready"):
        wait(alive=ends.__next__, timeout_s=300)
    assert len(sleep_clock.slept) == 2


def test_another_model_is_refused_with_those_there_are(wait, script, sleep_clock):
    """Waiting would not change it."""
    with pytest.raises(RefusedError, match=r"serves tiny, not 'mine'; .*--model"):
        wait(model="mine")
    assert sleep_clock.slept == []
    assert "POST /v1/chat/completions" not in script.paths()


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_key_is_told(wait, script, status):
    """With the option that gives one."""
    script.answers["GET /v1/models"] = [(status, {"error": "no key"})]
    with pytest.raises(RefusedError, match=f"answers {status} no key; .*--bench-api-key-env"):
        wait()


@pytest.mark.parametrize(
    ("name", "answer", "reason"),
    [
        (
            "GET /health",
            (404, "<html>not here</html>"),
            "/health answers 404 <html>not here</html>; is this the address",
        ),
        ("POST /v1/chat/completions", (400, {"error": {"message": "no template"}}), "answers 400 no template"),
        ("POST /v1/chat/completions", (501, "<html>cannot</html>"), "answers 501 <html>cannot</html>; is this"),
        ("GET /v1/models", (200, "hello"), "something else than a list of models"),
        ("GET /v1/models", (200, {"models": []}), "something else than a list of models"),
    ],
)
def test_what_waiting_cannot_change_is_refused(wait, script, sleep_clock, name, answer, reason):
    """A wrong address or a model without a chat template is told at once, in the server's words."""
    script.answers[name] = [answer]
    with pytest.raises(RefusedError, match=reason):
        wait()
    assert sleep_clock.slept == []


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://box:1/llm/health", "a redirect to http://box:1/llm/health; .* give that address: http://box:1/llm$"),
        ("https://box/health", "give that address: https://box$"),
        ("/login?token=secret", r"a redirect to http://[0-9.:]+/login; .* give the address at which the server itself"),
        ("", "a redirect that does not say where to"),
    ],
    ids=["moved", "tls", "login", "nowhere"],
)
def test_a_redirect_is_refused_with_its_target(wait, script, sleep_clock, location, told):
    """It says which address to use; what a login page is given in its query is not shown."""
    script.answers["GET /health"] = [(307, "", {"Location": location} if location else {})]
    with pytest.raises(RefusedError, match=told) as caught:
        wait()
    assert "secret" not in str(caught.value)
    assert sleep_clock.slept == []


@pytest.mark.parametrize("name", ["GET /health", "GET /v1/models", "POST /v1/chat/completions"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<!DOCTYPE html>\n<html><title>Sign in</title>", {}),
        ("\n <html lang=en><head><title>Sign in</title>", {"Content-Type": "text/html; charset=utf-8"}),
    ],
)
def test_a_web_page_is_refused(wait, script, sleep_clock, name, body, headers):
    """A login page or a web interface answers each question with 200."""
    script.answers[name] = [(200, body, headers)]
    with pytest.raises(RefusedError, match=r"answers with a web page \(Sign in\): a proxy's login page"):
        wait()
    assert sleep_clock.slept == []


def test_a_proxy_s_error_page_is_waited_for(wait, script):
    """502 to 504 mean that what is behind it comes up; its title is what is told."""
    page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    script.answers["GET /health"] = [(502, page, {"Content-Type": "text/html"}), (200, "")]
    assert wait().model == "tiny"
    assert wait.told == [f"waiting for llama at {script.url}: /health answers 502 502 Bad Gateway"]


def test_being_there_may_be_said_without_a_body(wait, script):
    """204 from the health page is as good as 200."""
    script.answers["GET /health"] = [(204, "")]
    assert wait().model == "tiny"


def test_an_answer_in_one_piece_is_refused(wait, script, sleep_clock):
    """A proxy or a server that does not stream cannot be measured, however long one waits."""
    document = {"choices": [{"message": {"content": "hi"}}]}
    script.answers["POST /v1/chat/completions"] = [(200, document)]
    with pytest.raises(RefusedError, match="answers with one JSON document, though a stream was asked for"):
        wait()
    assert sleep_clock.slept == []


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("GET /v1/models", {"error": {"message": "no licence"}}, "/v1/models answers 200 with an error: no licence"),
        ("POST /v1/chat/completions", {"error": "no GPU"}, "completions answers 200 with an error: no GPU"),
        ("POST /v1/chat/completions", 'data: {"error":{"message":"worn out"}}\n\n', "generated nothing: worn out"),
        ("POST /v1/chat/completions", "data: [DONE]\n\n", "generated nothing"),
        ("POST /v1/chat/completions", "hello", "generated nothing"),
    ],
)
def test_what_hardly_changes_by_waiting_has_a_short_grace(wait, script, sleep_clock, name, answer, told):
    """A server that says it is ready and then answers wrongly is not waited for as long as a model may take to load."""
    script.answers[name] = [(200, answer)]
    with pytest.raises(RefusedError, match=rf"waiting does not change it: .*{told}.*, for 5 s on end"):
        wait(timeout_s=300)
    assert sum(sleep_clock.slept) == pytest.approx(5, abs=1)


def test_the_grace_begins_anew_when_it_says_that_it_loads(wait, script):
    """Wrong answers with a 503 between them are those of a server that comes up."""
    wrong = (200, "data: [DONE]\n\n")
    name = "POST /v1/chat/completions"
    script.answers[name] = [*[wrong] * 40, _LOADING, *[wrong] * 40, script.answers[name][0]]
    assert wait(timeout_s=300).model == "tiny"


@pytest.mark.parametrize(
    ("scheme", "told"),
    [("http", "the server speaks TLS there; give its address as https://"), ("https", "name its CA")],
)
def test_a_server_with_tls_says_how_to_reach_it(wait, tls_port, scheme, told):
    """Asked without TLS, or without its CA."""
    with pytest.raises(RefusedError, match=told):
        wait(url=f"{scheme}://localhost:{tls_port}")


def test_a_server_without_tls_says_how_to_reach_it(wait, script):
    """Asked with TLS."""
    with pytest.raises(RefusedError, match=rf"speaks no TLS there; give its address as {script.url}"):
        wait(url=script.url.replace("http:", "https:"))


@pytest.mark.parametrize("status", [408, 429, 500, 502])
def test_what_may_pass_is_waited_for(wait, script, status):
    """Also client errors that mean "later"."""
    script.answers["GET /health"] = [(status, "busy"), (200, "")]
    assert wait().model == "tiny"


@pytest.mark.parametrize(
    ("backend", "props", "version", "said"),
    [
        (VLLM, None, "0.8.0", "0.8.0"),
        (EXTERNAL, "b11549-abc", None, "b11549-abc"),
        (LLAMA, "b0-unknown", None, "fp-1"),
        (LLAMA, None, None, "fp-1"),
    ],
    ids=["vllm", "external", "unknown-build", "fingerprint"],
)
def test_the_version_is_the_best_that_is_said(wait, script, backend, props, version, said):
    """Each backend's own page first, the answer's fingerprint last, and no word for "unknown"."""
    for path, field, value in (("/props", "build_info", props), ("/version", "version", version)):
        script.answers[f"GET {path}"] = [(200, {field: value}) if value else (404, "")]
    assert wait(backend).version == said


def test_a_server_that_does_not_know_its_version_has_none(wait, script):
    """An unknown build is not a version."""
    script.answers["GET /props"] = [(200, {"build_info": "b0-unknown"})]
    script.answers["POST /v1/chat/completions"] = [(200, _SHORT_ANSWER % "b0-unknown")]
    assert wait().version is None


def test_proxies_of_the_environment_are_not_asked(wait, monkeypatch):
    """A benchmark's server is asked directly."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert wait().model == "tiny"


def test_it_works_on_the_system_s_clock(script):
    """The seconds are those that passed."""
    script.answers["GET /health"] = [_LOADING, (200, "")]
    info = wait_ready(
        Endpoint(script.url, ""),
        LLAMA,
        alive=_runs,
        timeout_s=30,
        clock=SYSTEM_CLOCK,
        progress=[].append,
    )
    assert 0 < info.seconds < 30
