"""Every way to fail that a script knows, and every way to send a request, must be on the wire."""

import json

import httpx
import pytest

from fakes.ask import page, wait_until
from fakes.raw_client import RawClient, request
from fakes.scripted import Script, ScriptedServer
from fakes.scripted.script import Cut, Role, ScriptError, UsagePlace

FAST = Script(first_ms=2, gap_ms=1)


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(FAST) as running:
        yield running


@pytest.fixture
def client(server):
    with RawClient(server.port) as connected:
        yield connected


@pytest.mark.parametrize("done", [True, False])
def test_an_error_can_come_inside_the_stream(client, done):
    """After two chunks an error object ends the stream with status 200, and the connection stays usable."""
    client.send(request({"error_after": 2, "done": done})).until()
    assert client.raw.startswith(b"HTTP/1.1 200 ")
    assert len(client.texts()) == 2
    assert client.chunks()[-1]["error"]["code"] == 500
    assert (client.events()[-1] == b"[DONE]") is done
    assert len(client.send(request()).until().texts()) == 4


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_http_error_has_a_json_body(server, status):
    """The status, `Retry-After` and OpenAI's error object come back at once."""
    headers = {"X-Script": json.dumps({"status": status, "retry_after": 7})}
    body = {"stream": True, "messages": []}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["error"]["code"] == status


@pytest.mark.parametrize("cut", list(Cut))
def test_a_connection_can_be_cut(server, client, cut):
    """After three chunks the connection is reset or closed, without the stream's end."""
    name = f"cut-{cut}"
    client.send(request({"cut_after": 3, "cut": cut}, request_id=name))
    if cut is Cut.RST:
        with pytest.raises(ConnectionResetError):
            client.until_closed()
    else:
        client.until_closed()
    assert len(client.texts()) == len(server.sent(name).sent_ns) == 3
    assert not client.raw.endswith(b"0\r\n\r\n")
    assert server.sent(name).ending == "cut"


def test_a_chunk_can_end_inside_a_character(client):
    """The last output chunk is no UTF-8; the others are, and HTTP's lengths still hold."""
    client.send(request({"truncated_utf8": True})).until()
    outputs = [event for event in client.events() if b'"content":"' in event]
    for event in outputs[:-1]:
        assert event.decode()
    with pytest.raises(UnicodeDecodeError):
        outputs[-1].decode()
    assert client.events()[-1] == b"[DONE]"


def test_an_answer_can_be_empty(server, client):
    """200, and not one event."""
    client.send(request({"empty": True}, request_id="empty")).until()
    assert client.raw.startswith(b"HTTP/1.1 200 ")
    assert client.events() == []
    assert server.sent("empty").sent_ns == ()


def test_a_server_can_stay_silent(server):
    """The request is received and never answered; it ends when the client gives up."""
    with RawClient(server.port) as waiting:
        waiting.send(request({"silent": True}, request_id="silent"))
        wait_until(lambda: any(sent.id == "silent" for sent in server.sent_log()))
        assert server.sent("silent").ending is None
    wait_until(lambda: server.sent("silent").ending == "client left")
    assert server.sent("silent").end_ns is None


def test_a_client_that_leaves_ends_its_generation(server):
    """As in a real server, nothing more is sent once the client has gone."""
    with RawClient(server.port) as leaving:
        leaving.send(request({"gap_ms": 5}, request_id="left", max_tokens=2000)).until(b"\n\n\r\n")
    wait_until(lambda: server.sent("left").ending == "client left")
    assert 0 <= len(server.sent("left").sent_ns) < 2000


def test_keep_alive_can_end_unannounced(server):
    """The connection is closed after its second reply, with no header that says so."""
    with RawClient(server.port) as client:
        for _ in range(2):
            client.send(request({"close_after": 2})).until()
            assert b"onnection: close" not in client.raw
        assert client.read() == b""


