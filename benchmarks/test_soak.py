"""Soak: whether a server that was fast at first still is at the end. Raise `seconds` to hours for the real thing."""

from pytest_inferbench import Soak


async def test_soak(bench):
    """A constant load, whose last third is compared with its first."""
    result = await bench.run(Soak(streams=2, seconds=1.0, prompt_tokens=32, output_tokens=16))
    result.check()
