from __future__ import annotations

import pytest

from pytest_inferbench.servers.versions import fits


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("installed", "anything"),
        ("installed", None),
        ("v0.8.0", "0.8.0"),
        ("0.8.0", "0.8.0+cpu"),
        ("b4521", "b4521-9a5724dee"),
        ("b4521", None),
    ],
)
def test_the_same_version_in_other_words_fits(wanted, said):
    """People and servers spell versions differently."""
    assert fits(wanted, said)


@pytest.mark.parametrize(("wanted", "said"), [("v0.8.0", "0.8.1"), ("b452", "b4521-9a5"), ("0.8.0", "0.8.0.post1")])
def test_another_version_does_not_fit(wanted, said):
    """A prefix alone is not enough."""
    assert not fits(wanted, said)
