"""Messages: whatever gets into one, people can read it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.errors import BaselineError, ConfigError, InferbenchError, ProvisionError, ServerError

KINDS = (InferbenchError, ConfigError, BaselineError, ProvisionError, ServerError)


@settings(deadline=None, derandomize=True)
@given(st.text(), st.sampled_from(KINDS))
def test_no_message_moves_a_cursor(text, kind):
    """Control characters, half surrogates and marks of direction are spelled out; line ends stay."""
    said = str(kind(text))
    assert said.replace("\n", "").isprintable() or not said
    assert said.count("\n") == text.count("\n")
    said.encode()
    assert str(pickle.loads(pickle.dumps(kind(text)))) == said  # noqa: S301 - our own


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_line_too_long_beginning_and_end_are_kept(kind):
    """Where it is wrong stands at the beginning, what to do at the end."""
    said = str(kind(f"m.yaml:3: got {'x' * 5000}, expected y; do z\nnext line"))
    first, second = said.split("\n")
    assert len(first) == 600
    assert first.startswith("m.yaml:3: got xxx")
    assert first.endswith("xxx, expected y; do z")
    assert second == "next line"


def test_the_end_of_a_log_stays_as_it_is():
    """Evidence is not shortened."""
    assert "y" * 5000 in str(ProvisionError("x" * 5000, ("y" * 5000,)))
