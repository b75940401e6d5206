"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder of this process: runs that share one take turns at measuring, and no test waits for another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
