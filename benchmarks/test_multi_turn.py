"""Conversations: what each further turn costs as the history grows."""

import pytest

from pytest_inferbench import MultiTurn


@pytest.mark.parametrize("conversations", [1, 4], ids="u{:02d}".format)
async def test_multi_turn(bench, conversations):
    """Users whose every turn brings along the history, which the server's prefix cache should know."""
    result = await bench.run(
        MultiTurn(conversations=conversations, turns=3, prompt_tokens=64, turn_tokens=16, output_tokens=16)
    )
    result.check()
