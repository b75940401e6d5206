"""Keys and tokens that a run knows: which they are, and texts without them.

Limits: pure; the environment is an argument. A server may say a key back in its errors, so what it says is searched
too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_inferbench.options import Settings
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.records import RequestRecord, RoundRecord

HUB_TOKEN: Final = "HF_TOKEN"  # noqa: S105 - a variable's name
_MASK: Final = "***"
_SHORTEST: Final = 6  # a shorter one is no secret, and its letters stand in other words


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be shown.

    Attributes:
        values: the keys and tokens themselves.
    """

    values: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<{len(self.values)} secrets>"

    def hidden(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """The same text or JSON value with *** for each of them."""
        if not self.values:
            return value
        if isinstance(value, str):
            for secret in self.values:
                value = value.replace(secret, _MASK)
            return value
        if isinstance(value, Mapping):
            return {self.hidden(key): self.hidden(one) for key, one in value.items()}
        return type(value)(map(self.hidden, value)) if isinstance(value, list | tuple) else value

    def hidden_in(self, rounds: Iterable[RoundRecord]) -> list[RoundRecord]:
        """The same rounds; what servers said of failed requests is searched."""
        return [replace(one, requests=tuple(map(self._hidden_in, one.requests))) for one in rounds]

    def _hidden_in(self, request: RequestRecord) -> RequestRecord:
        if request.failure is None:
            return request
        return replace(request, failure=replace(request.failure, message=self.hidden(request.failure.message)))


def secrets_of(settings: Settings, cell: Cell | None, environ: Mapping[str, str]) -> Secrets:
    """The keys and tokens that the options, a cell and the environment give a run."""
    names = [HUB_TOKEN, settings.api_key_env]
    if cell is not None:
        names += [cell.api_key, cell.hub_token]
    written = [header.partition(":")[2].strip() for header in settings.header]
    found = [environ.get(name, "") for name in names if name] + written + [one.rpartition(" ")[2] for one in written]
    longest_first = sorted({one for one in found if len(one) >= _SHORTEST}, key=len, reverse=True)
    return Secrets(tuple(longest_first))
