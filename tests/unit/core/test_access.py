"""Who may ask over HTTP, decided from headers alone: what is not understood is refused."""

from __future__ import annotations

import pytest

from roost.core.access import (
    DeniedError,
    UnauthenticatedError,
    allowed_hosts,
    bearer_of,
    check_cookie_use,
    check_host,
    check_no_token_in_url,
    check_origin,
    cookie_of,
    covers,
)
from roost.core.listening import parse_listen
from roost.core.problems import error_of, problem, status_of
from roost.core.rates import Bucket, Buckets
from roost.core.tokens import ID_BYTES, SECRET_BYTES, decode_tokens, encode_tokens, find_token, new_token
from roost.errors import InvalidError, NoRunError

HOSTS = allowed_hosts("127.0.0.1:8080")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])
def test_our_own_names_are_answered(host: str) -> None:
    check_host(host, HOSTS)


@pytest.mark.parametrize("host", [None, "", "127.0.0.1", "localhost:81", "evil.example:8080", "127.0.0.1:8080.evil"])
def test_other_hosts_are_refused(host: str | None) -> None:
    with pytest.raises(DeniedError):
        check_host(host, HOSTS)


def test_a_listener_beyond_loopback_does_not_answer_to_loopback_names() -> None:
    with pytest.raises(DeniedError):
        check_host("localhost:8080", allowed_hosts("10.1.2.3:8080"))
    check_host("my.host:80", allowed_hosts("10.1.2.3:8080", more=("My.Host:80",)))


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("null", None),
        ("", None),
        ("http://evil.example", None),
        ("http://127.0.0.1:8081", None),
        ("http://127.0.0.1:8080.evil", None),
        ("http://127.0.0.1:8080", "cross-site"),
        (None, "same-site"),
        (None, "cross-site"),
        (None, "anything"),
    ],
)
def test_pages_of_other_origins_are_refused(origin: str | None, site: str | None) -> None:
    with pytest.raises(DeniedError):
        check_origin(origin, site, HOSTS)


@pytest.mark.parametrize(
    ("origin", "site"), [(None, None), (None, "none"), ("http://localhost:8080", "same-origin"), (None, "same-origin")]
)
def test_programs_and_our_own_pages_are_not(origin: str | None, site: str | None) -> None:
    check_origin(origin, site, HOSTS)


def test_a_cookie_changes_something_only_for_a_request_that_says_it_is_our_pages() -> None:
    check_cookie_use("GET", None, None, upgrade=False)
    check_cookie_use("POST", "http://localhost:8080", None, upgrade=False)
    for method, upgrade in (("POST", False), ("DELETE", False), ("GET", True)):
        with pytest.raises(DeniedError):
            check_cookie_use(method, None, None, upgrade=upgrade)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "roost_abc"])
def test_another_scheme_than_bearer_is_refused(header: str) -> None:
    with pytest.raises(UnauthenticatedError):
        bearer_of(header)


def test_credentials_are_found_where_they_belong() -> None:
    assert (bearer_of(None), bearer_of("bearer  abc")) == (None, "abc")
    assert cookie_of("a=b; roost=x") == "x"
    assert cookie_of("roost=x; roost=y") is None, "of two nobody knows which one is ours"
    with pytest.raises(InvalidError, match="URL"):
        check_no_token_in_url({"access_token": ""})


def test_each_scope_includes_those_before_it() -> None:
    assert [covers("type", needed) for needed in ("read", "type", "admin")] == [True, True, False]


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_is_found_by_its_text_until_it_expires_and_the_file_does_not_tell_it() -> None:
    randomness = bytes(range(ID_BYTES + SECRET_BYTES))
    token, text = new_token(randomness, scope="type", kind="token", name="n", now=100.0, lasts_s=10.0)
    kept = encode_tokens([token])
    assert text.encode() not in kept and text.rpartition("_")[2].encode() not in kept
    (read,) = decode_tokens(kept)
    assert find_token(text, [read], kind="token", now=109.9) == token
    assert find_token(text, [read], kind="token", now=110.0) is None
    assert find_token(text, [read], kind="browser", now=100.0) is None
    assert find_token(text + "x", [read], kind="token", now=100.0) is None
    assert "digest" not in token.shown()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"tokens": [{}]}', b'{"tokens": [{"id": 1}]}'])
def test_a_file_that_cannot_be_read_is_an_error_and_not_an_empty_list(content: bytes) -> None:
    with pytest.raises(InvalidError):
        decode_tokens(content)


# --- addresses, rates, problems ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "loopback"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:0", True),
        ("http://localhost:8080/", "http://localhost:8080", True),
        ("[::1]:1", "http://[::1]:1", True),
        ("0.0.0.0:80", "http://0.0.0.0:80", False),
        ("[::]:80", "http://[::]:80", False),
        ("127.1.2.3:80", "http://127.1.2.3:80", True),
        ("host.example:80", "http://host.example:80", False),
        ("unix:/tmp/x", "unix:/tmp/x", True),
    ],
)
def test_an_address_to_listen_on(text: str, url: str, loopback: bool) -> None:
    address = parse_listen(text)
    assert (address.url, address.loopback) == (url, loopback)


@pytest.mark.parametrize(
    "text", ["", "8080", "127.0.0.1", ":80", "h:99999", "h:-1", "[::1", "[x]:1", "unix:x", "a b:1", "::1:80"]
)
def test_what_is_no_address_is_refused_with_a_word_on_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidError, match="HOST:PORT"):
        parse_listen(text)


def test_a_bucket_gives_its_burst_then_a_steady_rate_and_says_how_long_to_wait() -> None:
    bucket = Bucket(2.0, 3.0, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(0.5) == 0.0
    assert bucket.take(100.0) == 0.0


def test_buckets_of_many_names_are_bounded() -> None:
    buckets = Buckets(1.0, 1.0, most=2)
    assert [buckets.take(name, 0.0) for name in ("a", "b", "a")] == [0.0, 0.0, 1.0]
    assert buckets.take("c", 0.0) == 0.0  # b's place
    assert buckets.take("a", 0.0) == 1.0


def test_an_error_is_the_same_error_at_the_other_end() -> None:
    import json

    details = problem("not_found", "no session answers to 'x'")
    error = error_of(details["status"], json.dumps(details).encode())
    assert (type(error), error.message) == (NoRunError, "no session answers to 'x'")
    assert status_of("a kind of tomorrow") == 500


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b'{"kind": 1}', b"\xff" * 9000])
def test_an_answer_of_something_else_is_an_error_too_and_is_cut(body: bytes) -> None:
    error = error_of(502, body)
    assert error.message.startswith("the server answered 502")
    assert len(error.message) < 300
