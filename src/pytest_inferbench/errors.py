"""Errors, split by whose fault they are.

Limits: a message says what happened, where, the last evidence, and what to do next. Nothing here knows pytest. Whoever
words a message shortens the values in it; what gets past that is made harmless here.
"""

from __future__ import annotations

_LONGEST_LINE = 600
_LEFT_OUT = " ... "
_KEPT_END = 200  # what to do stands at the end of a line


class InferbenchError(Exception):
    """Any failure that pytest-inferbench explains itself; shown to people without a traceback.

    Args:
        message: for people; no line of it is too long to be read, and none moves a terminal's cursor.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_readable(message))


class ConfigError(InferbenchError):
    """What the user wrote (a file, an option, a workload's arguments) cannot be used as it stands."""


class ProvisionError(InferbenchError):
    """A server could not be brought up; carries the last lines of its log.

    Args:
        message: what was tried, what happened and what to do.
        log_tail: the server's last log lines, oldest first; empty where it wrote none.
    """

    def __init__(self, message: str, log_tail: tuple[str, ...] = ()) -> None:
        Exception.__init__(self, _with_log(_readable(message), log_tail))
        self.log_tail = log_tail


class CellUnavailable(InferbenchError):  # noqa: N818 - a reason to skip, not a fault
    """This cell cannot run on this machine (no program, no GPU, no engine); its tests are skipped with the reason."""


class ServerError(InferbenchError):
    """A server that was up died or stopped answering while it was measured.

    Args:
        message: what was seen.
        log_tail: the server's last log lines, oldest first; empty where there is no log.
    """

    def __init__(self, message: str, log_tail: tuple[str, ...] = ()) -> None:
        Exception.__init__(self, _with_log(_readable(message), log_tail))
        self.log_tail = log_tail


class LoadError(InferbenchError):
    """Our own load generator failed; nothing is said about the server."""


class InvalidMeasurement(InferbenchError):  # noqa: N818 - the verdict's name
    """A measurement that must not be judged; the message lists each finding with its figure, limit and remedy."""


class FailedVerdict(AssertionError):  # noqa: N818 - a verdict, not an error
    """A case is over its budget or regressed; the message is the table that says by how much."""


class BaselineError(InferbenchError):
    """A baseline file cannot be read or written as it stands; it has been left untouched."""


class OlderSpellingWarning(DeprecationWarning):
    """What was written still works and has a newer spelling, which the message names."""


class UnusedCaseWarning(UserWarning):
    """A baseline file has a case that no benchmark of the suite is, so its budgets hold nothing."""


def _readable(message: str) -> str:
    """The message with control characters spelled out, and the middle of lines left out that are too long."""
    return "\n".join(map(_shorten, _spell_out(message).split("\n")))


def _spell_out(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(each if each == "\n" or each.isprintable() else ascii(each)[1:-1] for each in text)


def _shorten(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[: _LONGEST_LINE - _KEPT_END - len(_LEFT_OUT)]}{_LEFT_OUT}{line[-_KEPT_END:]}"


def _with_log(message: str, log_tail: tuple[str, ...]) -> str:
    if not log_tail:
        return message
    lines = "\n".join(f"    {line}" for line in log_tail)
    return f"{message}\n  last {len(log_tail)} log lines:\n{lines}"
