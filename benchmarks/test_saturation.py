"""Saturation: how much a server carries before its users notice."""

from pytest_inferbench import Saturation

# Loose enough for a small model on a shared machine; write your own promise here, or under the model as `slo:`.
SLO = {"ttft_ms": 500.0, "tpot_ms": 50.0}


async def test_max_streams(bench):
    """The most users at once that still get what was promised."""
    result = await bench.run(
        Saturation(slo=SLO, highest=8, requests=8, resolution=0.25, prompt_tokens=32, output_tokens=8)
    )
    result.check()


async def test_max_rate(bench):
    """The most requests a second that still get what was promised."""
    result = await bench.run(
        Saturation(
            over="rate", slo=SLO, lowest=8, highest=32, requests=8, resolution=0.25, prompt_tokens=512, output_tokens=8
        )
    )
    result.check()
