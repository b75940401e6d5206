"""Texts from outside are shown as what they are made of; nothing obeys them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.neutral import neutral


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ünïcode 鍵 and 😀", "plain, with ünïcode 鍵 and 😀"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[31mred\x07\r", "\\x1b[31mred\\x07\\r"),
        ("\u202eevil\u2066\u200f", "\\u202eevil\\u2066\\u200f"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("::error::mine", "\\::error::mine"),
        ("said:\n  ::stop-commands::x", "said:\n  \\::stop-commands::x"),
        ("it said ::error::mine", "it said \\::error::mine"),
        ("test_a.py::test_b", "test_a.py::test_b"),
        (
            "see ##[error]mine and ##vso[task.x] and ##teamcity[y]",
            "see ##\\[error]mine and ##vso\\[task.x] and ##teamcity\\[y]",
        ),
        ("a ## b [c]", "a ## b [c]"),
    ],
)
def test_shown_as_it_is_made(text, shown):
    """Control characters and marks are spelled, commands of CI services get a backslash, all else stays."""
    assert neutral(text) == shown


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b:#[\n\r \u202e\u2028e"))))
def test_nothing_is_obeyed(text):
    """Whatever it is: printable but for line ends and tabs, no line that begins a command, and neutral for good."""
    found = neutral(text)
    assert found.replace("\n", "").replace("\t", "").isprintable()
    assert not any(word.startswith("::") for word in found.split())
    assert not re.search(r"##\w*\[", found)
    assert neutral(found) == found
