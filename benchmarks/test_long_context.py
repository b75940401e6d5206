"""Long prompts: what reading one costs as it grows."""

import pytest

from pytest_inferbench import LongContext


@pytest.mark.parametrize("tokens", [256, 512, 1024], ids="p{:05d}".format)
async def test_long_context(bench, tokens):
    """One length a case, the same short answer for all."""
    result = await bench.run(LongContext(prompt_tokens=tokens, output_tokens=16, requests=2))
    result.check()
