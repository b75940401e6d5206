"""Token attribution: the best method that holds for the whole case."""

import pytest

from measure.observed import failed, request
from pytest_inferbench.metrics.tokens import TokenMethod, request_views, token_method
from pytest_inferbench.records import FailureKind, Usage

COUNTED = request(usage=Usage(output_tokens=5), chunk_tokens=(1, 1, 2))
PER_CHUNK = request(usage=None, chunk_tokens=(1, 1, 2))
BARE = request(usage=None)


@pytest.mark.parametrize(
    ("requests", "method", "tokens"),
    [
        ([COUNTED], TokenMethod.USAGE, [5]),
        ([COUNTED, PER_CHUNK], TokenMethod.CHUNK_TOKENS, [4, 4]),
        ([COUNTED, PER_CHUNK, BARE], TokenMethod.CHUNKS, [3, 3, 3]),
        ([COUNTED, failed(1)], TokenMethod.USAGE, [5, None]),
        ([request(usage=Usage(prompt_tokens=3))], TokenMethod.CHUNKS, [3]),
        ([request(usage=Usage(output_tokens=0))], TokenMethod.CHUNKS, [3]),
        ([failed()], TokenMethod.CHUNKS, [None]),
        ([], TokenMethod.CHUNKS, []),
    ],
)
def test_one_method_for_all(requests, method, tokens):
    """Every request is counted by the best method that each completed one allows."""
    assert token_method(requests) is method
    assert [view.output_tokens for view in request_views(requests, method)] == tokens


def test_a_failed_request_with_output_has_no_count():
    """Tokens of a stream that was cut are not output."""
    cut = request(failure=FailureKind.CUT, usage=Usage(output_tokens=3))
    assert request_views([cut], TokenMethod.USAGE)[0].output_tokens is None
