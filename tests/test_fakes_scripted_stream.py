"""What a script says of a stream's content and timing must be on the wire."""

from itertools import pairwise

import pytest

from fakes.ask import metric, wait_until
from fakes.raw_client import RawClient, request
from fakes.scripted import Script, ScriptedServer
from fakes.scripted.plan import plan
from fakes.scripted.script import Role, UsagePlace

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


def test_a_plain_stream_is_what_a_server_sends(client):
    """Role, one chunk a token, finish, usage in a chunk of its own, `[DONE]`: in this order."""
    client.send(request(max_tokens=3)).until()
    role, *_, finish, usage = client.chunks()
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert client.texts() == ["t0é ", "t1é ", "t2é "]
    assert finish["choices"][0]["finish_reason"] == "length"
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    assert client.events()[-1] == b"[DONE]"


@pytest.mark.parametrize(("tokens", "finish"), [(2, "stop"), (4, "length"), (9, "length")])
def test_a_script_can_end_sooner_or_later_than_asked(client, tokens, finish):
    """The script's own token count wins over `max_tokens`, usage tells it, and the finish reason is honest."""
    client.send(request({"tokens": tokens}, max_tokens=4)).until()
    *_, end, usage = client.chunks()
    assert len(client.texts()) == usage["usage"]["completion_tokens"] == tokens
    assert end["choices"][0]["finish_reason"] == finish


def test_prompt_tokens_are_the_words_of_all_messages(client):
    """Usage counts whitespace-separated words over every message, also in lists of parts."""
    parts = [{"type": "text", "text": "a b"}, {"type": "image_url", "image_url": {}}]
    messages = [{"role": "system", "content": "be  terse\n"}, {"role": "user", "content": parts}]
    client.send(request(messages=messages)).until()
    assert client.chunks()[-1]["usage"]["prompt_tokens"] == 4


def test_several_tokens_can_share_a_chunk(server, client):
    """Seven tokens, three a chunk: three chunks, three stamps, seven tokens in usage."""
    client.send(request({"tokens_per_chunk": 3}, request_id="grouped", max_tokens=7)).until()
    assert client.texts() == ["t0é t1é t2é ", "t3é t4é t5é ", "t6é "]
    assert len(server.sent("grouped").sent_ns) == 3
    assert client.chunks()[-1]["usage"]["completion_tokens"] == 7


@pytest.mark.parametrize("pieces", [2, 5, 10_000])
def test_a_chunk_in_pieces_is_the_same_bytes(server, client, pieces):
    """Cut anywhere, down to single bytes, the reply reads the same and each chunk still has one stamp."""
    whole = client.send(request({"pieces": 1})).until().raw
    name = f"pieces-{pieces}"
    client.send(request({"pieces": pieces}, request_id=name)).until()
    assert client.raw == whole
    assert len(server.sent(name).sent_ns) == 4


def test_pieces_are_spread_in_time_and_the_last_one_counts(server, client):
    """A chunk in three pieces 4 ms apart is complete 8 ms after its due time at the earliest."""
    client.send(request({"first_ms": 2, "pieces": 3, "piece_ms": 4}, request_id="spread", max_tokens=1)).until()
    truth = server.sent("spread")
    assert truth.begun_ns[0] - truth.start_ns >= (2 + 2 * 4) * MS


def test_pieces_do_not_move_the_next_chunk():
    """The schedule is the chunks': cutting one into pieces leaves the due time of the next where it was."""
    cut = plan(Script(first_ms=10, gap_ms=10, pieces=3, piece_ms=2), "x", 3, 1)
    firsts = [due for i, due in enumerate(cut.due_ns[1:-1]) if i % 3 == 0]
    assert firsts == [10 * MS, 20 * MS, 30 * MS]


def test_the_role_chunk_can_come_early(client):
    """An early role chunk is due with the headers, as soon as the request is served, and first on the wire."""
    client.send(request({"role": "early"})).until()
    assert client.chunks()[0]["choices"][0]["delta"]["role"] == "assistant"
    early = plan(Script(first_ms=30, role=Role.EARLY), "x", 1, 1)
    assert b'"role":"assistant"' in early.data[0]
    assert early.tokens[:2] == (0, 1)
    assert early.due_ns[:2] == (0, 30 * MS)


def test_the_role_chunk_can_share_the_first_send(client):
    """With role `first` headers, role chunk and first output leave in one send."""
    client.send(request({"role": "first"})).until()
    assert client.chunks()[0]["choices"][0]["delta"]["role"] == "assistant"
    assert plan(Script(role=Role.FIRST), "x", 1, 1).tokens[0] == 1


def test_the_role_chunk_can_be_absent(client):
    """With role `none` no chunk names a role."""
    client.send(request({"role": "none"})).until()
    assert b'"role"' not in client.raw


