"""What is said of a case that is INVALID, wherever it is said."""

from __future__ import annotations

from pytest_inferbench.document.case import CaseResult


def invalid_text(case: CaseResult) -> str:
    """`INVALID (schedule_lag)`: by what."""
    return f"INVALID ({', '.join(dict.fromkeys(finding.code for finding in case.validity if finding.invalid))})"


def findings_text(case: CaseResult, what: str) -> str:
    """Why a case is INVALID, and what that means for it; the first line alone must do in pytest's short summary."""
    lines = [f"{case.case} is {invalid_text(case)} {what}:"]
    lines += [
        f"  {finding.code}: {finding.message} -> {finding.remedy}" for finding in case.validity if finding.invalid
    ]
    return "\n".join(lines)
