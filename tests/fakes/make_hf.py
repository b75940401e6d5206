"""Write the tiny model as a Hugging Face folder (`config.json`, `model.safetensors`, tokenizer files).

Limits: the same weights and tokens as the GGUF file. Both formats are small enough to write by hand (safetensors: a
length, a JSON header, raw tensors; https://huggingface.co/docs/safetensors), so no package of theirs is needed.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pytest_inferbench.models.tinymodel.tokenizer import (
    CHAT_TEMPLATE,
    END_OF_TEXT,
    SPECIALS,
    TURN_END,
    Tokenizer,
    train,
)
from pytest_inferbench.models.tinymodel.weights import TINY, ModelShape, Weights, make_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_ALIGNMENT = 8  # of the tensors' first byte, as safetensors' own writer does


def make_hf(folder: Path, shape: ModelShape = TINY) -> None:
    """Write a random `LlamaForCausalLM` of `shape` into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train(shape.vocab)
    _write_safetensors(folder / "model.safetensors", _tensors(make_weights(shape, tokenizer)))
    specials = {
        "bos_token_id": tokenizer.special_id(END_OF_TEXT),
        "eos_token_id": tokenizer.special_id(TURN_END),
        "pad_token_id": tokenizer.special_id(END_OF_TEXT),
    }
    _write_json(folder / "config.json", _config(shape, len(tokenizer.vocab)) | specials)
    _write_json(folder / "generation_config.json", specials)
    _write_json(folder / "tokenizer.json", _tokenizer_json(tokenizer))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(shape))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def _tensors(weights: Weights) -> dict[str, npt.NDArray[np.float16]]:
    tensors = {
        "model.embed_tokens.weight": weights.token_embd,
        "model.norm.weight": weights.output_norm,
        "lm_head.weight": weights.output,
    }
    for index, layer in enumerate(weights.layers):
        for name, tensor in layer.items():
            tensors[f"model.layers.{index}.{_LAYER_NAMES[name]}.weight"] = tensor
    return {name: tensors[name].astype(np.float16) for name in sorted(tensors)}


def _write_safetensors(path: Path, tensors: dict[str, npt.NDArray[np.float16]]) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def _config(shape: ModelShape, vocab: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.dim,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "vocab_size": vocab,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "float16",
    }


def _tokenizer_json(tokenizer: Tokenizer) -> dict[str, object]:
    """The `tokenizers` library's own format, version 1.0."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": tokenizer.special_id(token), "content": token} | plain for token in SPECIALS],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level | {"add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(tokenizer.vocab)},
            "merges": [merge.split(" ") for merge in tokenizer.merges],
        },
    }


def _tokenizer_config(shape: ModelShape) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "model_max_length": shape.context,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