def test_reasoning_comes_first(server, client):
    """The first tokens are reasoning, the rest content, and each is an output chunk in the truth."""
    client.send(request({"reasoning": 2}, request_id="reasoning", max_tokens=5)).until()
    assert client.texts("reasoning_content") == ["t0é ", "t1é "]
    assert client.texts() == ["t2é ", "t3é ", "t4é "]
    assert len(server.sent("reasoning").sent_ns) == 5


@pytest.mark.parametrize("place", list(UsagePlace))
def test_usage_can_stand_in_each_place_servers_put_it(client, place):
    """Own chunk without and with choices, on the finish chunk, on every chunk, nowhere."""
    client.send(request({"usage": place})).until()
    chunks = client.chunks()
    carriers = [chunk for chunk in chunks if "usage" in chunk]
    match place:
        case UsagePlace.OWN:
            assert [chunk["choices"] for chunk in carriers] == [[]]
        case UsagePlace.OWN_WITH_CHOICES:
            assert [chunk["choices"][0]["delta"] for chunk in carriers] == [{}]
            assert carriers[0]["choices"][0]["finish_reason"] is None
        case UsagePlace.FINISH:
            assert [chunk["choices"][0]["finish_reason"] for chunk in carriers] == ["length"]
        case UsagePlace.EVERY:
            assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [0, 1, 2, 3, 4, 4]
        case UsagePlace.NONE:
            assert carriers == []


def test_done_can_be_absent(client):
    """Without `[DONE]` the stream still ends as HTTP says."""
    client.send(request({"done": False})).until()
    assert b"[DONE]" not in client.raw
    assert client.chunks()[-1]["usage"]["completion_tokens"] == 4


def test_the_tail_can_come_late(server, client):
    """Finish, usage and `[DONE]` can trail the last output chunk, which the truth keeps apart."""
    client.send(request({"tail_ms": 15}, request_id="tail")).until()
    truth = server.sent("tail")
    assert truth.end_ns - truth.start_ns >= (2 + 3 + 15) * MS
    assert truth.end_ns > truth.sent_ns[-1]


def test_jitter_is_drawn_from_the_seed_and_the_id():
    """The same id gives the same waits in any order of arrival; another id or seed gives others, all within reach."""
    script = Script(first_ms=10, gap_ms=10, jitter_ms=4, seed=1)
    due = plan(script, "a", 20, 1).due_ns
    assert due == plan(script, "a", 20, 1).due_ns
    assert due != plan(script, "b", 20, 1).due_ns
    assert due != plan(script.but({"seed": 2}), "a", 20, 1).due_ns
    waits = [after - before for before, after in pairwise(due[:-1])]
    assert all(6 * MS <= wait <= 14 * MS for wait in waits)
    assert len(set(waits)) > 10


def test_delay_is_added_to_the_first_wait_and_to_each_gap():
    """A server 3 ms slower is 3 ms later at the first chunk and 3 ms wider at each gap."""
    before, after = (plan(Script(first_ms=10, gap_ms=5, delay_ms=delay), "x", 4, 1).due_ns for delay in (0, 3))
    assert [late - due for due, late in zip(before[1:5], after[1:5], strict=True)] == [3 * MS, 6 * MS, 9 * MS, 12 * MS]


def test_a_stall_holds_the_stream(server, client):
    """A stall after two chunks widens exactly the second gap."""
    client.send(request({"stall_after": 2, "stall_s": 0.06}, request_id="stall")).until()
    truth = server.sent("stall")
    assert truth.begun_ns[2] - truth.start_ns >= (2 + 1 + 1 + 60) * MS
    due = plan(FAST.but({"stall_after": 2, "stall_s": 0.06}), "x", 4, 1).due_ns
    assert [after - before for before, after in pairwise(due[1:5])] == [1 * MS, 61 * MS, 1 * MS]


def test_the_whole_server_can_stand_still():
    """While it is frozen the server sends nothing to anyone: every stream has the hole."""
    with ScriptedServer(FAST, freeze_at_s=0.02, freeze_s=0.3) as frozen:
        with RawClient(frozen.port) as one, RawClient(frozen.port) as other:
            one.send(request(max_tokens=100))
            other.send(request(max_tokens=100))
            one.until()
            other.until()
        for truth in frozen.sent_log():
            assert max(after - before for before, after in pairwise(truth.sent_ns)) > 150 * MS


def test_a_full_server_queues():
    """With one place the second request waits, is counted as deferred, and is served when the first has gone."""
    with ScriptedServer(FAST, capacity=1) as narrow, RawClient(narrow.port) as second:
        with RawClient(narrow.port) as first:
            first.send(request({"silent": True}, request_id="first"))
            wait_until(lambda: metric(narrow, "requests_processing") == 1)
            second.send(request(request_id="second"))
            wait_until(lambda: metric(narrow, "requests_deferred") == 1)
            assert narrow.sent("second").start_ns is None
        second.until()
        truth = narrow.sent("second")
        assert narrow.sent("first").ending == "client left"
        assert truth.start_ns > truth.received_ns
        assert metric(narrow, "requests_processing") == metric(narrow, "requests_deferred") == 0
