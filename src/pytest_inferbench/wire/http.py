"""HTTP/1.1 as a client needs it: request heads to bytes, responses from bytes.

Limits: the face of `http_head` and `http_body`, nothing more; other packages import from here.
"""

from __future__ import annotations

from pytest_inferbench.wire.http_body import BodyReader
from pytest_inferbench.wire.http_head import BodyLength, ResponseHead, encode_head, parse_head

__all__ = ["BodyLength", "BodyReader", "ResponseHead", "encode_head", "parse_head"]
