"""Closed-loop streams: how latency and throughput move as the server gets busy."""

import pytest

from pytest_inferbench import Concurrency


@pytest.mark.parametrize("streams", [1, 4, 8], ids="c{:02d}".format)
async def test_concurrency(bench, streams):
    """N users, each sending its next request when its last one has ended."""
    result = await bench.run(Concurrency(streams=streams, requests=3 * streams, prompt_tokens=64, output_tokens=32))
    result.check()
