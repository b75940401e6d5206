"""Nothing that is shown has a key in it, whatever form it has there."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.options import OPTIONS, Setting, Settings
from pytest_inferbench.plan.secrets import Secrets, as_secrets, secrets_of, within
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, RoundRecord

KEYS = [
    "sk-plain0123456789",
    "quo\"ted\\key's <b>",
    "schlüssel-ключ-鍵",
    "long" * 200 + "0123456789",
    "k" * 6,
    "tab\tkey one",
]


@pytest.mark.parametrize("key", KEYS, ids=["plain", "quoted", "letters", "long", "short", "spaces"])
@pytest.mark.parametrize(
    "written",
    [
        str,
        json.dumps,
        lambda key: json.dumps({"Authorization": f"Bearer {key}"}, ensure_ascii=False),
        repr,
        lambda key: repr(f"Bearer {key}"),
        lambda key: quote(key, safe=""),
        html.escape,
        lambda key: key.encode().decode("latin-1"),
        lambda key: key + key,
        lambda key: b64encode(key.encode()).decode(),
        lambda key: b64encode(f"Bearer {key}".encode()).decode(),
        lambda key: key.encode().hex(),
        lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    ],
    ids=[
        "plain",
        "json",
        "json-letters",
        "python",
        "python-in-a-text",
        "url",
        "page",
        "header",
        "twice",
        "base64",
        "base64-header",
        "hex",
        "per-cent",
    ],
)
def test_a_key_is_masked_in_every_form(key, written):
    """However a server writes it, and in whatever it says; a text that is none of it stays."""
    secrets = as_secrets([key, f"Bearer {key}"])
    found = secrets.shown({"message": [f"you said <{written(key)}>, didn't you?"], written(key): 1})
    for text in (list(found)[1], found["message"][0]):
        assert "***" in text
        assert not any(form in text for form in (key, *secrets.values))
    assert found["message"][0].startswith("you said <")
    assert found["message"][0].endswith(">, didn't you?")


@given(st.integers(0, 60), st.integers(0, 60), st.text(max_size=5))
def test_a_long_part_of_a_key_is_masked(start, length, around):
    """Texts are shortened before they are shown: twelve characters in a row are as secret as all of them."""
    key = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    part = key[start : start + length]
    found = as_secrets([key]).masked(f"{around}{part}…")
    assert (part in found) == (len(part) < 12)
    assert found.startswith(around) or around in key


def test_a_long_key_is_masked_in_capitals():
    """Whatever else stands around it keeps its letters, also those that small letters are longer of."""
    assert as_secrets(["sk-abcdefghijklm"]).masked("İ Said SK-ABCDEFGHIJKLM.") == "İ Said ***."


def test_what_is_no_text_stays():
    """Numbers, nothing and the kind of a sequence."""
    assert as_secrets(["secret-key"]).shown({"a": (1, None, 2.5, True), "b": ["secret-key"]}) == {
        "a": (1, None, 2.5, True),
        "b": ["***"],
    }
    assert repr(Secrets(("plain1",))) == "<1 secrets>"
    assert Secrets().shown("\x1b[31m") == "\\x1b[31m"


def test_secrets_are_those_of_options_and_the_environment():
    """A variable that an option names, the hub's token, headers and the last word of each."""
    values = {option.dest: Setting(option.default, "default") for option in OPTIONS}
    values |= {
        "inferbench_api_key_env": Setting("MY_KEY", "command line"),
        "inferbench_header": Setting(("X-Key: Basic dXNlcjpw",), "command line"),
    }
    environ = {"MY_KEY": "my-secret-key", "HF_TOKEN": "hf_token", "OTHER": "other-key", "SHORT": "x"}
    found = secrets_of(Settings(values, "/"), (), environ)
    for known in ("my-secret-key", "hf_token", "Basic dXNlcjpw", "dXNlcjpw"):
        assert found.masked(f"<{known}>") == "<***>"
    for unknown in ("other-key", "x", "MY_KEY"):
        assert found.masked(f"<{unknown}>") == f"<{unknown}>"
    assert (found | as_secrets(["other-key"])).masked("hf_token other-key") == "*** ***"


def test_what_servers_said_in_records_is_masked():
    """The failure, the finish reason, the text and the name of an unread field."""
    failure = Failure(FailureKind.HTTP, "no such key: secret-key", 401)
    said = {"finish": "secret-key", "text": "it is secret-key", "unread": "secret-key", "failure": failure}
    record = RequestRecord(0, 0, 0, "", None, 1, (2,), None, 3, **said)
    plain = RequestRecord(1, 0, 0, "", None, 1, (2,), None, 3)
    (found,) = as_secrets(["secret-key"]).masked_in([RoundRecord(0, (record, plain), ())])
    first, second = found.requests
    assert (first.finish, first.text, first.unread) == ("***", "it is ***", "***")
    assert (first.failure.message, first.failure.status) == ("no such key: ***", 401)
    assert second == plain


def test_texts_within_pytest_s_own_reports():
    """A traceback shows arguments and messages; each text of it is looked at, in place."""
    try:
        int("the key is secret-key")
    except ValueError:
        shown = pytest.ExceptionInfo.from_current().getrepr(showlocals=True, funcargs=True)
    assert "secret-key" in str(shown)
    assert within(shown, as_secrets(["secret-key"]).shown) is shown
    assert "secret-key" not in str(shown)
    assert "literal for int() with base 10: 'the key is ***'" in str(shown)
