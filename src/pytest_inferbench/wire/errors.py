"""The errors of the wire layer: bytes that are not the protocol, and bytes that are missing."""

from __future__ import annotations

from pytest_inferbench.errors import InferbenchError


class WireError(InferbenchError):
    """Bytes that are not the protocol that was asked for; the message shows the first of them."""


class BodyCut(WireError):  # noqa: N818 - what happened to it
    """The connection ended before the HTTP body did."""
