"""`--build-only`: make the images of the selected cells and run nothing.

Limits: every image is tried; one that fails is told with its reason and makes the run fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.devices.nvml import NVML
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.plugin.items import tests_by_cell
from pytest_inferbench.servers.launch import cell_image

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext


def make_images(session: pytest.Session, context: RunContext) -> None:
    """Make the images of the cells that the selected tests run on.

    Args:
        session: its items are the selected tests.
        context: the run.
    """
    writer = session.config.get_terminal_writer()
    made: set[tuple[str, str, str | None, str]] = set()
    for cell in [cell for cell in tests_by_cell(session.items) if cell.provision == "docker"]:
        key = (cell.backend, cell.version, cell.image, cell.image_type)
        if key in made:
            continue
        made.add(key)
        gpus = len(NVML.gpus()) if cell.gpus is None else cell.gpus
        try:
            image = cell_image(cell, context, context.progress.show, gpus)
        except InferbenchError as error:
            session.testsfailed += 1
            writer.line(context.settings.with_names(f"\n{cell.id}: {error}"), red=True)
        else:
            writer.line(f"\n{cell.id}: {image.reference} {image.digest} ({image.origin})")
        finally:
            context.progress.clear()
    if not made:
        writer.line(context.settings.with_names("\nno selected cell runs in a container; pass --provision docker"))