def test_a_slow_reader_gets_every_byte(server):
    """A socket that fills up delays its chunks and loses nothing."""
    with RawClient(server.port, receive_buffer=4096) as slow:
        script = {"first_ms": 0, "gap_ms": 0, "tokens_per_chunk": 100_000}
        slow.send(request(script, request_id="slow", max_tokens=600_000))
        wait_until(lambda: any(sent.id == "slow" for sent in server.sent_log()))
        assert server.sent("slow").ending is None
        slow.until()
        assert sum(len(text.split()) for text in slow.texts()) == 600_000
    assert len(server.sent("slow").sent_ns) == 6


def test_a_request_may_come_byte_by_byte_and_in_chunks(client):
    """Any split of the bytes and a chunked body are the same request."""
    body = json.dumps({"stream": True, "max_tokens": 2, "messages": [{"role": "user", "content": "a b"}]}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    whole = head + parts + b"0\r\n\r\n"
    for i in range(len(whole)):
        client.send(whole[i : i + 1])
    client.until()
    assert client.chunks()[-1]["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}


def test_requests_on_one_connection_are_served_in_order(server, client):
    """A second request that is there before the first is answered waits for it."""
    client.send(request(request_id="one") + request(request_id="two")).until()
    while client.raw.count(b"[DONE]") < 2:
        client.read()
    assert server.sent("two").start_ns > server.sent("one").end_ns


def test_a_client_that_asks_first_is_told_to_go_on(client):
    """`Expect: 100-continue` is answered before the body is sent."""
    body = b'{"stream": true, "messages": []}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    client.send(head.encode()).until(b"100 Continue\r\n\r\n")
    client.send(body).until()
    assert client.raw.startswith(b"HTTP/1.1 200 ")


def test_bytes_that_are_no_request_are_refused(client):
    """400 with the evidence, then the connection ends."""
    client.send(b"hello\r\n\r\n").until_closed()
    assert client.raw.startswith(b"HTTP/1.1 400 ")
    assert b"hello" in client.raw


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSONDecodeError"),
        (b'{"stream": true}', "messages"),
        (b'{"messages": []}', "only streams"),
        (b'{"stream": true, "messages": [], "max_tokens": 0}', "max_tokens=0"),
        (b'{"stream": true, "messages": [], "script": {"gap": 1}}', "no script field 'gap'"),
        (b'{"stream": true, "messages": [], "script": {"gap_ms": -1}}', "gap_ms=-1"),
    ],
)
def test_a_request_that_cannot_be_served_says_why(server, body, said):
    """400 names what is wrong, as a typo in a test must not pass for a slow server."""
    status, text = page(server, "/v1/chat/completions", "POST", body)
    assert status == 400
    assert said in json.loads(text)["error"]["message"]


@pytest.mark.parametrize(
    "changes", [{"role": "late"}, {"tokens": "4"}, {"done": 1}, {"pieces": True}, {"first_ms": None}]
)
def test_a_script_with_a_wrong_value_is_refused(changes):
    """Each field takes its own type only."""
    (name,) = changes
    with pytest.raises(ScriptError, match=name):
        Script().but(changes)


def test_a_script_survives_json():
    """What `to_json` gives makes the same script again."""
    script = Script(role=Role.NONE, usage=UsagePlace.EVERY, cut=Cut.FIN, cut_after=3, tokens=7, jitter_ms=0.5)
    assert Script().but(json.loads(json.dumps(script.to_json()))) == script


def test_a_script_in_the_body_and_one_in_the_header_add_up(client):
    """Both change the server's own script, the header last."""
    client.send(request({"tokens": 3}, script={"tokens": 9, "done": False})).until()
    assert len(client.texts()) == 3
    assert b"[DONE]" not in client.raw


def test_an_ordinary_client_can_stream_from_it(server):
    """httpx, keep-alive, a base path in front: three requests on one connection."""
    with httpx.Client(base_url=f"{server.url}/gateway/v1") as ordinary:
        for i in range(3):
            body = {"stream": True, "max_tokens": 2, "messages": [], "request_id": f"httpx-{i}"}
            with ordinary.stream("POST", "/chat/completions", json=body) as answer:
                assert answer.headers["content-type"] == "text/event-stream"
                assert [line for line in answer.iter_lines() if line][-1] == "data: [DONE]"
    assert len({server.sent(f"httpx-{i}").connection for i in range(3)}) == 1
