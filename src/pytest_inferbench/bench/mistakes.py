"""What can be known to be wrong before anything is measured, of a run's baseline files and of the paths of its reports.

Limits: reads and changes nothing; says every mistake at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.errors import InferbenchError, OlderSpellingWarning
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.report.formats import FORMATS

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.config.document import Section


def report_mistakes(context: RunContext) -> Iterator[str]:
    """Paths of reports that nothing could be written to when the run has ended."""
    for form in FORMATS:
        option = form.name.replace("-", "_")
        if not getattr(context.settings, option):
            continue
        path, one = context.settings.path(option), len(form.files) == 1
        if path.is_dir() if one else path.is_file():
            wanted = "a file" if one else "a folder"
            yield f"{context.settings.written(option)}: {'a folder' if one else 'a file'} is there; name {wanted}"


def baseline_mistakes(model: str, backend: str, policy: Sequence[Section], context: RunContext) -> list[str]:
    """What is wrong with the baseline files of one model and backend on this hardware.

    Args:
        model: whose; SERVED where only the server's answer will tell: then any of this backend.
        backend: on which server.
        policy: the `policy:` sections of the model and the suite, the nearer first.
        context: the run.
    """
    try:
        if model == SERVED:
            files = context.baselines.read_backend(backend, context.hardware)
        else:
            files = (context.baselines.read(model, backend, context.hardware),)
        for baseline in files:
            for key in baseline.file.cases:
                case_rules(baseline.file, key, policy)
    except (InferbenchError, OlderSpellingWarning) as error:  # the latter where warnings are errors
        return [str(error)]
    return []
