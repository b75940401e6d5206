"""What verdicts are worth: the error rate that a run's gates share, and the noise that was measured here.

Law: a reader who was woken gets one line; whoever tunes gates finds every figure in the run document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.report.change import HISTORY, counted
from pytest_inferbench.report.escape import visible
from pytest_inferbench.stats import words
from pytest_inferbench.stats.rule import ASSUMED
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def error_rate(family: Mapping[str, Any]) -> str:
    """What the verdicts of a run are worth: `family` of the run document."""
    gates = f"{counted(family['gates'], 'gate')}{_said_by(family)}"
    return f"{gates}; where nothing changed, at most {family['at_most_per_100']:.2g} runs in 100 have a false alarm"


def how_judged(gates: Sequence[Mapping[str, Any]]) -> str:
    """What a change had to be to be called, and the noise it was held against."""
    found = gates[0]["comparison"]
    shared_by = f"{counted(found['gates'], 'gate')}{_said_by(found) or ' of the run'}"
    level = f"one-sided at {100 * found['alpha']:g} % over {shared_by}, beyond a margin of {_margins(gates)}"
    return "; ".join(part for part in (level, _noise(gates)) if part)


def _margins(gates: Sequence[Mapping[str, Any]]) -> str:
    margins = sorted({check["comparison"]["margin"] for check in gates})
    return f"{' to '.join(f'{100 * each:g}' for each in dict.fromkeys((margins[0], margins[-1])))} %"


def _noise(gates: Iterable[Mapping[str, Any]]) -> str:
    scatter = [
        f"{100 * check['comparison']['sd']:.1f} % ({visible(check['metric'])})"
        for check in gates
        if "sd" in check["comparison"]
    ]
    what = "session" if next(iter(gates))["kind"] == HISTORY else "pair"
    return f"one {what} scatters by {', '.join(scatter)}" if scatter else ""


def _said_by(found: Mapping[str, Any]) -> str:
    """The option that says how many gates share the error rate; "" where they are the run's own."""
    return f" ({visible(found['gates_source'])})" if "gates_source" in found else ""


def shared_share(gates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The shared variance that comparisons were judged with: `shared`, `shared_most` where gates differ, its source."""
    shares = [found["shared"] for found in gates]
    most = {"shared_most": max(shares)} if max(shares) > min(shares) else {}
    sources = dict.fromkeys(found.get("shared_source", ASSUMED) for found in gates)
    measured = any(found["shared_measured"] for found in gates)
    return {"shared": min(shares), **most, "shared_measured": measured, "shared_source": "; ".join(sources)}


def site_noise(check: Mapping[str, Any]) -> str:
    """What an A/A run says of one figure: its noise, and the worsening that history and pairs would see here."""
    site = check["comparison"]["site"]
    parts = []
    if "restart_sd" in site:
        parts.append(f"one server among its like scatters by {100 * site['restart_sd']:.1f} %")
    if "session_sd" in site:
        parts.append(f"one session among days by {100 * site['session_sd']:.1f} %")
    if "shared" in site:
        shared = site["shared"]
        spread = f"{shared['estimate']:.2f} ({shared['low']:.2f} to {shared['high']:.2f})"
        gates = counted(shared["gates"], "gate")
        use = f"judged with as {shared['use']:.2f} ({gates}) after --update-baselines"
        parts.append(f"shared variance {spread}, {use}")
    for method, many in (("history", "sessions"), ("pairs", "pairs")):
        if seen := site.get(method):
            numbers, changes = zip(*seen, strict=True)
            direction = Direction(check["comparison"]["direction"])
            shown = ", ".join(words.worsened(change, direction).removesuffix(" %") for change in changes)
            parts.append(f"{', '.join(f'{n:.0f}' for n in numbers)} {many} see {shown} %")
    return f"{visible(check['metric'])}: {'; '.join(parts)}"
