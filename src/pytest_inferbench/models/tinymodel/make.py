"""Write the model as a GGUF file: `python -m pytest_inferbench.models.tinymodel.make OUT.gguf [--dim N ...]`.

Limits: the bytes are a function of shape and name. `gguf` is imported where it is used: the packaged tiny file needs
none.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
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
from pytest_inferbench.models.tinymodel.weights import TINY, Matrix, ModelShape, Weights, make_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gguf import GGUFWriter

TINY_NAME = "tiny-random-llama"


def make_gguf(path: Path, shape: ModelShape = TINY, name: str = TINY_NAME) -> None:
    """Write a random Llama of `shape` to `path` (half precision, ChatML template).

    Args:
        path: the file to write; its folder exists.
        shape: the model's size.
        name: `general.name` in the file.

    Raises:
        ImportError: the `gguf` package is not installed.
    """
    from gguf import GGUFWriter  # noqa: PLC0415 - only needed to write a model

    tokenizer = train(shape.vocab)
    writer = GGUFWriter(str(path), "llama")
    try:
        _describe(writer, shape, name)
        _add_tokenizer(writer, tokenizer)
        _add_tensors(writer, shape, make_weights(shape, tokenizer))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _describe(writer: GGUFWriter, shape: ModelShape, name: str) -> None:
    from gguf import GGUFType, LlamaFileType  # noqa: PLC0415 - see make_gguf

    writer.add_name(name)
    writer.add_type(GGUFType.MODEL)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.dim)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)


def _add_tokenizer(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    from gguf import TokenType  # noqa: PLC0415 - see make_gguf

    kinds = [TokenType.CONTROL if token in SPECIALS else TokenType.NORMAL for token in tokenizer.vocab]
    writer.add_vocab_size(len(tokenizer.vocab))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokenizer.vocab))
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_token_merges(list(tokenizer.merges))
    writer.add_bos_token_id(tokenizer.special_id(END_OF_TEXT))
    writer.add_eos_token_id(tokenizer.special_id(TURN_END))
    writer.add_pad_token_id(tokenizer.special_id(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_tensors(writer: GGUFWriter, shape: ModelShape, weights: Weights) -> None:
    writer.add_tensor("token_embd.weight", _half(weights.token_embd))
    writer.add_tensor("output_norm.weight", weights.output_norm)
    writer.add_tensor("output.weight", _half(weights.output))
    rotated = {"attn_q": shape.heads, "attn_k": shape.kv_heads}
    for index, layer in enumerate(weights.layers):
        for name, tensor in layer.items():
            stored = _interleave(tensor, rotated[name]) if name in rotated else tensor
            writer.add_tensor(f"blk.{index}.{name}.weight", stored if stored.ndim == 1 else _half(stored))


def _interleave(matrix: Matrix, heads: int) -> Matrix:
    """From the "rotate half" rope layout of Hugging Face to the interleaved one of ggml's Llama."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(matrix.shape)


def _half(matrix: Matrix) -> npt.NDArray[np.float16]:
    return matrix.astype(np.float16)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_inferbench.models.tinymodel.make", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.gguf")
    parser.add_argument("--name", default=TINY_NAME)
    for field in dataclasses.fields(ModelShape):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=int, default=field.default)
    options = vars(parser.parse_args(arguments))
    out, name = options.pop("out"), options.pop("name")
    make_gguf(out, ModelShape(**options), name)
    sys.stdout.write(f"{out}: {out.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
