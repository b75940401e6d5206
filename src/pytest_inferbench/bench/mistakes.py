"""What can be known to be wrong before anything is measured, of a run's baseline files and of the paths of its reports.

Limits: changes nothing, but for a file in the results' folder that is gone at once; says every mistake at once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_inferbench.archive.rescue import why_not
from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.names import bare_case
from pytest_inferbench.bench.machine_lock import open_lock
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.config.wording import nearest
from pytest_inferbench.errors import ConfigError, InferbenchError, OlderSpellingWarning
from pytest_inferbench.files import write_whole
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.report.formats import FORMATS

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.plan.cell import Cell

_PROBE, _PROBE_BYTES = ".probe", 256 * 1024  # a run document and some logs


def results_mistakes(context: RunContext) -> Iterator[str]:
    """The folder of the results, where nothing can be written to it: what is measured would have no place."""
    if context.settings.dry_run:
        return
    folder = context.settings.path("results")
    probe = folder / f"{context.run_id}-{os.getpid()}{_PROBE}"
    try:
        write_whole(probe, bytes(_PROBE_BYTES))
        probe.unlink()
    except OSError as error:
        where, why = shown_path(folder, context.settings.rootdir), why_not(probe, error)
        yield f"--bench-results: {where}: nothing can be written there: {why}; make that possible, or name another"


def lock_mistakes() -> Iterator[str]:
    """The folder of the machine's lock, where it cannot be taken."""
    try:
        open_lock(cache_folder()).close()
    except ConfigError as error:
        yield str(error)


def report_mistakes(context: RunContext) -> Iterator[str]:
    """Paths of reports that nothing could be written to when the run has ended."""
    for form in FORMATS:
        option = form.name.replace("-", "_")
        if not getattr(context.settings, option):
            continue
        path, one = context.settings.path(option), len(form.files) == 1
        if path.is_dir() if one else path.is_file():
            wanted = "a file" if one else "a folder"
            yield f"{context.settings.as_written(option)}: {'a folder' if one else 'a file'} is there; name {wanted}"


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


def unused_cases(suite: Collection[str], cells: Iterable[Cell], context: RunContext) -> Iterator[str]:
    """Cases of the baseline files of these cells that no benchmark is: what is written of them holds nothing.

    Args:
        suite: the keys of all cases that the suite has, selected or not.
        cells: those that are measured.
        context: the run.
    """
    known = {_case(key) for key in suite}
    for model, backend in dict.fromkeys((cell.model, cell.backend) for cell in cells if cell.model != SERVED):
        try:
            file = context.baselines.read(model, backend, context.hardware).file
        except InferbenchError:  # whoever needs the file says so
            continue
        for key, entry in file.cases.items():
            if _case(bare_case(key)) not in known:
                near = nearest(_case(key), known)
                remedy = f"did you mean {near}?" if near else "delete it there, if no benchmark is to have it"
                yield f"{entry.source}: {key}: no benchmark of this suite is that case, so it holds nothing; {remedy}"


def _case(key: str) -> str:
    """A key without its variant: which variants are measured is the run's choice."""
    return key.partition("@")[0]
