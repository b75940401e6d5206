"""Prompts: synthetic ones of exact length, different on every request, and those of people's own files.

Idea: a word after a space costs the same number of tokens wherever it stands (byte-pair and sentencepiece
tokenizers split at spaces first), so once each word's cost is known for a server, any length can be composed
exactly. `calibrate` learns the costs by asking the server to count, several words at a time where each costs one; the
counts come back with every answer, so a tokenizer that breaks the assumption is caught by the validity check of the
token plan.

Limits: counting is an argument, chance is an argument; `read_prompts` is the one place where a workload meets a file.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import short_hash
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.workloads.datasets import Prompt, parse_prompts

_LEAD = "Go on:"
_REPEAT = 8
_SALT_WORDS = 6  # of some fifty: no two sessions begin a prompt alike
_WORDS = tuple(
    "the and is that time to first token per number of requests second we add then them in there were three on "  # noqa: SIM905
    "only one left here write short story about person who waiting for train please answer with word yes or no "
    "model loaded from into so nothing has meaning quick over server client after another".split()
)
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class WordCosts:
    """What prompts cost on one server.

    Attributes:
        base: tokens of a prompt without words (chat template and lead).
        costs: tokens of each word after a space.
    """

    base: int
    costs: Mapping[str, int]


def calibrate(count: Callable[[str], int | None]) -> WordCosts | None:
    """Learn the words' costs.

    Args:
        count: prompt tokens of a text as the server counts them, template included; None if it does not say.

    Returns:
        The costs; None where the server does not count, or where no word costs exactly one token.
    """
    base = count(_LEAD)
    if base is None:
        return None
    costs: dict[str, int] = {}
    for at in range(0, len(_WORDS), _REPEAT):
        together = _WORDS[at : at + _REPEAT]
        if count(" ".join((_LEAD, *together))) == base + len(together):  # no word costs less than one
            costs |= dict.fromkeys(together, 1)
            continue
        for word in together:
            total = count(_LEAD + f" {word}" * _REPEAT)
            if total is not None and (total - base) % _REPEAT == 0 and total > base:
                costs[word] = (total - base) // _REPEAT
    return WordCosts(base, costs) if 1 in costs.values() else None


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file of prompts, read.

    Attributes:
        prompts: what it holds, at least one.
        digest: of its bytes.
    """

    prompts: tuple[Prompt, ...]
    digest: str


def read_prompts(path: Path, shown: str) -> PromptFile:
    """The prompts of a file (`datasets.parse_prompts` says in which formats).

    Args:
        path: where it is.
        shown: how people wrote it, for messages.

    Raises:
        ConfigError: it cannot be read, or an entry is no prompt.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"prompts: {shown}: {error.strerror}; name a file of prompts by its path from pytest's rootdir"
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{shown}:{line}: not UTF-8 (byte {error.object[error.start]:#x}); save the file as UTF-8"
        ) from None
    return PromptFile(parse_prompts(text, shown), hashlib.sha256(data).hexdigest()[:16])


class PromptMaker:
    """Makes requests for one server.

    Args:
        costs: the server's word costs; None where it does not count tokens: a word is then taken for a token and
            the plan says nothing about the prompt's length.
        cold: body fields that keep a request from using cached prompts; left out of requests that may.
        always: body fields of every request; they win.
        salt: of this session; how a prompt begins is drawn from it, so that a server that has seen the same prompts in
            an earlier session has none of them in its cache. "" for a server that has seen none.
    """

    def __init__(
        self,
        costs: WordCosts | None,
        cold: Mapping[str, object],
        always: Mapping[str, object] = _NOTHING,
        salt: str = "",
    ) -> None:
        self._costs = costs
        self._cold = cold
        self._always = always
        self._cheap = [word for word, cost in (costs.costs if costs else {}).items() if cost == 1] or _WORDS
        self._salt = salt

    @property
    def shared_tokens(self) -> int:
        """Tokens that every prompt has, the chat template's and the lead's; 0 where nobody counts."""
        return self._costs.base if self._costs else 0

    def exact(
        self, rng: random.Random, requests: int, prompt_tokens: int, output_tokens: int, *, tag: str = ""
    ) -> tuple[GenerationRequest, ...]:
        """`requests` different prompts of `prompt_tokens` tokens each.

        Raises:
            ConfigError: the template alone is longer.
        """
        return tuple(
            self.request(
                (Message("user", self.text(rng, prompt_tokens)),), output_tokens, prompt_tokens=prompt_tokens, tag=tag
            )
            for _ in range(requests)
        )

    def text(self, rng: random.Random, tokens: int) -> str:
        """A text that makes a prompt of exactly `tokens` tokens, chat template included.

        Raises:
            ConfigError: the template alone is longer.
        """
        base = self._costs.base if self._costs else 0
        if tokens <= base:
            raise ConfigError(
                f"prompt_tokens: got {tokens}, expected at least {base + 1}: "
                f"the chat template alone takes {base} tokens of this model"
            )
        return self.with_lead(self.opening(rng, tokens - base))

    def with_lead(self, *words: str) -> str:
        """A message's text: the lead that the word costs were learned with, then words."""
        return " ".join((_LEAD, *words))

    def led_tokens(self, word_tokens: int) -> int | None:
        """Tokens of a prompt of one led message with `word_tokens` tokens of words; None where nobody counts."""
        return self._costs.base + word_tokens if self._costs else None

    def opening(self, rng: random.Random, tokens: int) -> str:
        """Words of exactly `tokens` tokens that begin a prompt; the first, at most half of them, are salted."""
        first: list[str] = []
        if self._salt:
            drawn = random.Random(f"{self._salt}:{rng.getrandbits(64)}")
            first = drawn.choices(self._cheap, k=min(_SALT_WORDS, tokens // 2))
        return " ".join(filter(None, (*first, self.words(rng, tokens - len(first)))))

    def mark(self, rng: random.Random) -> str:
        """What the prompts of a file are told apart by: eight digits, salted."""
        mark = f"{rng.getrandbits(32):08x}"
        return short_hash(f"{self._salt}:{mark}", 8) if self._salt else mark

    def words(self, rng: random.Random, tokens: int) -> str:
        """Words of exactly `tokens` tokens where they follow others after a space."""
        costs = self._costs.costs if self._costs else dict.fromkeys(_WORDS, 1)
        words, names = [], list(costs)
        while tokens > 0:
            word = names[rng.randrange(len(names))]
            if costs[word] > tokens:
                word = self._cheap[rng.randrange(len(self._cheap))]
            words.append(word)
            tokens -= costs[word]
        return " ".join(words)

    def request(
        self,
        messages: tuple[Message, ...],
        output_tokens: int,
        *,
        prompt_tokens: int | None = None,
        reuse: bool = False,
        tag: str = "",
        keep_text: bool = False,
    ) -> GenerationRequest:
        """One request.

        Args:
            messages: the conversation.
            output_tokens: tokens to generate, exactly.
            prompt_tokens: exact length of the prompt, where it is known; nobody's where the server does not count.
            reuse: whether the server may take the prompt's beginning from its cache.
            tag: a label for its record.
            keep_text: keep the answer's text.
        """
        return GenerationRequest(
            messages=messages,
            output_tokens=output_tokens,
            cache_prompt=reuse,
            planned_prompt_tokens=prompt_tokens if self._costs else None,
            tag=tag,
            keep_text=keep_text,
            extra=self._always if reuse else {**self._cold, **self._always},
        )
