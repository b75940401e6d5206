"""The two pictures of docs/verdicts.md: `python scripts/verdict_pictures.py` writes them anew.

Limits: the figures of the second are those of the golden table of the statistics' own proof; nothing is typed in here.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
POWER = ROOT / "tests/golden/stats/power.txt"
GATES, CONFIRMATIONS = 20, 1

_STYLE = """\
  <style>
    text { font: 14px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 12px } .quiet { fill: #59636e } .end { text-anchor: end } .middle { text-anchor: middle }
    .axis { stroke: #818b98 } .guide { stroke: #d1d9e0 } .band { fill: #818b98; opacity: .18 }
    .bad { stroke: #c93c37; fill: #c93c37 } .good { stroke: #1a7f37; fill: #1a7f37 }
    .plain { stroke: #0969da; fill: #0969da } .unsure { stroke: #9a6700; fill: #9a6700 }
    line { stroke-width: 1.5 } .thick { stroke-width: 2.5; fill: none } .dash { stroke-dasharray: 5 4 }
    @media (prefers-color-scheme: dark) {
      text { fill: #d1d7e0 } .quiet { fill: #9198a1 } .guide { stroke: #3d444d }
      .bad { stroke: #f47067; fill: #f47067 } .good { stroke: #57ab5a; fill: #57ab5a }
      .plain { stroke: #539bf5; fill: #539bf5 } .unsure { stroke: #c69026; fill: #c69026 }
    }
    text.bad, text.good, text.plain, text.unsure { stroke: none }
  </style>
"""


def power_table(text: str) -> dict[tuple[float, int, int, int], float]:
    """(SD in %, sessions, gates, confirmations) -> the worsening that is seen, in %."""
    row = re.compile(r"^ *([\d.]+)% +(\d+) +(\d+) +(\d+) .* \+([\d.]+)%$", re.MULTILINE)
    return {(float(sd), int(n), int(m), int(again)): float(seen) for sd, n, m, again, seen in row.findall(text)}


def verdicts() -> str:
    """What each verdict looks like: the measured change with its interval, beside the margin."""
    rows = (
        ("REGRESSED", "bad", 8.5, 2.5, "worse by more than the margin, and not by chance; measured twice"),
        ("IMPROVED", "good", -8.0, 2.5, "the mirror image"),
        ("OK, equivalent", "plain", 0.8, 2.5, "the whole interval lies within the margin"),
        ("OK", "plain", 3.5, 3.0, "no regression called, and one of 20 % would have been seen"),
        ("INCONCLUSIVE", "unsure", 3.5, 13.0, "too few sessions or too much noise to tell"),
    )
    zero, scale, top, step = 520, 12.5, 62, 58
    bottom = top + step * len(rows) - 18
    margin = 5 * scale
    lines = [
        f'<rect class="band" x="{zero - margin}" y="{top - 26}" width="{2 * margin}" height="{bottom - top + 26}"/>',
        f'<line class="axis" x1="{zero}" y1="{top - 26}" x2="{zero}" y2="{bottom}"/>',
        f'<text class="small quiet middle" x="{zero}" y="{top - 36}">margin: &#177; 5 %</text>',
        f'<text class="small quiet" x="{zero + margin + 40}" y="{top - 36}">slower &#8594;</text>',
        f'<text class="small quiet end" x="{zero - margin - 40}" y="{top - 36}">&#8592; faster</text>',
    ]
    for number, (name, look, change, half, words) in enumerate(rows):
        y = top + number * step
        x, left, right = zero + change * scale, zero + (change - half) * scale, zero + (change + half) * scale
        lines += [
            f'<text class="{look}" x="16" y="{y + 5}">{name}</text>',
            f'<line class="{look} thick" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>',
            f'<circle class="{look}" cx="{x}" cy="{y}" r="5"/>',
            f'<text class="small quiet" x="16" y="{y + 24}">{words}</text>',
        ]
    return _svg(760, bottom + 20, "What each verdict looks like", lines)


def sessions(table: dict[tuple[float, int, int, int], float]) -> str:
    """How small a worsening is seen, by the number of accepted sessions."""
    left, right, top, bottom = 70, 520, 50, 330
    low, high = math.log(4.0), math.log(50.0)
    counts = sorted({n for _, n, _, _ in table} - {1})  # what one session sees lies far above

    def at(n: int, seen: float) -> tuple[float, float]:
        share = math.log(n / counts[0]) / math.log(counts[-1] / counts[0])
        up = (math.log(seen) - low) / (high - low)
        return round(left + share * (right - left), 1), round(bottom - up * (bottom - top), 1)

    title = f"worsening seen with 80 % probability ({GATES} gates in the run)"
    lines = [f'<text class="small quiet" x="16" y="24">{title}</text>']
    for seen in (5, 10, 20, 40):
        y = at(counts[0], seen)[1]
        lines.append(f'<line class="guide" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        lines.append(f'<text class="small quiet end" x="{left - 10}" y="{y + 4}">+{seen} %</text>')
    y = at(counts[0], 20)[1]
    lines.append(f'<line class="unsure dash" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
    lines.append(f'<text class="small unsure end" x="{right}" y="{y - 7}">above: INCONCLUSIVE</text>')
    lines += [f'<text class="small quiet middle" x="{at(n, 5)[0]}" y="{bottom + 20}">{n}</text>' for n in counts]
    middle = (left + right) / 2
    lines.append(f'<text class="small quiet middle" x="{middle}" y="{bottom + 42}">accepted sessions</text>')
    for sd, look in zip(sorted({sd for sd, *_ in table}), ("good", "plain", "bad"), strict=True):
        points = [at(n, table[sd, n, GATES, CONFIRMATIONS]) for n in counts]
        path = " ".join(f"{x},{y}" for x, y in points)
        x, y = points[-1]
        lines.append(f'<polyline class="{look} thick" style="fill: none" points="{path}"/>')
        lines += [f'<circle class="{look}" cx="{px}" cy="{py}" r="4"/>' for px, py in points]
        lines.append(f'<text class="small {look}" x="{x + 12}" y="{y + 4}">sessions scatter by {sd:g} %</text>')
    return _svg(700, bottom + 60, "How small a worsening is seen, by accepted sessions", lines)


def _svg(width: int, height: int, title: str, lines: list[str]) -> str:
    body = "\n".join(f"  {line}" for line in lines)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return f"{head}\n  <title>{title}</title>\n{_STYLE}{body}\n</svg>\n"


def pictures() -> dict[Path, str]:
    """Every picture's path and text."""
    table = power_table(POWER.read_text(encoding="utf-8"))
    return {ROOT / "docs/verdicts.svg": verdicts(), ROOT / "docs/sessions.svg": sessions(table)}


if __name__ == "__main__":
    for path, text in pictures().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
