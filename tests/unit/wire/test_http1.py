"""Answers of an HTTP server are read however they are cut, and what is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import ProtocolError
from roost.wire.http1 import AnswerReader, encode_request

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3;a=b\r\nabc\r\n5\r\n12345\r\n0\r\nT: r\r\n\r\n"
)
SIZED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 8\r\n\r\nabc12345"
OPEN = b"HTTP/1.0 200 OK\r\n\r\nabc12345"


@pytest.mark.parametrize(("answer", "status"), [(CHUNKED, 200), (SIZED, 404), (OPEN, 200)])
@given(st.data())
def test_an_answer_is_the_same_however_it_is_cut(answer: bytes, status: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    reader = AnswerReader()
    body = b""
    for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True):
        body += reader.feed(answer[start:end])
    if answer is OPEN:
        assert not reader.done
        reader.feed_eof()
    assert (reader.status, body, reader.done) == (status, b"abc12345", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x3\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * 300,
        b"x" * 70_000,
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(ProtocolError):
        AnswerReader().feed(answer)


@pytest.mark.parametrize("answer", [b"", CHUNKED[:-3], SIZED[:-1], b"HTTP/1.1 200"])
def test_an_answer_that_is_cut_in_two_is_an_error(answer: bytes) -> None:
    reader = AnswerReader()
    reader.feed(answer)
    with pytest.raises(ProtocolError, match="middle"):
        reader.feed_eof()


@given(st.binary(max_size=200))
def test_nonsense_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    reader = AnswerReader()
    try:
        reader.feed(data)
        reader.feed_eof()
    except ProtocolError:
        pass


def test_a_header_cannot_smuggle_a_second_request() -> None:
    with pytest.raises(ProtocolError):
        encode_request("GET", "/x", "h", [("Authorization", "Bearer a\r\nX: y")])
    assert encode_request("GET", "/x", "h", [("A", "b")]) == b"GET /x HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"
    assert encode_request("POST", "/x", "h", [], b"yz").endswith(b"Content-Length: 2\r\n\r\nyz")
