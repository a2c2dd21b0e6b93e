"""HTTP/1.1 as far as a browser and a site of ours speak it: requests are read from bytes, answers written to them."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple

HEADER_BYTES = 32 << 10
"""What request line and headers may take."""
BODY_BYTES = 1 << 20
"""What a form may take."""
_FORM = "application/x-www-form-urlencoded"


class BadRequestError(ValueError):
    """What arrived is not a request that is answered; the connection is closed after saying so.

    Args:
        status: HTTP's.
        words: what was wrong.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Incoming(NamedTuple):
    """A request.

    Attributes:
        method: as it was sent.
        target: ``/path?query``, percent-encoded.
        host: as the ``Host`` header says it, lower case.
        body: of a form.
    """

    method: str
    target: str
    host: str
    body: bytes


class Parser:
    """Reads requests from the bytes of one connection."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @property
    def begun(self) -> bool:
        """Whether a request has arrived in part."""
        return bool(self._bytes)

    def feed(self, chunk: bytes) -> Iterator[Incoming]:
        """Takes what arrived and gives the requests that are complete.

        Raises:
            BadRequestError: it is malformed, too long, or of a kind that no browser sends to these sites.
        """
        self._bytes += chunk
        while True:
            end = self._bytes.find(b"\r\n\r\n")
            if end < 0:
                if len(self._bytes) > HEADER_BYTES:
                    raise BadRequestError(431, "The headers are too long.")
                return
            if end > HEADER_BYTES:
                raise BadRequestError(431, "The headers are too long.")
            method, target, headers = _head(bytes(self._bytes[:end]))
            length = _body_length(headers)
            total = end + 4 + length
            if len(self._bytes) < total:
                return
            body = bytes(self._bytes[end + 4 : total])
            del self._bytes[:total]
            if length and headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
                raise BadRequestError(415, "Only plain forms are read.")
            yield Incoming(method, target, headers.get("host", "").lower(), body)


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not parts[1].startswith("/"):
        raise BadRequestError(400, "That is not a request line.")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError(400, "That is not a header.")
        if name.lower() in ("host", "content-length") and name.lower() in headers:
            raise BadRequestError(400, f"{name} is said twice.")
        headers[name.lower()] = value.strip()
    return parts[0], parts[1], headers


def _body_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequestError(411, "The length must be said.")
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise BadRequestError(400, "The length is not a number.")
    if int(said) > BODY_BYTES:
        raise BadRequestError(413, "The form is too long.")
    return int(said)


def content_policy(suffix: str, inline: bool = False) -> str:
    """What a page may load and reach: its own site, and by forms the sites of its own tab.

    Args:
        suffix: ``.t3.e7.test``; "" for answers outside any episode.
        inline: whether scripts and styles may stand in the page itself, as in pages of others.
    """
    own = "'self' 'unsafe-inline' 'unsafe-eval'" if inline else "'self'"
    forms = f"'self' http://*{suffix}" if suffix else "'none'"
    return (
        f"default-src {own}; img-src 'self' data:; object-src 'none'; frame-src 'none'; worker-src 'none'; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action {forms}; webrtc 'block'"
    )


def answer(
    status: int, body: bytes, kind: str, suffix: str, more: tuple[tuple[str, str], ...] = (), close: bool = False
) -> bytes:
    """A whole answer.

    Args:
        status: HTTP's.
        body: its content.
        kind: content type.
        suffix: of the tab that it is for, for the content policy.
        more: headers, which take the place of those of the same name.
        close: whether the connection ends with it.
    """
    headers = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(suffix),
        "X-Content-Type-Options": "nosniff",
        "X-DNS-Prefetch-Control": "off",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), clipboard-read=()",
        **({"Connection": "close"} if close else {}),
        **dict(more),
    }
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
