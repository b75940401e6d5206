"""Which of a repository's files a server needs."""

from __future__ import annotations

import pytest

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.models.hub_files import needed_files

GGUF, SAFETENSORS = ModelFormat.GGUF, ModelFormat.SAFETENSORS
SPLIT = tuple(f"big-Q8_0-0000{number}-of-00002.gguf" for number in (1, 2))
MANY = ("m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "mmproj-m-f16.gguf", "README.md", *SPLIT)


@pytest.mark.parametrize(
    ("repo_id", "names", "wanted"),
    [
        ("o/m", MANY, ("m-Q4_K_M.gguf",)),
        ("o/m:q4_k_s", MANY, ("m-Q4_K_S.gguf",)),
        ("o/m:Q8_0", MANY, SPLIT),
        ("o/m", ("only.gguf", "mmproj-x.gguf"), ("only.gguf",)),
        ("o/m:Q8_0", ("Q8_0/m-Q8_0.gguf", "Q4/m-Q4_K_M.gguf"), ("Q8_0/m-Q8_0.gguf",)),
    ],
)
def test_one_quantisation_of_gguf(repo_id, names, wanted):
    """The one that was named, else the usual one, else the only one; a split one whole, and never a projector."""
    assert needed_files(repo_id, names, GGUF) == wanted


def test_safetensors_and_what_is_read_beside_them():
    """The weights once, configuration and tokenizer; no other format, no pictures, no other folder."""
    names = ("model-1.safetensors", "consolidated.safetensors", "original/x.safetensors", "a.bin", "logo.png", "m.gguf")
    small = ("config.json", "merges.txt", "tokenizer.model", "chat_template.jinja")
    assert set(needed_files("o/m", (*names, *small), SAFETENSORS)) == {"model-1.safetensors", *small}


@pytest.mark.parametrize(
    ("repo_id", "names", "model_format", "message"),
    [
        ("o/m", ("a.bin",), SAFETENSORS, "o/m: it has no safetensors \\(but bin files\\)"),
        ("o/m", (), SAFETENSORS, "nor anything else"),
        ("o/m", ("a.safetensors",), GGUF, "o/m: it has no GGUF file"),
        (
            "o/m",
            ("m-Q2_K.gguf", "m-Q8_0.gguf"),
            GGUF,
            "none of its files is Q4_K_M; .* there are m-Q2_K, m-Q8_0",
        ),
        ("o/m:Q9", ("m-Q8_0.gguf",), GGUF, "none of its files is Q9"),
        ("o/m:f16", ("a-f16.gguf", "b-f16.gguf"), GGUF, "more than one of its files is f16"),
    ],
)
def test_what_cannot_be_chosen_names_what_there_is(repo_id, names, model_format, message):
    """The error says what the repository has, and how to choose."""
    with pytest.raises(ConfigError, match=message):
        needed_files(repo_id, names, model_format)
