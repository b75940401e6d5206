"""Failed requests in words: kind, HTTP status, and what the server said."""

from __future__ import annotations

import pytest

from pytest_inferbench.measure.failures import in_words
from pytest_inferbench.records import Failure, FailureKind

_BUSY = Failure(FailureKind.HTTP, "slow down", 429)
_DOWN = Failure(FailureKind.HTTP, "no healthy upstream", 503)
_CUT = Failure(FailureKind.CUT, "the connection ended")


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([], ""),
        ([_BUSY] * 8, "8 HTTP 429: slow down"),
        ([_CUT, *[_BUSY] * 3], "3 HTTP 429: slow down; 1 cut: the connection ended"),
        ([_BUSY, _DOWN, _DOWN], "2 HTTP 503: no healthy upstream; 1 HTTP 429: slow down"),
        ([_BUSY, Failure(FailureKind.HTTP, "retry in 3 s", 429)], "2 HTTP 429, the first: slow down"),
        ([Failure(FailureKind.HTTP, "", 500)], "1 HTTP 500"),
        ([Failure(FailureKind.HTTP, "odd")], "1 HTTP: odd"),
        ([Failure(FailureKind.IN_STREAM, "CUDA error", 200)], "1 error in the stream: CUDA error"),
        ([Failure(FailureKind.HTTP, "a\n::error\x1b[31m b", 400)], "1 HTTP 400: a ::error [31m b"),
    ],
)
def test_kind_status_and_words(failures, words):
    """The most frequent first, each status on its own, with the first message of each."""
    assert in_words(failures) == words


def test_many_kinds_and_long_words_have_an_end():
    """Seven statuses with a page of text each: five are quoted, the rest is counted."""
    failures = [Failure(FailureKind.HTTP, "x" * 5000, 500 + n) for n in range(7)]
    words = in_words(failures)
    assert words.endswith("; 2 of 2 other kinds")
    assert len(words) < 1000
