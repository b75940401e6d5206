"""Shared prefixes: what the server's prefix cache is worth."""

import pytest

from pytest_inferbench import Prefix


@pytest.mark.parametrize("cache", ["cold", "warm"])
async def test_prefix(bench, cache):
    """Prompts of equal lengths, which share their beginning or do not."""
    result = await bench.run(Prefix(cache=cache, prefix_tokens=192, suffix_tokens=32, output_tokens=16, requests=4))
    result.check()
