"""Random weights for a small Llama that emits printable ASCII whatever the prompt.

Limits: drawn from one seeded generator in a fixed order; that order is the file format of the oracle text, so it must
not change.

How the text stays printable: residual dimension 0 is held constant through every layer (its embedding is constant
and no layer writes to it). The output row of an unwanted token has a large negative weight there, so its logit is far
below all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_inferbench.models.tinymodel.tokenizer import TURN_END, Tokenizer

Matrix = npt.NDArray[np.float32]

_SEED = 0
_CONSTANT = 2.0
_UNWANTED_LOGIT = -20.0
# The end-of-turn token's weight in the constant dimension: higher, and answers end sooner.
_END_LOGIT = 3.0


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The size of a model; the defaults are those of the tiny one.

    Attributes:
        dim: width of the residual stream.
        layers: number of blocks.
        heads, kv_heads: attention heads, and how many of them have keys and values of their own.
        head_dim: width of one head.
        ffn: width of the feed-forward block.
        vocab: tokens in the vocabulary.
        context: longest context the model claims, in tokens.
    """

    dim: int = 64
    layers: int = 2
    heads: int = 2
    kv_heads: int = 1
    head_dim: int = 32
    ffn: int = 128
    vocab: int = 512
    context: int = 32768


TINY = ModelShape()
# Large enough for latencies of human scale on a CPU; 78 MB as a GGUF file.
SMALL = ModelShape(dim=768, layers=6, heads=6, kv_heads=2, head_dim=128, ffn=2112)


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's tensors; matrices are (rows out, columns in).

    Attributes:
        token_embd, output: (vocab, dim).
        output_norm: (dim,).
        layers: for each block its tensors by GGUF name (`attn_q`, `ffn_up`, ...), in GGUF order.
    """

    token_embd: Matrix
    output: Matrix
    output_norm: Matrix
    layers: tuple[dict[str, Matrix], ...]


def make_weights(shape: ModelShape, tokenizer: Tokenizer) -> Weights:
    """Draw the weights of a model of `shape` that speaks `tokenizer`'s printable tokens."""
    generator = np.random.default_rng(_SEED)
    vocab = len(tokenizer.vocab)
    token_embd = _normal(generator, 1.0, vocab, shape.dim)
    token_embd[:, 0] = _CONSTANT
    output = _normal(generator, 0.35, vocab, shape.dim)
    output[:, 0] = _UNWANTED_LOGIT
    output[tokenizer.printable_ids(), 0] = 0.0
    end = tokenizer.special_id(TURN_END)
    output[end] = _normal(generator, 0.35, shape.dim)
    output[end, 0] = _END_LOGIT
    layers = tuple(_layer(generator, shape) for _ in range(shape.layers))
    return Weights(token_embd, output, np.ones(shape.dim, np.float32), layers)


def _layer(generator: np.random.Generator, shape: ModelShape) -> dict[str, Matrix]:
    query, key = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer = {
        "attn_norm": np.ones(shape.dim, np.float32),
        "ffn_norm": np.ones(shape.dim, np.float32),
        "attn_q": _normal(generator, 0.2, query, shape.dim),
        "attn_k": _normal(generator, 0.2, key, shape.dim),
        "attn_v": _normal(generator, 0.2, key, shape.dim),
        "attn_output": _normal(generator, 0.2, shape.dim, query),
        "ffn_gate": _normal(generator, 0.2, shape.ffn, shape.dim),
        "ffn_up": _normal(generator, 0.2, shape.ffn, shape.dim),
        "ffn_down": _normal(generator, 0.2, shape.dim, shape.ffn),
    }
    layer["attn_output"][0] = 0
    layer["ffn_down"][0] = 0
    return layer


def _normal(generator: np.random.Generator, deviation: float, *size: int) -> Matrix:
    return generator.normal(0, deviation, size).astype(np.float32)
