from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from fakes.make_hf import make_hf
from pytest_inferbench.models.tinymodel import make
from pytest_inferbench.models.tinymodel.tokenizer import SPECIALS, TURN_END, train
from pytest_inferbench.models.tinymodel.weights import TINY, ModelShape, make_weights

_PACKAGED = Path(make.__file__).with_name("tiny.gguf")
# The file that the expected texts of the end-to-end tests and the recorded answers were made with.
_SHA256 = "789a073e70da092419e3722003fca8730cac098f7fbcb1098479f6b0e5f659df"
_LITTLE = ModelShape(dim=32, layers=1, heads=1, kv_heads=1, head_dim=16, ffn=32, vocab=300)


def test_the_packaged_model_is_what_the_code_makes(tmp_path):
    """Made anew, the tiny model has the packaged file's bytes."""
    made = tmp_path / "made.gguf"
    make.make_gguf(made)
    assert made.read_bytes() == _PACKAGED.read_bytes()


def test_the_packaged_model_has_not_changed():
    """The expected texts everywhere are those of this very file."""
    assert hashlib.sha256(_PACKAGED.read_bytes()).hexdigest() == _SHA256


def test_the_command_line_takes_every_part_of_a_shape(tmp_path, capsys):
    """Each field of the shape is an option, and the size of what was written is said."""
    by_command, by_call = tmp_path / "a.gguf", tmp_path / "b.gguf"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in dataclasses.asdict(_LITTLE).items()]
    make.main([str(by_command), "--name=little", *options])
    make.make_gguf(by_call, _LITTLE, "little")
    assert by_command.read_bytes() == by_call.read_bytes()
    assert f"{by_call.stat().st_size} bytes" in capsys.readouterr().out


def test_the_vocabulary_is_distinct_and_ends_with_the_specials():
    """Ids are positions, so no token may occur twice."""
    tokenizer = train(512)
    assert len(tokenizer.vocab) == len(set(tokenizer.vocab)) == 512
    assert tokenizer.vocab[-3:] == SPECIALS
    assert tokenizer.vocab[tokenizer.special_id(TURN_END)] == TURN_END


def test_a_vocabulary_larger_than_the_text_ends_early():
    """Training stops when no pair is left, rather than for ever."""
    assert len(train(100_000).vocab) < 100_000


def test_unwanted_tokens_have_no_chance():
    """In the constant dimension an unprintable token's logit is far below a printable one's."""
    tokenizer = train(TINY.vocab)
    bias = make_weights(TINY, tokenizer).output[:, 0]
    printable = set(tokenizer.printable_ids()) | {tokenizer.special_id(TURN_END)}
    assert all((bias[index] >= 0) == (index in printable) for index in range(len(tokenizer.vocab)))


def test_no_layer_writes_to_the_constant_dimension():
    """Otherwise the text would not stay printable."""
    for layer in make_weights(TINY, train(TINY.vocab)).layers:
        assert not layer["attn_output"][0].any()
        assert not layer["ffn_down"][0].any()


@pytest.fixture(scope="module")
def hf_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "hf"
    make_hf(folder)
    return folder


def test_the_hugging_face_folder_holds_the_same_weights(hf_folder):
    """Read back by the format's description, the tensors are those of the GGUF file."""
    data = (hf_folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    assert header.pop("__metadata__") == {"format": "pt"}
    tensors = {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float16).reshape(entry["shape"])
        for name, entry in header.items()
    }
    weights = make_weights(TINY, train(TINY.vocab))
    assert length % 8 == 0
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(body)
    assert np.array_equal(tensors["lm_head.weight"], weights.output.astype(np.float16))
    key = tensors["model.layers.1.self_attn.k_proj.weight"]
    assert np.array_equal(key, weights.layers[1]["attn_k"].astype(np.float16))


def test_the_hugging_face_folder_describes_the_same_model(hf_folder):
    """Configuration, tokenizer and template agree with each other."""
    config = json.loads((hf_folder / "config.json").read_text())
    tokenizer = json.loads((hf_folder / "tokenizer.json").read_text())
    assert config["vocab_size"] == len(tokenizer["model"]["vocab"]) == 512
    assert config["max_position_embeddings"] == TINY.context
    assert tokenizer["model"]["vocab"][TURN_END] == config["eos_token_id"] == 511
    assert {token["content"]: token["id"] for token in tokenizer["added_tokens"]} == dict(
        zip(SPECIALS, (509, 510, 511), strict=True)
    )
    settings = json.loads((hf_folder / "tokenizer_config.json").read_text())
    assert settings["chat_template"] == (hf_folder / "chat_template.jinja").read_text()
