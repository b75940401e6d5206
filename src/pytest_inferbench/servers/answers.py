"""What an answer means while a server is waited for: it passes, it may pass later, or waiting cannot change it.

Limits: pure. A refusal says what was seen, where, and what to do; nothing of a question's headers, and of a redirect's
target no query, which may hold a token.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.http_client import OK, Answer, NoAnswer, Why

_EXCERPT = 200
_TITLE = re.compile(r"<title[^>]*>([^<]{1,80})", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)

# Client errors that a server may answer while it starts: timeout, too early, too many requests.
_PASSING = frozenset({408, 425, 429})
_NO_KEY = frozenset({401, 403})
# Server errors that are no passing state: not implemented, HTTP version not supported.
_LASTING = frozenset({501, 505})
_SUCCESSES, _REDIRECTS, _SERVER_ERRORS = range(200, 300), range(300, 400), range(500, 600)


class RefusedError(ProvisionError):
    """A server answered something that waiting cannot change."""


class NotYet(Exception):  # noqa: N818 - a state, not a fault
    """The server is not ready; the text is what it said, or why it could not be asked."""


class Unheard(NotYet):
    """Nothing listens there, or the name leads nowhere."""


class Doubtful(NotYet):
    """It answers as a server that is ready, but not with what was asked for: that hardly changes by waiting."""


def expect_ok(answer: Answer, url: str, path: str, backend: str, *, bare: bool = False) -> None:
    """Accept an answer with status 200 that is no web page.

    Args:
        answer: what was answered.
        url: the server's base URL.
        path: what was asked for.
        backend: what the server is meant to be.
        bare: whether any status of success does, as where only being there counts.

    Raises:
        NotYet: wait and ask again.
        RefusedError: waiting will not help.
    """
    status = answer.status
    said = f"{path} answers {status} {excerpt(answer)}".rstrip()
    if status in _REDIRECTS:
        raise RefusedError(f"{url}{path} answers {status}, {_redirect(answer, url, path)}")
    if status in _NO_KEY:
        raise RefusedError(f"{url}{said}; give its key with --bench-api-key-env")
    if status in _SERVER_ERRORS and status not in _LASTING:
        raise NotYet(said)
    if status in _PASSING:
        raise NotYet(said)
    if is_page(answer) and status in _SUCCESSES:
        raise RefusedError(
            f"{url}{path} answers with a web page ({excerpt(answer)}): a proxy's login page or a web interface; "
            f"give the address at which the {backend} server itself answers"
        )
    if status != OK and not (bare and status in _SUCCESSES):
        raise RefusedError(f"{url}{said}; is this the address of {_a(backend)} server?")


def no_answer(error: NoAnswer, url: str, path: str, backend: str, *, tls: bool) -> Exception:
    """What to raise where there was no whole answer.

    Args:
        error: what happened.
        url: the server's base URL.
        path: what was asked for.
        backend: what the server is meant to be.
        tls: whether a server that was asked without TLS takes up a TLS handshake.
    """
    rest = url.partition("://")[2]
    said = f"{url}{path}: {shorten(str(error))}"
    if tls:
        return RefusedError(f"{url}{path}: the server speaks TLS there; give its address as https://{rest}")
    if error.why is Why.UNHEARD:
        return Unheard(f"{path} does not answer ({error})")
    remedies = {
        Why.CERTIFICATE: _certificate(str(error)),
        Why.NOT_TLS: f"the server speaks no TLS there; give its address as http://{rest}",
        Why.TLS: "the two sides find no common TLS; see the server's log, or give its address without TLS",
        Why.NOT_HTTP: f"that is no HTTP; is this the port of {_a(backend)} server?",
        Why.TOO_LARGE: f"is this the address of {_a(backend)} server?",
        Why.PACKED: "have the proxy in between leave answers as they are, or give the server's own address",
        Why.UNSAYABLE: "correct --bench-header, or the variable that --bench-api-key-env names",
    }
    if error.why in remedies:
        return RefusedError(f"{said}; {remedies[error.why]}")
    return NotYet(f"{path} does not answer ({shorten(str(error))})")


def _a(backend: str) -> str:
    if backend == "external":
        return "an OpenAI-compatible"
    return f"{'an' if backend[0] in 'aeiou' else 'a'} {backend}"


def excerpt(answer: Answer) -> str:
    """A server's words on one line: its error message where it has the usual form, a page's title, else its start."""
    title = _TITLE.search(answer.text[: 100 * _EXCERPT]) if is_page(answer) else None
    if title and title[1].strip():
        return shorten(title[1])
    error = answer.field("error")
    message = error.get("message") if isinstance(error, dict) else error
    return shorten(message if isinstance(message, str) else answer.text)


def shorten(text: str) -> str:
    """The start of a text from outside, on one line and without what moves a cursor."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * _EXCERPT]).split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}..."


def is_page(answer: Answer) -> bool:
    """Whether an answer is a web page for people."""
    return answer.headers.get("content-type", "").lower().startswith("text/html") or bool(_PAGE.match(answer.body))


def _redirect(answer: Answer, url: str, path: str) -> str:
    location = answer.headers.get("location", "")
    if not location:
        return "a redirect that does not say where to; give the address of the server itself"
    parts = urlsplit(urljoin(url + path, location))
    host = parts.netloc.rpartition("@")[2]
    target = shorten(f"{parts.scheme}://{host}{parts.path}")
    if parts.path.endswith(path):
        return f"a redirect to {target}; redirects are not followed, give that address: {target.removesuffix(path)}"
    return (
        f"a redirect to {target}; redirects are not followed, give the address at which the server itself answers "
        "(where that is a login page: an address behind it, or a key with --bench-api-key-env)"
    )


def _certificate(said: str) -> str:
    if "mismatch" in said:
        return "give its address with a name that its certificate holds"
    if "expired" in said or "not yet valid" in said:
        return "renew its certificate, or correct this machine's clock"
    return "name its CA with --bench-ca"
