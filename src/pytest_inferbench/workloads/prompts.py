"""Prompts of exact length, different on every request.

Idea: a word after a space costs the same number of tokens wherever it stands (byte-pair and sentencepiece
tokenizers split at spaces first), so once each word's cost is known for a server, any length can be composed
exactly. `calibrate` learns the costs by asking the server to count; the counts come back with every answer, so a
tokenizer that breaks the assumption is caught by the validity check of the token plan.

Law: pure; counting is an argument, chance is an argument.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.dialect import GenerationRequest, Message

_LEAD = "Go on:"
_REPEAT = 8
_WORDS = tuple(
    "the and is that time to first token per number of requests second we add then them in there were three on "  # noqa: SIM905
    "only one left here write short story about person who waiting for train please answer with word yes or no "
    "model loaded from into so nothing has meaning quick over server client after another".split()
)


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
    for word in _WORDS:
        total = count(_LEAD + f" {word}" * _REPEAT)
        if total is not None and (total - base) % _REPEAT == 0 and total > base:
            costs[word] = (total - base) // _REPEAT
    return WordCosts(base, costs) if 1 in costs.values() else None


class PromptMaker:
    """Makes prompts for one server.

    Args:
        costs: the server's word costs; None where it does not count tokens: a word is then taken for a token and
            the plan says nothing about the prompt's length.
        extra: body fields every request carries.
    """

    def __init__(self, costs: WordCosts | None, extra: Mapping[str, object]) -> None:
        self._costs = costs
        self._extra = extra
        self._cheap = [word for word, cost in (costs.costs if costs else {}).items() if cost == 1] or _WORDS

    def exact(
        self, rng: random.Random, requests: int, prompt_tokens: int, output_tokens: int
    ) -> tuple[GenerationRequest, ...]:
        """`requests` different prompts of `prompt_tokens` tokens each.

        Raises:
            ConfigError: the template alone is longer.
        """
        return tuple(
            self._request(self.text(rng, prompt_tokens), prompt_tokens, output_tokens) for _ in range(requests)
        )

    def text(self, rng: random.Random, tokens: int) -> str:
        """A text that makes a prompt of exactly `tokens` tokens, chat template included.

        Raises:
            ConfigError: the template alone is longer.
        """
        base = self._costs.base if self._costs else 0
        left = tokens - base
        if left < 1:
            raise ConfigError(
                f"prompt_tokens: got {tokens}, expected at least {base + 1}: "
                f"the chat template alone takes {base} tokens of this model"
            )
        costs = self._costs.costs if self._costs else dict.fromkeys(_WORDS, 1)
        words, names = [], list(costs)
        while left:
            word = names[rng.randrange(len(names))]
            if costs[word] > left:
                word = self._cheap[rng.randrange(len(self._cheap))]
            words.append(word)
            left -= costs[word]
        return " ".join((_LEAD, *words))

    def _request(self, text: str, prompt_tokens: int, output_tokens: int) -> GenerationRequest:
        return GenerationRequest(
            messages=(Message("user", text),),
            output_tokens=output_tokens,
            planned_prompt_tokens=prompt_tokens if self._costs else None,
            extra=self._extra,
        )
