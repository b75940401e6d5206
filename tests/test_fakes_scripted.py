"""The scripted server's account must be true: stamps, ids, counters and its own health."""

import json
from itertools import accumulate

import pytest

from fakes.ask import metric, page, wait_until
from fakes.raw_client import RawClient, request
from fakes.scripted import Script, ScriptedServer

MS = 1_000_000
FAST = Script(first_ms=2, gap_ms=1)


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(FAST) as running:
        yield running


@pytest.fixture
def client(server):
    with RawClient(server.port) as connected:
        yield connected


def test_arrivals_lie_after_the_true_send_began(server, client):
    """No client can have a chunk before the send that completed it began, and the truth has one stamp a chunk."""
    client.send(request(request_id="order", max_tokens=40)).until()
    truth = server.sent("order")
    assert len(client.arrivals()) == len(truth.sent_ns) == len(truth.begun_ns) == 40
    assert all(began <= arrived for began, arrived in zip(truth.begun_ns, client.arrivals(), strict=True))
    assert all(began <= sent for began, sent in zip(truth.begun_ns, truth.sent_ns, strict=True))
    assert list(truth.sent_ns) == sorted(truth.sent_ns)


def test_reception_lies_between_the_clients_send_and_the_first_chunk(server, client):
    """A request is received after its sending began, but for the conversion of the stamp, and before its answer."""
    client.send(request(request_id="received")).until()
    truth = server.sent("received")
    assert client.sent_ns[0] - MS < truth.received_ns < truth.begun_ns[0]
    assert truth.ending == "complete"
    assert truth.end_ns >= truth.sent_ns[-1]


def test_nothing_leaves_before_it_is_due(server, client):
    """Each chunk leaves at its place in the absolute schedule or later, never earlier."""
    client.send(request({"first_ms": 8, "gap_ms": 3}, request_id="due", max_tokens=6)).until()
    truth = server.sent("due")
    due = list(accumulate([8 * MS, *[3 * MS] * 5]))
    assert all(began - truth.start_ns >= at for began, at in zip(truth.begun_ns, due, strict=True))


def test_requests_are_known_by_header_body_or_order():
    """The id is the header's, else the body's, else the number in order of acceptance; the connection is told too."""
    with ScriptedServer(FAST) as fresh, RawClient(fresh.port) as one, RawClient(fresh.port) as other:
        one.send(request(header_id="from-header")).until()
        other.send(request()).until()
        one.send(request(request_id="from-body")).until()
        assert [sent.id for sent in fresh.sent_log()] == ["from-header", "1", "from-body"]
        first, second, third = (sent.connection for sent in fresh.sent_log())
        assert first == third != second


def test_forgetting_starts_the_truth_afresh_and_keeps_the_totals():
    """After `forget` the log is empty while the counters on /metrics go on."""
    with ScriptedServer(FAST) as fresh, RawClient(fresh.port) as one:
        one.send(request(max_tokens=5)).until()
        fresh.forget()
        assert fresh.sent_log() == []
        assert metric(fresh, "tokens_predicted_total") == 5


def test_the_server_tells_its_own_health():
    """Processor share and lag are figures once something was served, and None before."""
    with ScriptedServer(FAST) as fresh, RawClient(fresh.port) as one:
        assert fresh.truth()[1].cpu_share is None
        one.send(request()).until()
        health = fresh.truth()[1]
        assert health.cpu_share > 0
        assert 0 <= health.lag_us["p50"] <= health.lag_us["p99"] <= health.lag_us["max"]


def test_the_small_pages_answer(server):
    """Health, models, and a 404 that says what was asked."""
    assert page(server, "/health") == (200, '{"status":"ok"}')
    assert json.loads(page(server, "/v1/models")[1])["data"][0]["id"] == "scripted"
    status, text = page(server, "/nowhere")
    assert status == 404
    assert "/nowhere" in text


@pytest.mark.parametrize("field", ["content", "prompt"])
def test_a_word_is_a_token(server, field):
    """/tokenize counts as usage does, in llama.cpp's words and in vLLM's."""
    answer = json.loads(page(server, "/tokenize", "POST", json.dumps({field: "a  bc\nd"}))[1])
    assert answer["count"] == len(answer["tokens"]) == 3


def test_metrics_agree_with_what_was_served():
    """Counters are the sums of the usage that was sent, running and cut streams included, refusals not."""
    with ScriptedServer(FAST) as fresh, RawClient(fresh.port) as one, RawClient(fresh.port) as two:
        one.send(request(max_tokens=5)).until()
        one.send(request({"status": 503})).until(b"}")
        one.send(request({"stall_after": 2, "stall_s": 60}))
        two.send(request({"cut_after": 3, "cut": "fin"})).until_closed()
        wait_until(lambda: metric(fresh, "tokens_predicted_total") == 5 + 2 + 3)
        assert metric(fresh, "prompt_tokens_total") == 3 * 3
        assert metric(fresh, "requests_processing") == 1
