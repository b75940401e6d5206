"""What the verdicts are worth, before and now: `python -m benchmarks.perf.proof [--nights FILE.npz] [--quick]`.

Prints false alarms and power in every world, what is called of stories told night after night, and what single parts
of the rule bring; `->` stands between the rule as it was and the shipped one, * marks what lies above the ceiling.
A quarter of an hour of one core; --quick draws a tenth.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.perf.proof.nights import judged, read
from benchmarks.perf.proof.rates import former, rates, shipped
from benchmarks.perf.proof.single import family, notes, share, tails
from benchmarks.perf.proof.stories import Story, red_nights, told
from benchmarks.perf.proof.worlds import WORLDS, World

SESSIONS = (1, 2, 3, 8, 20)
RUNS = {3: 4000, 20: 2000, 100: 400}
CEILING = 0.06
STORIES = (
    Story("20 % faster for 1 night, and back", 8, -0.2, 1),
    Story("20 % faster for 3 nights, and back", 8, -0.2, 3),
    Story("20 % faster for 4 nights, and back", 8, -0.2, 4),
    Story("20 % faster for 10 nights, and back", 8, -0.2, 10),
    Story("10 % faster for 10 nights, and back", 8, -0.1, 10),
    Story("+20 % from the 2nd session on", 1, 0.2, 0),
    Story("+10 % from the 3rd session on", 2, 0.1, 0),
    Story("+20 % from the 4th session on", 3, 0.2, 0),
)
_TABLES = ("order_rates.py", "pair_rates.py", "count_rates.py")


def main() -> int:
    """Print everything; exit status 1 where a world that is not exempt lies above the ceiling."""
    parser = argparse.ArgumentParser(prog="benchmarks.perf.proof")
    parser.add_argument("--nights", type=Path, help="arrays gates x nights x 2 of oriented logs")
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws")
    args = parser.parse_args()
    if args.nights:
        return _nights(args.nights)
    part = 10 if args.quick else 1
    above = [world.name for world in WORLDS if _world(world, part) and not world.exempt]
    _stories(part)
    for line in (*family(part), *notes(part), *share(part), *tails(part)):
        _say(line)
    for name in _TABLES:
        _table(name)
    if above:
        _say(f"above {CEILING} and not exempt: {', '.join(above)}")
    return int(bool(above))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _world(world: World, part: int) -> bool:
    """One world's rows; whether any lies above the ceiling, beyond what chance explains."""
    above = False
    for gates, most in RUNS.items():
        cells, power = [], ""
        for n in SESSIONS:
            before, now = (rates(world, gates, n, most // part, rule) for rule in (former, shipped))
            high = now.alarms > CEILING + 3 * max(now.error, (CEILING * (1 - CEILING) / (most // part)) ** 0.5)
            above |= high
            cells.append(f"{before.alarms:.3f} -> {now.alarms:.3f}{'*' if high else ' '}")
            if n == SESSIONS[-2]:
                ten, twenty = (f"{before.found[at]:.2f} -> {now.found[at]:.2f}" for at in (1, 2))
                power = f"+10 % {ten}  +20 % {twenty}"
        _say(f"{world.name:<36} m {gates:3d}  {'  '.join(cells)}  {power}")
    return above


def _stories(part: int) -> None:
    runs = max(40, 400 // part)
    for gates, sd in ((3, 0.028), (21, 0.014), (21, 0.028), (21, 0.056)):
        before, now = (red_nights(gates, sd, runs, former=each) for each in (True, False))
        parts = [f"{before[at].mean():.3f} -> {now[at].mean():.3f}" for at in (slice(8), slice(8, 20), slice(20, 60))]
        _say(f"red nights, nothing changed, m {gates:2d}, SD {sd:.1%}: nights 1-8, 9-20, 21-60: {', '.join(parts)}")
    for story in STORIES:
        for sd in (0.014, 0.028):
            was, now = (told(story, 21, sd, runs, former=each) for each in (True, False))
            _say(
                f"{story.name:<38} SD {sd:.1%}: called at once {was.at_once:.2f} -> {now.at_once:.2f}, "
                f"within three nights {was.within_three:.2f} -> {now.within_three:.2f}, "
                f"within ten {was.within_ten:.2f} -> {now.within_ten:.2f}"
            )


def _table(name: str) -> None:
    """A table that the tests hold: of pairs, of counts, of tails."""
    program = Path("tests/stats") / name
    if program.exists():
        _say("")
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
        subprocess.run([sys.executable, str(program)], env=environ, check=True)  # noqa: S603 - our own


def _nights(path: Path) -> int:
    try:
        suites = read(path)
    except (OSError, ValueError) as error:
        _say(f"cannot use the nights: {error}")
        return 2
    for before in (True, False):
        found = judged(suites, before=before)
        _say(
            f"{'before' if before else 'now'}: {found.runs} runs, {found.alarms:.3f} with a false alarm, "
            f"+10 % found in {found.found:.2f} of the gates"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
