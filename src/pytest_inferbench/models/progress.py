"""Telling people what takes time.

Limits: a sentence at a time, to whoever listens; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Progress that nobody watches."""
