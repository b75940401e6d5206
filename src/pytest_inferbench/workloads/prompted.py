"""What most workloads share: where their prompts come from.

Limits: either synthetic prompts of an exact length, or a file's; never both.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, Self

from pydantic import Field, PrivateAttr, model_validator

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.files import expand_home
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.workloads.datasets import Prompt
from pytest_inferbench.workloads.prompts import PromptFile, PromptMaker, read_prompts
from pytest_inferbench.workloads.workload import RoundContext, Workload


class PromptedWorkload(Workload):
    """A workload of independent requests."""

    prompt_tokens: int = Field(default=128, ge=1)
    """Exact prompt length as the server counts it, chat template included."""
    output_tokens: int = Field(default=128, ge=1)
    """Tokens generated for each, exactly; an entry of `prompts` may say its own."""
    prompts: str | None = None
    """Path of a file of prompts from pytest's rootdir, instead of `prompt_tokens`."""
    _file: PromptFile | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.prompts is not None and "prompt_tokens" in self.model_fields_set:
            raise ValueError(
                f"prompts: got {quote_value(self.prompts)} and prompt_tokens: {self.prompt_tokens}; the "
                "prompts of a file have "
                "their own lengths: leave out one of the two"
            )
        return self

    def prepare(self, root: Path) -> None:
        """Read the file of prompts, if one is named."""
        if self.prompts is not None:
            self._file = read_prompts(root / expand_home(self.prompts), self.prompts)

    def parameters(self) -> dict[str, Any]:
        """The options in force; of a file, what it holds, too."""
        options = super().parameters()
        if self.prompts is not None:
            del options["prompt_tokens"]
            options["prompts_hash"] = self.prompt_file.digest
        return options

    @property
    def prompt_file(self) -> PromptFile:
        """The file of prompts; read from the working directory if nobody said another."""
        if self._file is None:
            self.prepare(Path())
        assert self._file is not None  # noqa: S101 - only asked where `prompts` is set
        return self._file

    def ask(self, context: RoundContext, requests: int, *, tag: str = "") -> tuple[GenerationRequest, ...]:
        """`requests` requests, no two of which share their beginning.

        Raises:
            ConfigError: the prompts cannot be made.
        """
        if self.prompts is None:
            return context.prompts.exact(context.rng, requests, self.prompt_tokens, self.output_tokens, tag=tag)
        return tuple(
            context.prompts.request(prompt.messages, prompt.output_tokens or self.output_tokens, tag=tag)
            for prompt in draw(self.prompt_file.prompts, context.rng, requests, context.prompts)
        )


def draw(prompts: tuple[Prompt, ...], rng: Random, count: int, make: PromptMaker) -> Iterator[Prompt]:
    """The first `count` prompts of a file, again from its beginning where it has fewer, in random order.

    Every round asks the same, so that rounds compare. Each prompt is led by a number of its own, so that no answer
    comes out of a prefix cache that has seen it in the round before.
    """
    chosen = list(islice(cycle(prompts), count))
    rng.shuffle(chosen)
    for prompt in chosen:
        first, *rest = prompt.messages
        numbered = Message(first.role, f"({make.mark(rng)})\n{first.content}")
        yield Prompt((numbered, *rest), prompt.follow_ups, prompt.output_tokens)
