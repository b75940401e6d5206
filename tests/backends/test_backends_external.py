from __future__ import annotations

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.external import EXTERNAL
from pytest_inferbench.errors import ConfigError


def test_an_external_server_cannot_be_started(machine):
    """The message says what to give instead."""
    plan = ServerPlan("external", "", "some-model")
    with pytest.raises(ConfigError, match=r"some-model.*--server-url"):
        EXTERNAL.command(plan, machine)
    assert EXTERNAL.installed_version(plan, machine) is None


def test_an_external_server_s_counters_are_looked_for_under_all_known_names():
    """Whatever is behind the URL, its generated tokens are found."""
    assert EXTERNAL.published["generated_tokens"] == (
        "vllm:generation_tokens_total",
        "sglang:generation_tokens_total",
        "llamacpp:tokens_predicted_total",
    )
