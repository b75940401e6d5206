"""Where a baseline lives: what names its files and its cases.

Limits: pure; a name from a config or an option never leaves the baselines folder.
"""

from __future__ import annotations

import re
from typing import Final

DEFAULT_BRANCH: Final = "inferbench-baselines"
"""The branch of `origin` that holds sessions where no other is named."""

_NUMBERED: Final = re.compile(r"#\d+(?=@|$)")
_VARIANT: Final = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*")  # as the config takes it; `[a@b]` ends a test's id
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._+-]+")


def safe_name(text: str) -> str:
    """A name as part of a file name: anything but letters, digits and . _ + - becomes a dash.

    >>> safe_name("../NVIDIA H200 2x")
    'NVIDIA-H200-2x'
    """
    return _UNSAFE.sub("-", text).lstrip(".-") or "_"


def share_a_file(one: str, other: str) -> bool:
    """Whether two different names make one file name, or one where upper and lower case are the same.

    >>> share_a_file("lab 1", "lab-1"), share_a_file("lab 1", "lab 1")
    (True, False)
    """
    return one != other and safe_name(one).casefold() == safe_name(other).casefold()


def budget_file(model: str, backend: str) -> str:
    """People's file, relative to the baselines folder."""
    return f"{safe_name(model)}--{safe_name(backend)}.yaml"


def lines_file(model: str, backend: str, hardware: str) -> str:
    """The program's file of a hardware, relative to the baselines folder."""
    return f"{safe_name(model)}--{safe_name(backend)}/{safe_name(hardware)}.jsonl"


def case_key(case: str, variant: str) -> str:
    """A case as the files name it: `concurrency[c08]`, or `concurrency[c08]@chunked` for a variant's."""
    return f"{case}@{variant}" if variant else case


def split_key(key: str) -> tuple[str, str]:
    """Case and variant of a key; the variant is "" without one."""
    case, mark, variant = key.rpartition("@")
    return (case, variant) if mark and _VARIANT.fullmatch(variant) else (key, "")


def bare_case(key: str) -> str:
    """The key of the first workload of a test, for any of them.

    >>> bare_case("mixed[c08]#2@chunked")
    'mixed[c08]@chunked'
    """
    return _NUMBERED.sub("", key)
