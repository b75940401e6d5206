"""Where a server is and how to address it.

Limits: values only. Headers may hold tokens: they are in no repr and in no message, and neither are credentials of a
URL.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError

_EXAMPLE = "expected something like http://gpu-box:8000"
_LAST_PORT = 65535
_COPIED = ("/chat/completions", "/completions", "/models", "/v1")  # what people copy with the address


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address.

    Attributes:
        base_url: scheme, host, port and path prefix, without a trailing slash or `/v1`.
        model: the name to put into requests; "" where the server shall be asked for it.
        headers: sent with every request.
        ca: path of a CA bundle to trust instead of the system's.
    """

    base_url: str
    model: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca: str | None = None

    @property
    def verify(self) -> ssl.SSLContext:
        """What is trusted, by the load and by every question alike: the CA bundle, else the system's.

        Raises:
            ConfigError: the CA bundle cannot be read.
        """
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"the CA bundle {self.ca} cannot be used: {error}; give a PEM file") from None


def parse_url(text: str, where: str) -> str:
    """A base URL as people write it, made plain: no trailing slash, no `/v1`, no endpoint below it.

    Args:
        text: the URL.
        where: where it is written, for the message.

    Raises:
        ConfigError: it is not an http(s) URL with a host, or carries what a base URL cannot.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise _bad(text, where, quote_value(str(error))) from None
    if "://" not in text:
        raise _bad(text, where, "it has no http:// or https:// in front")
    if parts.scheme not in {"http", "https"}:
        raise _bad(text, where, f"the scheme {quote_value(parts.scheme)} is not http or https")
    if parts.username is not None or parts.password is not None:
        raise _bad(text, where, "it carries credentials; pass them with --bench-api-key-env or --bench-header")
    if not parts.hostname or any(character.isspace() for character in text.strip()):
        raise _bad(text, where, "it has no usable host name")
    if port == 0:
        raise _bad(text, where, f"the port must be 1 to {_LAST_PORT}")
    if parts.query or parts.fragment:
        raise _bad(text, where, "a base URL has no ? or # part")
    path = parts.path.rstrip("/")
    for endpoint in _COPIED:
        path = path.removesuffix(endpoint)
    path = path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _bad(text: str, where: str, reason: str) -> ConfigError:
    scheme, separator, rest = text.rpartition("://")
    _, credentials, visible = rest.rpartition("@")
    shown = f"{scheme}{separator}***@{visible}" if credentials else text
    return ConfigError(f"{where}: {quote_value(shown)} is not a usable server address: {reason}; {_EXAMPLE}")
