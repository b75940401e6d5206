"""People's own prompts: many kinds and lengths, each with an answer of its own length, instead of synthetic ones."""

from pytest_inferbench import Concurrency


async def test_prompts(bench):
    """Four users ask through a file of prompts."""
    result = await bench.run(Concurrency(streams=4, requests=24, prompts="config/prompts/baseline.jsonl"))
    result.check()
