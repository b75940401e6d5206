"""The figures as a table for people, one a stream count.

Limits: pure text. What a column means stands in the legend, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .compare import Figures

# Heading, figure, format.
_COLUMNS = (
    ("TTFT p50", "ttft_ratio_p50", ".3f"),
    ("p99", "ttft_ratio_p99", ".3f"),
    ("served p50", "ttft_served_ratio_p50", ".3f"),
    ("p99", "ttft_served_ratio_p99", ".3f"),
    ("err us p50", "ttft_error_us_p50", ",.0f"),
    ("p99", "ttft_error_us_p99", ",.0f"),
    ("gap p50", "gap_ratio_p50", ".3f"),
    ("p99", "gap_ratio_p99", ".3f"),
    ("E2E p50", "e2e_ratio_p50", ".3f"),
    ("p99", "e2e_ratio_p99", ".3f"),
    ("us/chunk", "cpu_us_per_chunk", ".1f"),
    ("RSS MB", "peak_rss_mb", ".0f"),
    ("bad", "unmatched", ".0f"),
    ("srv cpu", "server_cpu_share", ".0%"),
    ("lag us p99", "server_lag_us_p99", ",.0f"),
)
LEGEND = """\
TTFT, gap, E2E   reported / true: the client's arrivals against the server's send stamps, from the client's own `sent`
served           reported TTFT / (the server's first send - its reception of the request): counts what the client
                 loses before its request is on the wire, too
err us           |reported - true| TTFT in microseconds
us/chunk         the client's processor time for each output chunk; `floor` reads and stamps only,
                 `floor-kern` with the kernel's stamps as ours
bad              requests that failed or whose chunks are not the ones that were sent
srv cpu, lag     the server's own processor share, and how late it sent against its script
*                the server was late by a whole chunk gap: the machine was the limit, read nothing about the client
"""


# What our own row is held to: (what, figure, ours over the floor's?, most).
_TARGETS = (
    ("TTFT p50", "ttft_ratio_p50", False, 1.02),
    ("TTFT p99", "ttft_ratio_p99", False, 1.05),
    ("gap p50", "gap_ratio_p50", False, 1.01),
    ("us/chunk over floor", "cpu_us_per_chunk", True, 1.25),
)


def targets(rows: Mapping[str, Figures]) -> str:
    """One line: which targets our own client met in this table, and by how much it missed the others."""
    ours, floor = rows.get("ours", {}), rows.get("floor", {})
    said = []
    for what, name, relative, most in _TARGETS:
        if name not in ours or (relative and name not in floor):
            continue
        found = ours[name] / (floor[name] if relative else 1.0)
        met = found <= most and (relative or found >= 2 - most)
        said.append(f"{what} {found:.3f} {'meets' if met else 'MISSES'} {most:g}")
    return "ours: " + ", ".join(said) + "\n" if said else ""


def table(title: str, rows: Mapping[str, Figures], late_us: float) -> str:
    """One table; a figure that a client did not yield is a dash, a row whose server lagged `late_us` has a star."""
    lines = [["client", *(heading for heading, _, _ in _COLUMNS)]]
    for client, found in rows.items():
        cells = (format(found[name], spec) if name in found else "-" for _, name, spec in _COLUMNS)
        star = "*" if found.get("server_lag_us_p99", 0.0) >= late_us else ""
        lines.append([client + star, *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for name, *figures in lines:
        padded = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        text.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join([title, *text, ""])
