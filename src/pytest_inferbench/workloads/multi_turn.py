"""multi_turn: conversations. What each further turn costs as the history grows and the prefix cache helps.

The server's real answers go back into the history. Turns go in step: a turn begins when all answers of the one
before are there, so that each turn meets the same load and can be compared with the others (`by_tag`: `turn1`, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import ClosedLoop, Load, OpenLoop
from pytest_inferbench.records import RequestRecord
from pytest_inferbench.wire.protocol import Message
from pytest_inferbench.workloads.prompted import PromptedWorkload, draw
from pytest_inferbench.workloads.workload import RoundContext, Steps

_SPREAD = (0.5, 1.5)  # users think for different times, but no single one holds up all the others


@dataclass(slots=True)
class _Conversation:
    """One conversation as it grows: its history, what the user will say, and how long its first answer shall be."""

    history: tuple[Message, ...]
    says: list[str]
    output_tokens: int

    def take(self, message: Message, record: RequestRecord) -> None:
        """Add what was asked and answered; a turn that failed leaves the history as it was."""
        if record.failure is None:
            self.history = (*self.history, message, Message("assistant", record.text or ""))


class MultiTurn(PromptedWorkload):
    """`conversations` users at once, each with a conversation of `turns` turns."""

    kind: ClassVar[str] = "multi_turn"
    prompt_tokens: int = Field(default=128, ge=1)
    """Exact length of the first turn's prompt."""
    prompts: str | None = None
    """Path of a file of conversations with enough turns; what its users said is said again."""
    conversations: int = Field(default=4, ge=1)
    """Conversations held at the same time in a round."""
    turns: int = Field(default=4, ge=2)
    """Requests of each."""
    turn_tokens: int = Field(default=32, ge=1)
    """Tokens of what the user says from the second turn on; the template comes on top."""
    think_s: float = Field(default=0.0, ge=0)
    """Seconds a user thinks before a turn, on average (drawn between half of it and half as much again); 0 sends a
    turn of all conversations at once."""
    output_tokens: int = Field(default=64, ge=1)
    """Tokens generated for each turn, exactly."""

    @property
    def planned_requests(self) -> int:
        """Requests in one round."""
        return self.conversations * self.turns

    @property
    def concurrency(self) -> int:
        """Conversations."""
        return self.conversations

    @property
    def planned_cached_share(self) -> float | None:
        """The earlier prompts' share of all prompts: each turn begins with the whole prompt of the turn before.

        None where a file decides the lengths.
        """
        if self.prompts is not None:
            return None
        lengths = [self.prompt_tokens + turn * (self.output_tokens + self.turn_tokens) for turn in range(self.turns)]
        return sum(lengths[:-1]) / sum(lengths)

    def steps(self, context: RoundContext) -> Steps:
        """One load a turn, with the answers so far in its requests."""
        conversations = self._conversations(context)
        for turn in range(self.turns):
            said = [Message("user", conversation.says[turn]) for conversation in conversations]
            records = yield self._turn(context, turn, conversations, said)
            for conversation, message, record in zip(conversations, said, records, strict=True):
                conversation.take(message, record)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """First turns."""
        return Load(self.ask(context, max(requests, self.conversations)), ClosedLoop(self.conversations))

    def _turn(self, context: RoundContext, turn: int, conversations: list[_Conversation], said: list[Message]) -> Load:
        exact = self.prompt_tokens if turn == 0 and self.prompts is None else None
        requests = tuple(
            context.prompts.request(
                (*conversation.history, message),
                conversation.output_tokens,
                prompt_tokens=exact,
                reuse=True,
                tag=f"turn{turn + 1}",
                keep_text=True,
            )
            for conversation, message in zip(conversations, said, strict=True)
        )
        if not self.think_s:
            return Load(requests, ClosedLoop(self.conversations))
        least, most = (round(share * self.think_s * NS_PER_S) for share in _SPREAD)
        return Load(requests, OpenLoop(tuple(sorted(context.rng.randint(least, most) for _ in requests))))

    def _conversations(self, context: RoundContext) -> list[_Conversation]:
        if self.prompts is None:
            make, rng = context.prompts, context.rng
            return [
                _Conversation(
                    (),
                    [make.text(rng, self.prompt_tokens)]
                    + [make.with_lead(make.words(rng, self.turn_tokens)) for _ in range(1, self.turns)],
                    self.output_tokens,
                )
                for _ in range(self.conversations)
            ]
        held = self.prompt_file.prompts
        enough = tuple(prompt for prompt in held if 1 + len(prompt.turns[1]) >= self.turns)
        if not enough:
            longest = max(1 + len(prompt.turns[1]) for prompt in held)
            raise ConfigError(
                f"prompts: {self.prompts}: no conversation in it has {self.turns} turns of the user, the longest has "
                f"{longest}; lower `turns`, or use conversations"
            )
        found = []
        for prompt in draw(enough, context.rng, self.conversations, context.prompts):
            (*before, first), later = prompt.turns
            says = [first.content, *later]
            found.append(_Conversation(tuple(before), says, prompt.output_tokens or self.output_tokens))
        return found
