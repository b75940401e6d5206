"""HTTP/1.1 heads: the bytes of a request's, the meaning of a response's.

Limits: functions of bytes; RFC 9112 and RFC 9110 decide, and what they call an error is one, except bare LF line ends,
which they allow to accept. Bodies are `http_body`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.errors import WireError

MOST_HEAD_BYTES = 65536
_SHOWN_BYTES = 200
_BEGINNING = b"HTTP/1."
_BLANK_LINE = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\x00\r]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH = re.compile(r"/[!-~]*")
_METHOD = re.compile(r"[A-Z]+")
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL_STATUS = 200
_NO_BODY_STATUS = (204, 304)
_OUR_HEADERS = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class BodyLength:
    """How the end of a body is found: by chunks, by a length in bytes, or (neither) by the end of the connection."""

    chunked: bool = False
    content_length: int | None = None

    @property
    def until_close(self) -> bool:
        """Whether only the connection's end ends the body."""
        return not self.chunked and self.content_length is None


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A final response's status line and header fields.

    Attributes:
        status: 200 to 599, or 101.
        headers: values by lower-case name; those of a repeated name are joined with ", ".
        body: how the body's end is found.
        keep_alive: whether another request may follow on this connection.
    """

    status: int
    headers: Mapping[str, str]
    body: BodyLength
    keep_alive: bool


def parse_head(data: bytes) -> tuple[ResponseHead, int] | None:
    """The first final response head in `data`, and where its body starts; interim (1xx) responses are skipped.

    Args:
        data: all bytes received for this response so far.

    Returns:
        None while the head is incomplete.

    Raises:
        WireError: this is no HTTP/1 response, or its head is larger than 64 KiB.
    """
    start = 0
    while True:
        if not _BEGINNING.startswith(data[start : start + len(_BEGINNING)]):
            raise WireError(f"not an HTTP/1 response: {data[start : start + _SHOWN_BYTES]!r}")
        blank = _BLANK_LINE.search(data, start, MOST_HEAD_BYTES)
        if blank is None:
            if len(data) >= MOST_HEAD_BYTES:
                raise WireError(f"an HTTP head larger than {MOST_HEAD_BYTES} bytes: {data[:_SHOWN_BYTES]!r}")
            return None
        head = _read_head(data[start : blank.start()])
        if head.status >= _FIRST_FINAL_STATUS or head.status == _SWITCHING_PROTOCOLS:
            return head, blank.end()
        start = blank.end()


def encode_head(method: str, path: str, host: str, headers: Iterable[tuple[str, str]], body_length: int) -> bytes:
    """A request's head, ready to send.

    Args:
        method: in capitals.
        path: with its leading slash and query, percent-encoded.
        host: the authority, as the Host header wants it.
        headers: further fields, sent in this order; a later one replaces an earlier one of the same name, and Host.
        body_length: bytes of the body that follows.

    Raises:
        ConfigError: a part that would break the head, or a header that is ours to set. Values are never shown: they
            may be keys.
    """
    if not _METHOD.fullmatch(method) or not _PATH.fullmatch(path):
        raise ConfigError(f"{method} {path!r} is no HTTP request line; the path must begin with / and be plain ASCII")
    lines = {"host": _encode_field("Host", host)}
    for name, value in headers:
        if name.lower() in _OUR_HEADERS:
            raise ConfigError(f"header {name!r} is set by the load generator; remove it")
        lines[name.lower()] = _encode_field(name, value)
    length = _encode_field("Content-Length", str(body_length))
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("ascii"), *lines.values(), length, b"", b""])


def _encode_field(name: str, value: str) -> bytes:
    try:
        encoded_name, encoded_value = name.encode("ascii"), value.encode("latin-1")
    except UnicodeEncodeError:
        raise ConfigError(f"header {name!r}: HTTP headers are Latin-1 text; this one holds other characters") from None
    if not _NAME.fullmatch(encoded_name):
        raise ConfigError(f"header {name!r}: not a header name; use letters, digits and hyphens")
    if any(byte in encoded_value for byte in b"\r\n\x00"):
        raise ConfigError(f"header {name!r}: its value holds a line end or NUL; remove it")
    return encoded_name + b": " + encoded_value


def _read_head(data: bytes) -> ResponseHead:
    status_line, *lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise WireError(f"not an HTTP/1 status line: {status_line[:_SHOWN_BYTES]!r}")
    minor, status = match.groups()
    headers = _read_fields(lines)
    body = _body_length(int(status), headers)
    return ResponseHead(
        status=int(status),
        headers=headers,
        body=body,
        keep_alive=_keep_alive(minor == b"1", headers) and not body.until_close,
    )


def _read_fields(lines: list[bytes]) -> dict[str, str]:
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:  # a folded value, obsolete (RFC 9112, 5.2)
            name, value = fields.pop()
            fields.append((name, f"{value} {line.strip().decode('latin-1')}"))
            continue
        key, colon, content = line.partition(b":")
        if not colon or not _NAME.fullmatch(key) or b"\r" in content or b"\x00" in content:
            raise WireError(f"not an HTTP header line: {line[:_SHOWN_BYTES]!r}")
        fields.append((key.decode("ascii").lower(), content.strip(b" \t").decode("latin-1")))
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body_length(status: int, headers: Mapping[str, str]) -> BodyLength:
    """How a response's body ends: RFC 9112, 6.3."""
    if status < _FIRST_FINAL_STATUS or status in _NO_BODY_STATUS:
        return BodyLength(content_length=0)
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked":
            raise WireError(f"Transfer-Encoding {coding[:_SHOWN_BYTES]!r} was not asked for; only chunked is known")
        return BodyLength(chunked=True)
    length = headers.get("content-length")
    if length is None:
        return BodyLength()
    values = {value.strip() for value in length.split(",")}
    value = values.pop()
    if values or not re.fullmatch(r"[0-9]{1,18}", value):
        raise WireError(f"Content-Length {length[:_SHOWN_BYTES]!r} is not a number of bytes")
    return BodyLength(content_length=int(value))


def _keep_alive(is_1_1: bool, headers: Mapping[str, str]) -> bool:
    """RFC 9112, 9.3; and 6.1: a length beside chunks, or chunks in HTTP/1.0, is not to be trusted further."""
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    if "transfer-encoding" in headers and (not is_1_1 or "content-length" in headers):
        return False
    return "close" not in options and (is_1_1 or "keep-alive" in options)
