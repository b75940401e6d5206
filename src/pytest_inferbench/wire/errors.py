"""The one error of the wire layer."""

from __future__ import annotations

from pytest_inferbench.errors import InferbenchError


class WireError(InferbenchError):
    """Bytes that are not the protocol that was asked for; the message shows the first of them."""
