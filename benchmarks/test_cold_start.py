"""A server's way from nothing to its first token."""

from pytest_inferbench import ColdStart


async def test_cold_start(bench):
    """A fresh server for each round: from its start to the first token that a user sees."""
    result = await bench.run(ColdStart(), rounds=2)
    result.check()
