"""Counting a prompt's tokens by the server's own usage, also where it is busy."""

from __future__ import annotations

import pytest

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.errors import ServerError
from pytest_inferbench.http_client import Answer, NoAnswer, Why
from pytest_inferbench.observe import tokens
from pytest_inferbench.observe.tokens import TokenCounter
from pytest_inferbench.wire.catalogue import protocol_named

USAGE = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"length"}],"usage":{"prompt_tokens":9}}\n\n'
COUNTED = Answer(200, {}, USAGE + b"data: [DONE]\n\n")


class Clock:
    def __init__(self):
        self.slept = []

    def now_ns(self):
        return 1

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def counted(monkeypatch):
    """What is counted of a server that gives some answers, and how long was waited between them."""

    def count(*answers):
        given, clock = iter(answers), Clock()

        def ask(_client, _method, _path, _body):
            answer = next(given)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(tokens.HttpClient, "ask", ask)
        counter = TokenCounter(Endpoint("http://h:1", "m"), protocol_named("openai-chat"), clock, {}, 2.0)
        return counter("a prompt"), clock.slept

    return count


def busy(retry_after=None):
    return Answer(429, {} if retry_after is None else {"retry-after": retry_after}, b'{"error": "slow down"}')


@pytest.mark.parametrize(
    ("answers", "slept"),
    [
        ((), []),
        ((busy("2"),), [2.0]),
        ((busy("3600"), Answer(503, {}, b"")), [5.0, 1.0]),
        ((busy("Wed, 21 Oct"), busy("0"), busy("-1")), [1.0, 0.0, 1.0]),
    ],
    ids=["at-once", "as-it-says", "within-reason", "nonsense"],
)
def test_a_server_that_is_busy_is_asked_again(counted, answers, slept):
    """After as long as it says, within reason."""
    assert counted(*answers, COUNTED) == (9, slept)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([busy("0")] * 4, r"http://h:1 refused a short prompt: HTTP 429: slow down"),
        ([Answer(400, {}, b"no")], r"http://h:1 refused a short prompt: HTTP 400: no"),
        ([NoAnswer(Why.LATE, "no answer within 2 s")], r"http://h:1 did not answer while prompts .* within 2 s"),
    ],
    ids=["always-busy", "refused", "late"],
)
def test_a_server_that_does_not_count_is_an_error(counted, answers, said):
    """With what it said."""
    with pytest.raises(ServerError, match=said):
        counted(*answers)


def test_a_server_without_usage_counts_nothing(counted):
    """It is not known, and no error."""
    assert counted(Answer(200, {}, b"data: [DONE]\n\n")) == (None, [])
