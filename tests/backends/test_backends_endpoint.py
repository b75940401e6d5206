from __future__ import annotations

import ssl

import pytest

from pytest_inferbench.backends.endpoint import Endpoint, parse_url
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.servers.ports import free_port


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://box:8000", "http://box:8000"),
        ("http://box:8000/", "http://box:8000"),
        ("http://box:8000/v1", "http://box:8000"),
        ("http://box:8000/v1/", "http://box:8000"),
        ("http://box:8000/v1/chat/completions", "http://box:8000"),
        ("https://box/llm/v1/models", "https://box/llm"),
        ("https://box/llm/a/v1", "https://box/llm/a"),
        (" https://box/llm/ ", "https://box/llm"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://box/v10", "http://box/v10"),
    ],
)
def test_a_base_url_loses_only_what_means_nothing(text, base):
    """A prefix stays; slashes at the end and `/v1` go."""
    assert parse_url(text, "here") == base


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("box:8000", "no http://"),
        ("", "no http://"),
        ("ftp://box", "'ftp' is not http"),
        ("http://", "no usable host"),
        ("http://:8000", "no usable host"),
        ("http://a b", "no usable host"),
        ("http://box:99999", "Port out of range"),
        ("http://box:x", "Port could not be cast"),
        ("http://box:0", "port must be"),
        ("http://[::1", "Invalid IPv6"),
        ("http://box/?a=1", r"no \? or #"),
        ("http://box/#a", r"no \? or #"),
    ],
)
def test_what_is_no_base_url_is_refused_with_place_and_reason(text, reason):
    """The message says where it is written, why it is refused and what was expected."""
    with pytest.raises(ConfigError, match=rf"^models.yaml:3: .*{reason}.*http://gpu-box:8000"):
        parse_url(text, "models.yaml:3")


@pytest.mark.parametrize("text", ["http://user:hunter2@box", "http://hunter2@box:x/", "user:hunter2@box:8000"])
def test_credentials_are_refused_and_not_shown(text):
    """A password in a URL does not reach the terminal."""
    with pytest.raises(ConfigError) as caught:
        parse_url(text, "here")
    assert "hunter2" not in str(caught.value)
    assert "***@box" in str(caught.value)


def test_headers_are_not_in_a_repr():
    """They may hold a token, and a repr ends in reports of failed assertions."""
    endpoint = Endpoint("http://box", "m", (("Authorization", "Bearer hunter2"),))
    assert "hunter2" not in repr(endpoint)


def test_the_system_s_certificates_are_trusted_unless_others_are_named(tmp_path):
    """A bundle that cannot be read is the user's to correct."""
    assert Endpoint("https://box", "m").verify.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(ConfigError, match=r"nowhere\.pem cannot be used"):
        _ = Endpoint("https://box", "m", ca=str(tmp_path / "nowhere.pem")).verify
    defaults = ssl.get_default_verify_paths()
    bundle = defaults.cafile or defaults.openssl_cafile
    assert isinstance(Endpoint("https://box", "m", ca=bundle).verify, ssl.SSLContext)


def test_a_free_port_can_be_listened_on():
    """Nobody else has it."""
    assert 0 < free_port() < 65536
