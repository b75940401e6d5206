"""Nights on the real llama.cpp, with dates of the clock's own seam: what comes, goes and waits.

Its first tokens are held back by so much longer than they take, that what a small machine does to the server itself is
little beside the changes that are made here; and its time to the first token alone is gated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.e2e

SUITE = """
from pytest_inferbench import Single

async def test_single(bench):
    (await bench.run(Single(requests=5, prompt_tokens=32, output_tokens=4))).check()
"""
CLOCK = """
import os
from datetime import datetime
from pytest_inferbench.clock import SYSTEM_CLOCK

SYSTEM_CLOCK.wall = lambda: datetime.fromisoformat(os.environ["NIGHT"])
"""
# The interpreter that the server is started with: the real server on another port, and on its own what is held back.
HELD = """\
#!{python}
import asyncio, pathlib, signal, socket, subprocess, sys

arguments = sys.argv[1:]
place = arguments.index("--port") + 1 if "--port" in arguments else None
if place is None:
    sys.exit(subprocess.call([{python!r}, *arguments]))
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    inner = free.getsockname()[1]
outer, arguments[place] = int(arguments[place]), str(inner)
server = subprocess.Popen([{python!r}, *arguments])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(server.terminate()))

async def pump(source, drain, held):
    while data := await source.read(65536):
        if held() and b"chat.completion" in data:
            await asyncio.sleep(held.pop())
        drain.write(data)
        await drain.drain()
    drain.close()

class Held:
    def __init__(self):
        self.waits = []
    def __call__(self):
        return bool(self.waits)
    def pop(self):
        return self.waits.pop()

async def serve(reader, writer):
    try:
        up, down = await asyncio.open_connection("127.0.0.1", inner)
    except OSError:
        return writer.close()
    held = Held()
    async def requests():
        while data := await reader.read(65536):
            if b'"max_tokens":4' in data.replace(b" ", b""):  # others only tell prompt lengths
                held.waits = [float(pathlib.Path({hold!r}).read_text())]
            down.write(data)
            await down.drain()
        down.close()
    await asyncio.gather(requests(), pump(up, writer, held), return_exceptions=True)

async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", outer):
        while server.poll() is None:
            await asyncio.sleep(0.1)

asyncio.run(main())
"""
PEOPLES = "schema: 1\nmodel: tiny\nbackend: llama\ncases:\n  single: {gates: [ttft_ms.p50]}\n"
START = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY, MINUTES = timedelta(days=1), timedelta(minutes=10)
HELD_S = 0.2  # what a busy machine adds is a few ms


class Site:
    """A project whose server is held back as told."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        hold, wrapper = folder / "hold.txt", folder / "held"
        wrapper.write_text(HELD.format(python=sys.executable, hold=str(hold)))
        wrapper.chmod(0o755)
        (folder / "config").mkdir()
        (folder / "config/models.yaml").write_text(
            "models:\n  - {path: 'builtin:tiny', name: tiny, backend: llama, "
            f"backends: {{llama: {{python: '{wrapper}'}}}}}}\n"
        )
        (folder / "test_it.py").write_text(SUITE)
        (folder / "conftest.py").write_text(CLOCK)
        (folder / "benchmarks/baselines").mkdir(parents=True)
        (folder / "benchmarks/baselines/tiny--llama.yaml").write_text(PEOPLES)
        self.night = START

    def session(self, factor, *arguments, later=DAY):
        """One recorded session, held back by so much: its one check, and what pytest said.

        What the machine's other work made INVALID is measured again, as anybody would.
        """
        (self.folder / "hold.txt").write_text(str(HELD_S * factor))
        for _ in range(3):
            said = self._run(*arguments)
            document = json.loads(max(self.folder.glob("perf/*/run.json"), key=os.path.getmtime).read_text())
            (case,) = document["cases"]
            if case["verdict"] != "invalid":
                break
        self.night += later
        found = [check for check in case["checks"] if check["kind"] == "history"]
        assert len(found) == 1, said
        return found[0], said

    def _run(self, *arguments):
        return subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hardware=lab", "--bench-rounds=2"),
                *("--update-baselines", "--baseline-mode=append", *arguments),
            ],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "200", "NIGHT": self.night.isoformat()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        ).stdout

    @property
    def lines(self):
        """The program's file."""
        return self.folder / "benchmarks/baselines/tiny--llama/lab.jsonl"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


def test_an_improvement_of_four_nights_that_is_lost_is_called(site):
    """It opens a level on its first night, on a fresh server; back where it was, it is a regression."""
    for _ in range(4):
        site.session(1.0)
    faster = [site.session(0.8)[0] for _ in range(4)]
    assert [check["verdict"] for check in faster] == ["improved", "ok", "ok", "ok"], faster
    assert (faster[0]["comparison"]["record"], faster[0]["comparison"]["confirmed"]) == ("opens", True)
    back, said = site.session(1.0)
    assert back["verdict"] == "regressed", said
    assert [json.loads(line).get("how") for line in site.lines.read_text().splitlines()].count("improved") == 1


def test_a_regression_from_the_second_session_on_is_decided_within_three_days(site):
    """Two days wait, and move no level; the third says what they are, and they are left out from then on."""
    site.session(1.0)
    found = [site.session(1.25) for _ in range(3)]
    verdicts = [check["verdict"] for check, _ in found]
    assert verdicts[-1] == "regressed", found[-1][1]
    # A quiet machine may tell at once; what it cannot tell waits.
    waits = [check["comparison"]["record"] for check, _ in found if check["verdict"] == "inconclusive"]
    assert waits == ["worse"] * len(waits), found
    lines = [json.loads(line) for line in site.lines.read_text().splitlines()]
    out = [run for line in lines if line["kind"] == "left_out" for run in line["sessions"]]
    assert len(out) == len(waits)
    healed, _ = site.session(1.0)
    assert healed["verdict"] in {"ok", "inconclusive"}
    assert healed["comparison"]["record"] == "joins"


def test_twelve_sessions_of_an_afternoon_are_no_twelve_days(site):
    """They count as two sessions and are told to be of one day; spread over twelve days they see a smaller change."""
    for _ in range(12):
        site.session(1.0, "--bench-no-confirm", later=MINUTES)
    site.night += DAY
    afternoon, said = site.session(1.0, "--bench-no-confirm")
    assert (afternoon["comparison"]["n"], afternoon["comparison"]["days"]) == (12, 1)
    assert "of one day and count as 1.8" in said
    lines = [json.loads(line) for line in site.lines.read_text().splitlines()][:12]
    spread = [{**line, "date": (START + number * DAY).isoformat()} for number, line in enumerate(lines)]
    site.lines.write_text("".join(f"{json.dumps(line)}\n" for line in spread))
    site.night += 20 * DAY
    days, said = site.session(1.0, "--bench-no-confirm")
    assert (days["comparison"]["n"], days["comparison"]["days"]) == (12, 12)
    assert "of one day" not in said
    assert days["comparison"]["detectable"] < afternoon["comparison"]["detectable"]
