"""What a history or pairs say of a case, as the plain text of a test's outcome.

Law: monospaced, no colour, no width limit: it goes into JUnit files and logs as it is. A change is told in the metric's
own terms: a throughput that fell is negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.report.figures import ABSENT, quantity
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.report.visible import cells, pad, visible
from pytest_inferbench.stats import words
from pytest_inferbench.stats.rule import ASSUMED
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HISTORY = "history"
PAIRS = "pairs"
_HEADS = {
    HISTORY: ("metric", "baseline", "sessions", "now", "change", "interval", "margin", "would have seen", "verdict"),
    PAIRS: ("metric", "A", "pairs", "B", "change", "interval", "margin", "would have seen", "verdict"),
}
_IF_WANTED = (
    "if this is what you want: --update-baselines --accept-regressions, or --baseline-mode reseat after an upgrade"
)
_LEFT = frozenset({"metric", "verdict"})


def compared(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks of a case that compare it with something."""
    return [check for check in case["checks"] if "comparison" in check]


def comparison_table(case: Mapping[str, Any], verdict: Verdict | None) -> str:
    """Every gate of a case on a line, then what must be known of those with `verdict`; "" where none has it.

    Args:
        case: `CaseResult.to_json()`.
        verdict: the one that the text is to explain.
    """
    checks = [check for check in case["checks"] if check["kind"] in _HEADS]
    concerned = [check for check in checks if check["verdict"] == verdict]
    if verdict is None or not concerned:
        return ""
    gates = compared(case)
    share = f" ({len(concerned)} of {len(gates)} gates)" if gates else ""
    title = f"{verdict.label}: {visible(case['case'])} of {cell_name(case)}{share}"
    reasons = [f"  {reason}" for reason in why(case, verdict)]
    if not gates:
        return "\n".join([title, *reasons])
    if verdict is Verdict.REGRESSED and gates[0]["kind"] == HISTORY:
        reasons.append(f"  {_IF_WANTED}")
    return "\n".join([title, "", *_table(gates), "", *reasons, *(f"  {line}" for line in rule_lines(gates))])


def why(case: Mapping[str, Any], verdict: Verdict) -> list[str]:
    """What must be known of each check of a case that has `verdict`."""
    reasons = []
    for check in case["checks"]:
        if check["kind"] not in _HEADS or check["verdict"] != verdict:
            continue
        parts = [part for part in (_confirmed(check), visible(check["note"])) if part]
        if verdict is Verdict.NEW and check["kind"] == HISTORY:
            parts.append("--update-baselines records one")
        subject = "" if check["metric"] in _HEADS else f"{visible(check['metric'])}: "
        reasons += [f"{subject}{'; '.join(parts)}"] if parts else []
    return reasons


def in_a_line(check: Mapping[str, Any]) -> str:
    """A comparison in one line: `ttft_ms.p50 52.1 ms, was 41.2 ms: +26.5 % (+19.2 to +34.1 %)`."""
    found, unit = check["comparison"], check["unit"]
    parts = [f"{visible(check['metric'])} {quantity(check.get('value'), unit)}"]
    if "ratio" in found:
        old = f"was {quantity(found['baseline'], unit)} ({_against(check)})"
        parts.append(f"{old}: {change(found)}, margin {_margin(found)}")
    return "; ".join(part for part in (", ".join(parts), _confirmed(check), visible(check["note"])) if part)


def change(found: Mapping[str, Any]) -> str:
    """A comparison's change with its interval: `+26.5 % (+19.2 to +34.1 %)`; "-" where there is none."""
    return f"{percent(found['ratio'] - 1)} ({_interval(found)})" if "ratio" in found else ABSENT


def would_have_seen(check: Mapping[str, Any]) -> str:
    """The change that would have been called with 80 % probability, as the metric shows it.

    "-" where it is not known, or where a change was called.
    """
    found = check["comparison"]
    direction, verdict = Direction(found["direction"]), Verdict(check["verdict"])
    if "detectable_at" in found and verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return quantity(found["detectable_at"], check["unit"])
    return words.would_have_seen(found.get("detectable"), direction, verdict) or ABSENT


def what_was_visible(case: Mapping[str, Any]) -> str:
    """What a case that did not regress shows: what improved and by how much, and what of the others had been seen."""
    gates = compared(case)
    better = [in_a_line(check) for check in gates if check["verdict"] == Verdict.IMPROVED]
    others = [check for check in gates if check["verdict"] != Verdict.IMPROVED]
    seen = ", ".join(f"{visible(check['metric'])} {would_have_seen(check)}" for check in others)
    notes = [f"{visible(check['metric'])}: {visible(check['note'])}" for check in others if check["note"]]
    return "; ".join([*better, *([f"would have seen {seen}"] if seen else []), *notes])


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
        gates = f"{shared['gates']} gate{'' if shared['gates'] == 1 else 's'}"
        use = f"judged with as {shared['use']:.2f} ({gates}) after --update-baselines"
        parts.append(f"shared variance {spread}, {use}")
    for engine, many in (("history", "sessions"), ("pairs", "pairs")):
        if seen := site.get(engine):
            numbers, changes = zip(*seen, strict=True)
            direction = Direction(check["comparison"]["direction"])
            shown = ", ".join(words.worsened(change, direction).removesuffix(" %") for change in changes)
            parts.append(f"{', '.join(f'{n:.0f}' for n in numbers)} {many} see {shown} %")
    return f"{visible(check['metric'])}: {'; '.join(parts)}"


