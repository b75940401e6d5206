"""Open loop: what users feel when they come as they like, whatever the server does."""

import pytest

from pytest_inferbench import Rate


@pytest.mark.parametrize(
    "arrivals",
    [
        {"arrivals": "constant"},
        {"arrivals": "poisson"},
        {"arrivals": "gamma", "cv": 1.5},
        {"arrivals": "ramp", "to_rate": 30.0},
    ],
    ids=["constant", "poisson", "bursts", "ramp"],
)
async def test_rate(bench, arrivals):
    """Twenty requests a second, sent at planned times."""
    result = await bench.run(Rate(rate=20.0, requests=20, prompt_tokens=512, output_tokens=8, **arrivals))
    result.check()
