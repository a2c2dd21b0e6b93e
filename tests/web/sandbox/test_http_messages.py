"""Requests are read from bytes however they arrive, and what no browser sends is refused."""

from __future__ import annotations

import pytest

from remalis_envs.web.sandbox.http_messages import BODY_BYTES, HEADER_BYTES, BadRequestError, Incoming, Parser, answer

GET = b"GET /a%20b?q=%C3%A9 HTTP/1.1\r\nHost: MAIN.t0.e1.test\r\nAccept: */*\r\n\r\n"
POST = (
    b"POST /draft HTTP/1.1\r\nHost: main.t0.e1.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 7\r\n\r\na=1&b=2"
)


@pytest.mark.parametrize("size", (1, 7, 1000))
def test_requests_come_out_whole_however_they_arrive(size: int):
    sent, parser, found = GET + POST + GET, Parser(), []
    for at in range(0, len(sent), size):
        found += parser.feed(sent[at : at + size])
    get = Incoming("GET", "/a%20b?q=%C3%A9", "main.t0.e1.test", b"")
    assert found == [get, Incoming("POST", "/draft", "main.t0.e1.test", b"a=1&b=2"), get]
    assert not parser.begun


@pytest.mark.parametrize(
    ("sent", "status"),
    (
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (f"POST / HTTP/1.1\r\nContent-Length: {BODY_BYTES + 1}\r\n\r\n".encode(), 413),
        (b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", 415),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEADER_BYTES, 431),
    ),
)
def test_what_is_refused(sent: bytes, status: int):
    with pytest.raises(BadRequestError) as error:
        list(Parser().feed(sent))
    assert error.value.status == status


def test_an_answer_says_what_a_page_may_do():
    head, _, body = answer(200, b"<p>", "text/html", ".t1.e2.test").partition(b"\r\n\r\n")
    assert body == b"<p>" and head.startswith(b"HTTP/1.1 200 OK\r\n")
    for part in (
        b"Content-Length: 3",
        b"Cache-Control: no-store",
        b"default-src 'self'",
        b"http://*.t1.e2.test",
        b"worker-src 'none'",
    ):
        assert part in head