def error_rate(family: Mapping[str, Any]) -> str:
    """What the verdicts of a run are worth: `family` of the run document."""
    expected = f" ({family['expected_per_100']:.2g} expected)" if "expected_per_100" in family else ""
    gates = f"{family['gates']} gates{_said_by(family)}"
    return (
        f"{gates}, {100 * family['alpha']:g} % in all, {100 * family['alpha_each']:.2g} % each: at most"
        f" {family['at_most_per_100']:.2g} runs in 100{expected} with a false alarm{_shared(family)}"
    )


def rule_lines(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """The error rate and the noise that gates were judged with."""
    found = gates[0]["comparison"]
    arms = [f"A is {visible(found['arms'][0])}, B is {visible(found['arms'][1])}"] if "arms" in found else []
    shared_by = f"{found['gates']} gates{_said_by(found) or ' of the run'}"
    level = f"judged one-sided at {100 * found['alpha']:g} % over {shared_by}"
    level += _shared(shared_share([check["comparison"] for check in gates])) if gates[0]["kind"] == HISTORY else ""
    return [*arms, level, *(f"{visible(check['metric'])}: {text}" for check in gates if (text := _spread(check)))]


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


def _shared(found: Mapping[str, Any]) -> str:
    """The shared variance that confirmations were judged with; "" of pairs, which have none."""
    if "shared" not in found:
        return ""
    upper = f" to {100 * found['shared_most']:.0f}" if "shared_most" in found else ""
    source = found.get("shared_source", ASSUMED)
    return f"; one day's sessions share {100 * found['shared']:.0f}{upper} % of their variance ({source})"


def _spread(check: Mapping[str, Any]) -> str:
    found = check["comparison"]
    if "sd" not in found:
        return ""
    what = "session" if check["kind"] == HISTORY else "pair"
    prior = f"; prior: {found['prior']}" if "prior" in found else ""
    known = what == "session" and found["shared_measured"]
    share = f"; a day's sessions share {100 * found['shared']:.0f} %" if known else ""
    return f"one {what} scatters by {100 * found['sd']:.1f} % ({found['df']:.1f} df{prior}{share})"


def _confirmed(check: Mapping[str, Any]) -> str:
    """What further sessions said of a gate that looked regressed."""
    found = check.get("comparison", {})
    if check["kind"] != HISTORY or not found.get("screened"):
        return ""
    if found["k"] == 1:
        return "not measured again" if check["verdict"] == Verdict.REGRESSED else ""
    if not found["confirmed"]:
        return ""  # its note says so
    each = ", ".join(percent(ratio - 1) for ratio in found["sessions"])
    return f"confirmed on a fresh server: {each} in turn" if each else "confirmed on a fresh server"


def _against(check: Mapping[str, Any]) -> str:
    n, one = check["comparison"]["n"], check["kind"].removesuffix("s").replace(HISTORY, "session")
    return f"{n} {one}{'' if n == 1 else 's'}"


def _interval(found: Mapping[str, Any]) -> str:
    return f"{percent(found['low'] - 1).removesuffix(' %')} to {percent(found['high'] - 1)}"


def _margin(found: Mapping[str, Any]) -> str:
    return f"{100 * found['margin']:g} %"


def _table(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    head = _HEADS[gates[0]["kind"]]
    rows = [head, *(tuple(_row(check)) for check in gates)]
    columns = [(name not in _LEFT, max(cells(row[place]) for row in rows)) for place, name in enumerate(head)]
    return [
        "  "
        + "  ".join(pad(text, width, right=right) for text, (right, width) in zip(row, columns, strict=True)).rstrip()
        for row in rows
    ]


def _row(check: Mapping[str, Any]) -> Iterator[str]:
    found, unit = check["comparison"], check["unit"]
    yield visible(check["metric"])
    yield visible(quantity(found.get("baseline"), unit))
    yield str(found["n"])
    yield visible(quantity(check.get("value"), unit))
    yield percent(found["ratio"] - 1) if "ratio" in found else ABSENT
    yield _interval(found) if "ratio" in found else ABSENT
    yield _margin(found)
    yield would_have_seen(check)
    yield Verdict(check["verdict"]).label
