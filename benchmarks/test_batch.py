"""Batches: what offline work takes when all requests of a batch go out at once."""

import pytest

from pytest_inferbench import Batch


@pytest.mark.parametrize("size", [2, 4], ids="b{:02d}".format)
async def test_batch(bench, size):
    """Batch after batch, the next when the last answer of one is complete."""
    result = await bench.run(Batch(batch_size=size, batches=3, prompt_tokens=64, output_tokens=16))
    result.check()
