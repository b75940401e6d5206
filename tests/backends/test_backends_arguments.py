from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.backends.arguments import find_arg, flags, plain_name, table, typed_value
from pytest_inferbench.backends.backend import Arg
from pytest_inferbench.backends.catalogue import backend_named, check_args
from pytest_inferbench.backends.command import ServerPlan
from pytest_inferbench.errors import ConfigError

_KNOWN = table(
    Arg("n_ctx", int, "context in tokens", "--ctx-size", ("ctx_size",)),
    Arg("share", float, "share of memory", "--share"),
    Arg("eager", bool, "no graphs", "--eager"),
    Arg("flash_attn", str, "on, off or auto", "--flash-attn"),
)


@pytest.mark.parametrize(
    ("written", "plain"),
    [("--max-model-len", "max_model_len"), ("-ngl", "ngl"), (" n_ctx ", "n_ctx"), ("n-ctx", "n_ctx")],
)
def test_names_are_read_as_people_write_them(written, plain):
    """Dashes, leading dashes and spaces make no difference."""
    assert plain_name(written) == plain


def test_an_argument_is_found_by_name_and_alias():
    """Both spellings lead to the same argument, another one to none."""
    assert find_arg(_KNOWN, "n_ctx") is find_arg(_KNOWN, "ctx_size") is _KNOWN["n_ctx"]
    assert find_arg(_KNOWN, "ctx") is None


@pytest.mark.parametrize(
    ("name", "value", "typed"),
    [
        ("n_ctx", 4096, 4096),
        ("n_ctx", "4096", 4096),
        ("n_ctx", "-1", -1),
        ("share", 1, 1.0),
        ("share", "0.95", 0.95),
        ("eager", True, True),
        ("eager", "off", False),
        ("eager", "TRUE", True),
        ("eager", 1, True),
        ("flash_attn", True, "on"),
        ("flash_attn", False, "off"),
        ("flash_attn", "auto", "auto"),
        ("flash_attn", 2, "2"),
    ],
    ids=repr,
)
def test_values_take_the_type_of_their_argument(name, value, typed):
    """Text from a command line and values from YAML end as the same typed value."""
    read = typed_value(_KNOWN[name], value, "here")
    assert read == typed
    assert type(read) is type(typed)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_ctx", "4k", "a whole number"),
        ("n_ctx", 4096.5, "a whole number"),
        ("n_ctx", True, "a whole number"),
        ("share", "most", "a number"),
        ("share", False, "a number"),
        ("eager", "perhaps", "true or false"),
        ("eager", 2, "true or false"),
    ],
)
def test_a_value_of_another_type_is_refused_with_all_there_is_to_say(name, value, expected):
    """The message holds place, name, value and what was expected."""
    with pytest.raises(ConfigError) as caught:
        typed_value(_KNOWN[name], value, "models.yaml:7")
    for part in ("models.yaml:7", name, repr(value).lower(), expected, _KNOWN[name].flag):
        assert part in str(caught.value)


def test_flags_spell_every_kind_of_value():
    """True is a bare flag, False its negation; unknown names turn into flags of their own."""
    args = {"n_ctx": 8, "eager": True, "flash_attn": "on", "new_switch": False, "new_value": 1.5}
    expected = ["--ctx-size", "8", "--eager", "--flash-attn", "on", "--no-new-switch", "--new-value", "1.5"]
    assert list(flags(args, _KNOWN)) == expected


@settings(deadline=None, derandomize=True)
@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_typed_values_survive_their_own_text(number, share, eager):
    """What is written as text reads back as the same value."""
    for name, value in (("n_ctx", number), ("share", share), ("eager", eager)):
        assert typed_value(_KNOWN[name], str(value), "here") == value


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"no_new": True}, ["--no-new"]),
        ({"no_new": False}, ["--new"]),
        ({"new": False}, ["--no-new"]),
        ({"no_repeat_ngram_size": 3}, ["--no-repeat-ngram-size", "3"]),
    ],
)
def test_a_switch_is_never_negated_twice(args, words):
    """An unknown name that begins with `no_` is the flag itself, and off is its opposite."""
    assert list(flags(args, _KNOWN)) == words


@pytest.mark.parametrize(
    ("backend", "written", "checked"),
    [
        ("vllm", {"no-enforce-eager": True}, {"enforce_eager": False}),
        ("vllm", {"--no_enforce_eager": False}, {"enforce_eager": True}),
        ("vllm", {"no_enforce_eager": "true"}, {"enforce_eager": False}),
        ("vllm", {"no_new_switch": True}, {"no_new_switch": True}),
        ("ollama", {"no_flash_attention": True}, {"flash_attention": False}),
        ("sglang", {"no_trust_remote_code": True}, {"trust_remote_code": False}),
        ("llama", {"no_repeat_ngram_size": 3}, {"no_repeat_ngram_size": 3}),
    ],
)
def test_the_opposite_of_a_known_switch_is_that_switch_turned_round(backend, written, checked):
    """However it is spelled; a name that nobody knows stays as it is."""
    assert check_args(backend_named(backend), written, "here") == checked


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"mmap": True, "no_mmap": True}, "here: no_mmap is given twice, as 'mmap' and as 'no_mmap'; keep one"),
        ({"no_n_ctx": True}, "here: no_n_ctx: n_ctx is no switch and has no opposite"),
        ({"no_enforce_eager": True}, "here: enforce_eager is an argument of vllm, not of llama"),
        ({"no_cache_prompt": 3}, "here: cache_prompt must be true or false, not 3"),
    ],
)
def test_an_opposite_that_means_nothing_is_refused(written, words):
    """A switch with its opposite, the opposite of a number, of another server's switch, or with a wrong value."""
    with pytest.raises(ConfigError) as error:
        check_args(backend_named("llama"), written, "here")
    assert words in str(error.value)


def test_a_switch_without_an_opposite_keeps_its_own_no():
    """ik_llama has `--no-mmap` and no `--mmap`: what is off is left out, what is called `no` is passed."""
    from pytest_inferbench.backends.ik_llama import _words  # noqa: PLC0415 - what only this test looks into

    def words(**args):
        return _words(ServerPlan("ik_llama", "m.gguf", "m", args=check_args(backend_named("ik_llama"), args, "here")))

    assert "--no-mmap" in words(no_mmap=True)
    assert not [word for word in words(no_mmap=False, run_time_repack=False) if "mmap" in word or "repack" in word]
