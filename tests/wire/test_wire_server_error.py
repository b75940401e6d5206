"""What a server says went wrong: its own words, shortened, whatever form they have."""

from __future__ import annotations

import pytest

from pytest_inferbench.wire.server_error import body_error, error_text, shorten, stream_error

OWN = ("choices", "usage")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("out of memory", "out of memory"),
        ({"message": "too long", "code": 400, "type": "bad_request"}, "too long (400, bad_request)"),
        ({"message": "too long", "code": None, "type": ""}, "too long"),
        ({"message": "too long", "code": 0, "type": "x"}, "too long (x)"),
        ({"message": "too long", "code": {"a": 1}, "type": ["b"]}, "too long"),
        ({"error": {"error": {"message": "deep", "code": 1}}}, "deep (1)"),
        ({"error": "within", "code": 5}, "within"),
        ({"error": 5, "detail": "beside"}, "beside"),
        ({"message": "", "detail": "said here"}, "said here"),
        ({"message": {"a": 1}, "reason": "a text"}, "a text"),
        ({"code": 7}, '{"code": 7} (7)'),
        (["a", 1], '["a", 1]'),
        (5, "5"),
    ],
)
def test_an_error_is_told_with_its_code_and_type(error, text) -> None:
    """The innermost words; a code or a type that is no word or number is not shown, and neither is an empty one."""
    assert error_text(error) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"error": {"message": "m"}, "choices": [1]}, "m"),
        ({"error": "m"}, "m"),
        ({"error": None, "choices": [{}]}, None),
        ({"error": "", "choices": [{}]}, None),
        ({"object": "error", "message": "m", "code": 40}, "m (40)"),
        ({"object": "chat", "message": "m", "usage": {}}, None),
        ({"detail": "m"}, "m"),
        ({"detail": "m", "choices": []}, "m"),
        ({"detail": "m", "choices": [{}]}, None),
        ({"detail": "m", "usage": 0}, None),
        ({"message": ""}, None),
        ({"id": "x"}, None),
        ({}, None),
    ],
)
def test_a_payload_reports_an_error_or_none(document, text) -> None:
    """By its field, by its object, or by having nothing of the protocol's own beside a complaint."""
    assert stream_error(document, OWN) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        (b" Bad Gateway \n", "Bad Gateway"),
        (b"\xff!", "\ufffd!"),
        (b'{"error": {"message": "m", "code": 4}}', "m"),
        (b'{"detail": "d", "message": "m"}', "d"),
        (b'{"message": "m"}', "m"),
        (b'{"error": null, "detail": null, "fault": "f"}', "f"),
        (b'{"other": 1}', '{"other": 1}'),
        (b"[1]", "[1]"),
    ],
)
def test_the_body_of_an_http_error_is_the_server_s_message(body, text) -> None:
    """Else its text as it is."""
    assert body_error(body) == text


def test_long_words_are_cut_at_300_characters() -> None:
    """With a sign that they are; those of exactly 300 are whole, and a text body is read far enough for it."""
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 299 + "…"
    assert body_error("é".encode() * 400) == "é" * 299 + "…"
    assert body_error(b"x" * 300 + b" " * 1000) == "x" * 300
