"""The core schema: what an unquoted word means."""

import math

import pytest

from pytest_inferbench.config.parse import parse

WORDS = [
    ("8", 8),
    ("-08", -8),
    ("0o17", 15),
    ("0x1F", 31),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("-.inf", -math.inf),
    ("True", True),
    ("FALSE", False),
    ("", None),
    ("Null", None),
    ("yes", "yes"),
    ("on", "on"),
    ("0b1", "0b1"),
    ("1_000", "1_000"),
    ("12:30", "12:30"),
    ("2024-01-01", "2024-01-01"),
    ("v0.8.0", "v0.8.0"),
    ("0.8.0", "0.8.0"),
    ("=", "="),
    ('"8"', "8"),
    ("'true'", "true"),
    ("!!str 8", "8"),
]


@pytest.mark.parametrize(("word", "value"), WORDS, ids=[word or "empty" for word, _ in WORDS])
def test_words(word, value):
    """Each spelling has the type that YAML 1.2 gives it, and that of YAML 1.1 where both agree only."""
    read = parse(f"a: {word}\n", "m.yaml")["a"]
    assert (type(read), read) == (type(value), value)


def test_nan():
    """`.nan` is the number that differs from itself."""
    assert math.isnan(parse("a: .NaN\n", "m.yaml")["a"])


def test_yaml_1_1_directive_changes_nothing():
    """A file that declares YAML 1.1 is still read by the core schema."""
    assert parse("%YAML 1.1\n---\na: yes\n", "m.yaml").plain() == {"a": "yes"}
