"""What verdicts are worth: the error rate that a run's gates share, and the noise that was measured here.

Limits: a reader who was woken gets one line; whoever tunes gates finds every figure in the run document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.report.change import HISTORY, Gate, count
from pytest_inferbench.report.escape import visible
from pytest_inferbench.stats import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_inferbench.document.comparison import Site
    from pytest_inferbench.document.run import Family
    from pytest_inferbench.units import Direction


def error_rate(family: Family) -> str:
    """What the verdicts of a run are worth."""
    gates = f"{count(family.gates, 'gate')}{_said_by(family.gates_source)}"
    return f"{gates}; where nothing changed, at most {family.at_most_per_100:.2g} runs in 100 have a false alarm"


def how_judged(gates: Sequence[Gate]) -> str:
    """What a change had to be to be called, and the noise it was held against."""
    found = gates[0].found
    shared_by = f"{count(found.gates, 'gate')}{_said_by(found.gates_source) or ' of the run'}"
    level = f"one-sided at {100 * found.alpha:g} % over {shared_by}, beyond a margin of {_margins(gates)}"
    return "; ".join(part for part in (level, _noise(gates)) if part)


def _margins(gates: Sequence[Gate]) -> str:
    margins = sorted({gate.found.margin for gate in gates})
    return f"{' to '.join(f'{100 * each:g}' for each in dict.fromkeys((margins[0], margins[-1])))} %"


def _noise(gates: Sequence[Gate]) -> str:
    scatter = [f"{100 * gate.found.sd:.1f} % ({gate.metric})" for gate in gates if gate.found.sd is not None]
    what = "session" if gates[0].check.kind == HISTORY else "pair"
    return f"one {what} scatters by {', '.join(scatter)}" if scatter else ""


def _said_by(source: str | None) -> str:
    """The option that says how many gates share the error rate; "" where they are the run's own."""
    return "" if source is None else f" ({visible(source)})"


def site_noise(metric: str, site: Site, direction: Direction) -> str:
    """What an A/A run says of one figure: its noise, and the worsening that history and pairs would see here."""
    return f"{visible(metric)}: {'; '.join(_site_parts(site, direction))}"


def _site_parts(site: Site, direction: Direction) -> Iterator[str]:
    if site.restart_sd is not None:
        yield f"one server among its like scatters by {100 * site.restart_sd:.1f} %"
    if site.session_sd is not None:
        yield f"one session among days by {100 * site.session_sd:.1f} %"
    if site.shared is not None:
        shared = site.shared
        spread = f"{shared.estimate:.2f} ({shared.low:.2f} to {shared.high:.2f})"
        gates = count(shared.gates, "gate")
        yield f"shared variance {spread}, judged with as {shared.use:.2f} ({gates}) after --update-baselines"
    for seen, many in ((site.history, "sessions"), (site.pairs, "pairs")):
        if seen:
            numbers, changes = zip(*seen, strict=True)
            shown = ", ".join(words.change_text(change, direction).removesuffix(" %") for change in changes)
            yield f"{', '.join(f'{n:.0f}' for n in numbers)} {many} see {shown} %"
