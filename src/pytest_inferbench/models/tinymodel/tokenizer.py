"""A byte-level BPE vocabulary, trained here on a few lines of text.

Limits: pure Python and deterministic; a token is spelled in GPT-2's "unicode bytes" (one printable character a byte);
the last ids of a vocabulary are the specials.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CORPUS = """\
The quick brown fox jumps over the lazy dog. A server streams tokens to the client, one after another.
Benchmarks measure the time to first token, the time per output token, and the number of requests per second.
What is the answer to the question? Let us think step by step: first we add the numbers, then we multiply them.
In the morning there were three apples on the table, and in the evening there was only one of them left there.
Write a short story about a person who is waiting for the train. Please answer with the word yes or the word no.
The model is loaded from the disk into the memory, and the weights are random, so that nothing here has a meaning.
def main(): return 0; for i in range(10): print(i) {"name": "value", "list": [1, 2, 3, 45, 67, 890]}
"""

END_OF_TEXT, TURN_START, TURN_END = SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

# ChatML, the shortest template that all engines know.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_BYTES = 256
_WORD = re.compile(r" ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+")
_PRINTABLE_ASCII = range(ord(" "), ord("~") + 1)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A trained vocabulary.

    Attributes:
        vocab: the tokens by id; all are distinct.
        merges: the BPE merges in the order they were learnt, each `left right`.
    """

    vocab: tuple[str, ...]
    merges: tuple[str, ...]

    def special_id(self, special: str) -> int:
        """The id of one of SPECIALS."""
        return len(self.vocab) - len(SPECIALS) + SPECIALS.index(special)

    def printable_ids(self) -> list[int]:
        """Ids whose bytes are printable ASCII only, so that random text of them is valid UTF-8."""
        to_byte = {character: byte for byte, character in _byte_characters().items()}
        plain = self.vocab[: -len(SPECIALS)]
        return [index for index, token in enumerate(plain) if all(to_byte[ch] in _PRINTABLE_ASCII for ch in token)]


def train(size: int) -> Tokenizer:
    """Learn a vocabulary of at most `size` tokens from CORPUS (fewer where the text has no more pairs to merge)."""
    characters = _byte_characters()
    vocab = [characters[byte] for byte in range(_BYTES)]
    words = Counter(tuple(characters[byte] for byte in word.encode()) for word in _WORD.findall(CORPUS))
    merges: list[str] = []
    while len(merges) < size - _BYTES - len(SPECIALS):
        pair = _commonest_pair(words)
        if pair is None:
            break
        left, right = pair
        words = _merge(words, left, right)
        if left + right not in vocab:
            vocab.append(left + right)
        merges.append(f"{left} {right}")
    return Tokenizer(vocab=(*vocab, *SPECIALS), merges=tuple(merges))


def _commonest_pair(words: Counter[tuple[str, ...]]) -> tuple[str, str] | None:
    """The pair of neighbours that occurs most; the last in alphabetical order where several do."""
    pairs: Counter[tuple[str, str]] = Counter()
    for word, count in words.items():
        for left, right in pairwise(word):
            pairs[left, right] += count
    if not pairs:
        return None
    (pair, _) = max(pairs.items(), key=_count_then_pair)
    return pair


def _count_then_pair(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    pair, count = item
    return count, pair


def _merge(words: Counter[tuple[str, ...]], left: str, right: str) -> Counter[tuple[str, ...]]:
    merged: Counter[tuple[str, ...]] = Counter()
    for word, count in words.items():
        merged[_merge_in(word, left, right)] += count
    return merged


def _merge_in(word: Sequence[str], left: str, right: str) -> tuple[str, ...]:
    out: list[str] = []
    position = 0
    while position < len(word):
        if tuple(word[position : position + 2]) == (left, right):
            out.append(left + right)
            position += 2
        else:
            out.append(word[position])
            position += 1
    return tuple(out)


def _byte_characters() -> dict[int, str]:
    """GPT-2's spelling of bytes: printable Latin-1 as itself, the others from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {byte: chr(byte) for byte in printable}
    hidden = [byte for byte in range(_BYTES) if byte not in table]
    return table | {byte: chr(_BYTES + index) for index, byte in enumerate(hidden)}
