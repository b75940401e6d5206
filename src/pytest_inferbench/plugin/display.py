"""Where progress is shown: one line of a terminal that is drawn anew, or plain lines in a log.

Limits: both write to a copy of pytest's standard output, taken before it is captured. Neither ever breaks a line that
pytest is writing: the terminal's is drawn below it; a plain one stands on its own, and pytest begins its line again.
A worker of xdist has no display: it tells the controller.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_inferbench.bench.progress import Display
from pytest_inferbench.bench.terminal_line import TerminalLine, write_past_capture
from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK, Clock

_STDOUT = 1
_EVERY_NS = 30 * NS_PER_S  # from the beginning, or a plain line, to the next


def display_for(config: pytest.Config) -> Display | None:
    """A line on a terminal, else plain lines; nothing with `-q`, or where there is nowhere to write to.

    Args:
        config: pytest's config, while its standard output is its own.
    """
    try:
        if os.isatty(_STDOUT) and os.environ.get("TERM", "dumb") != "dumb":
            return TerminalLine(os.dup(_STDOUT), SYSTEM_CLOCK)
        if config.option.verbose < 0 or not config.pluginmanager.hasplugin("terminal"):
            return None
        lines = PlainLines(os.dup(_STDOUT), config.pluginmanager, SYSTEM_CLOCK)
    except OSError:
        return None
    config.pluginmanager.register(lines, "inferbench-plain-lines")
    return lines


class PlainLines:
    """Now and then a line that says what goes on, for logs.

    What is over before the next line is due goes untold: pytest's own output tells of it.

    Args:
        descriptor: where to; closed with this.
        plugins: where pytest's terminal reporter is: asked whether it is in mid-line, and told that it is not any more.
        clock: tells when a line is due.
    """

    def __init__(self, descriptor: int, plugins: pytest.PytestPluginManager, clock: Clock) -> None:
        self._fd = descriptor
        self._plugins = plugins
        self._clock = clock
        self._due_ns: int | None = None
        self._broke = False

    def show(self, texts: Sequence[str]) -> None:
        """Write a line of each where they are due."""
        now = self._clock.now_ns()
        if self._due_ns is None:
            self._due_ns = now + _EVERY_NS
        if now < self._due_ns:
            return
        self._due_ns = now + _EVERY_NS
        write_past_capture(self._fd, self._begin() + "".join(f"inferbench: {text}\n" for text in texts))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say again which file it is, before a letter that wants to stand behind its name."""
        if self._broke and (report.when == "call" or not report.passed):
            self._broke = False
            if self._reporter.showfspath and not self._reporter.showlongtestinfo:
                self._reporter.write_fspath_result(report.nodeid, "")

    def clear(self) -> None:
        """Nothing is drawn that could be in the way."""

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)

    def _begin(self) -> str:
        """What ends the line that pytest is writing; it then knows that it has ended."""
        reporter, ends = self._reporter, ""
        if self._plugins.hasplugin("dsession"):  # xdist's controller: letters behind no name, and nothing is captured
            writer = reporter.config.get_terminal_writer()
            if writer.width_of_current_line:
                writer.line()
                writer.flush()
        elif reporter.currentfspath:  # what `TerminalReporter.ensure_newline` asks; its own writing is captured now
            ends, self._broke = "\n", True
        reporter.currentfspath = None
        return ends

    @property
    def _reporter(self) -> Any:  # noqa: ANN401 - pytest's TerminalReporter
        return self._plugins.get_plugin("terminalreporter")
