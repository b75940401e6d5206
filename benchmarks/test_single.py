"""One request at a time: what a single user feels on an idle server."""

from pytest_inferbench import Single


async def test_single(bench):
    """One stream, request after request."""
    result = await bench.run(Single(requests=4, prompt_tokens=64, output_tokens=32))
    result.check()
