"""The HTTP control plane over its Unix socket: sessions from their start to their end, and every refusal a problem."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.http import Answer, Http
from support.instance import Instance, eventually


@pytest.fixture
def http(shared: Instance) -> Http:
    """A client of the shared roost."""
    return Http(f"unix:{shared.root}/run/roost/http.sock")


def create(http: Http, *argv: str, **options: Any) -> dict[str, Any]:
    answer = http.post("/v1/sessions", {"argv": list(argv), **options})
    assert answer.status == 201, answer
    session: dict[str, Any] = answer.json["session"]
    return session


def output(http: Http, session_id: str, wanted: bytes) -> Answer:
    def look() -> Answer | None:
        answer = http.get(f"/v1/sessions/{session_id}/output")
        return answer if wanted in answer.body else None

    found = eventually(look, what=f"{wanted!r} is written")
    assert found is not None
    return found


def is_problem(answer: Answer, status: int, kind: str, words: str = "") -> bool:
    assert answer.headers["content-type"] == "application/problem+json", answer
    assert (answer.status, answer.json["kind"], answer.json["status"]) == (status, kind, status), answer
    assert words in answer.json["detail"], answer
    return True


def test_a_session_lives_from_create_to_forgotten(http: Http) -> None:
    session = create(http, "cat", name="life", rows=30, cols=90, labels={"a": "b"}, spawn_id="once")
    assert (session["rows"], session["cols"], session["labels"]) == (30, 90, {"a": "b"})
    again = http.post("/v1/sessions", {"argv": ["cat"], "spawn_id": "once"}).json
    assert (again["existing"], again["session"]["id"]) == (True, session["id"])
    at = f"/v1/sessions/{session['id']}"
    for given, written, shown in (
        (b"hello\n", 6, b"hello\r\nhello\r\n"),
        ({"base64": base64.b64encode(b"\xff\n").decode()}, 2, b"\xff\r\n\xff\r\n"),
        ({"text": "again", "enter": True}, 6, b"again\r\nagain\r\n"),
    ):  # one after the other: the terminal's echo of the next would come in between
        assert http.post(f"{at}/input", given).json["written"] == written
        found = output(http, session["id"], shown)
    assert found.headers["roost-start-offset"] == "0"
    part = http.get(f"{at}/output?from_offset=5&limit_bytes=3")
    assert (part.body, part.headers["roost-next-offset"]) == (found.body[5:8], "8")
    assert http.get(f"{at}/output?tail_bytes=4").body == found.body[-4:] or len(found.body) > 0
    assert http.post(f"{at}/resize", {"rows": 40, "cols": 0}).json == {"rows": 40, "cols": 90}
    assert http.ask("PATCH", at, {"name": "other"}).json["name"] == "other"
    assert http.get("/v1/sessions/other").json["id"] == session["id"]
    assert http.post(f"{at}/signal", {"signal": "TERM", "scope": "leader"}).json["signalled"] == [session["pid"]]
    assert http.post(f"{at}/wait", {"timeout_s": 20}).json["signal"] == signal.SIGTERM
    assert http.get("/v1/sessions?all=true").json["sessions"][-1]["state"] == "exited"
    assert http.ask("DELETE", at).json["done"] == "forgotten"
    assert is_problem(http.get(at), 404, "not_found", "roost run")


def test_delete_ends_what_runs_and_keeps_its_output(http: Http) -> None:
    session = create(http, "sh", "-c", "echo words; exec sleep 1000")
    output(http, session["id"], b"words")
    answer = http.ask("DELETE", f"/v1/sessions/{session['id']}?grace_s=5")
    assert (answer.status, answer.json["done"]) == (200, "ended")
    assert http.get(f"/v1/sessions/{session['id']}/output").body == b"words\r\n"


def test_targets_are_the_same_as_everywhere(http: Http) -> None:
    one = create(http, "sleep", "1000", name="twin-one")
    create(http, "sleep", "1000", name="twin-two")
    assert http.get(f"/v1/sessions/{one['pid']}").json["id"] == one["id"]
    assert http.get("/v1/sessions/twin-o").json["id"] == one["id"]
    assert http.get("/v1/sessions/-").json["name"] == "twin-two"
    assert is_problem(http.get("/v1/sessions/twin"), 409, "ambiguous", "twin-one")
    assert is_problem(http.get("/v1/sessions/http:%2F%2Fx"), 422, "invalid", "address")


@pytest.mark.parametrize(
    ("verb", "path", "body", "headers", "status", "kind"),
    [
        ("GET", "/nowhere", None, {}, 404, "not_found"),
        ("GET", "/v1/sessions/", None, {}, 404, "not_found"),
        ("PUT", "/v1/sessions", b"", {}, 405, "method_not_allowed"),
        ("GET", "/v1/sessions/-/attach", None, {}, 405, "method_not_allowed"),
        ("POST", "/v1/sessions", b"{", {"Content-Type": "application/json"}, 400, "malformed"),
        ("POST", "/v1/sessions", b"[]", {"Content-Type": "application/json"}, 400, "malformed"),
        ("POST", "/v1/sessions", b"\xff", {"Content-Type": "application/json"}, 400, "malformed"),
        ("POST", "/v1/sessions", b"[" * 100_000, {"Content-Type": "application/json"}, 400, "malformed"),
        ("POST", "/v1/sessions", b"argv=x", {"Content-Type": "text/csv"}, 415, "unsupported_type"),
        ("POST", "/v1/sessions", {}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": "ls"}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": []}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["x\0y"]}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["ls"], "rows": 1.5}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["ls"], "unknown": 1}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["ls"], "options": {"nonsense": 1}}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["ls"], "environment": "moon"}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["ls"], "rows": -1}, {}, 422, "invalid"),
        ("POST", "/v1/sessions", {"argv": ["/no/such/program"]}, {}, 404, "not_found"),
        ("GET", "/v1/sessions?all=perhaps", None, {}, 422, "invalid"),
        ("GET", "/v1/sessions?all=true&all=false", None, {}, 400, "malformed"),
        ("GET", "/v1/sessions?x=%ff", None, {}, 400, "malformed"),
        ("GET", "/v1/events?since=yesterday", None, {}, 422, "invalid"),
        ("GET", "/v1/events?categories=weather", None, {}, 422, "invalid"),
        ("POST", "/v1/calls/no.such", {}, {}, 404, "unknown_request"),
        ("GET", "/v1/sessions", None, {"Host": "evil.example"}, 403, "denied"),
        ("GET", "/v1/sessions", None, {"Origin": "http://evil.example"}, 403, "denied"),
        ("GET", "/v1/sessions", None, {"Sec-Fetch-Site": "cross-site"}, 403, "denied"),
        ("GET", "/assets/../../etc/passwd", None, {}, 404, "not_found"),
        ("GET", "/assets/%2e%2e/errors.py", None, {}, 404, "not_found"),
    ],
)
def test_what_cannot_be_done_is_a_problem_that_names_it(
    http: Http, verb: str, path: str, body: Any, headers: dict[str, str], status: int, kind: str
) -> None:
    assert is_problem(http.ask(verb, path, body, headers), status, kind)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(http: Http) -> None:
    connection = http.connection()
    connection.putrequest("POST", "/v1/sessions")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["kind"]) == (413, "too_large")
    connection.close()


def test_what_is_no_http_gets_a_problem_and_a_closed_connection(http: Http) -> None:
    for words in (b"\x16\x03\x01\x02\0\x01\0", b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000, b"FOO\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(http.url.removeprefix("unix:"))
            raw.sendall(words)
            said = b""
            while piece := raw.recv(65536):
                said += piece
        assert b"400 Bad Request" in said and b"urn:roost:problem:malformed" in said


def test_a_follower_gets_every_byte_until_the_exit(http: Http) -> None:
    session = create(http, "sh", "-c", "read x; seq 1 20000; exit 3", pipe=True)
    connection = http.connection()
    connection.request("GET", f"/v1/sessions/{session['id']}/output?follow=true&lossless=true")
    response = connection.getresponse()
    assert response.getheader("x-accel-buffering") == "no"
    http.post(f"/v1/sessions/{session['id']}/input", b"\n")
    assert response.read() == b"".join(b"%d\n" % n for n in range(1, 20001))
    connection.close()


def test_a_follower_of_events_is_told_offsets_and_the_exit(http: Http) -> None:
    from roost.core.sse import SseReader

    session = create(http, "sh", "-c", "printf abc; exit 3", pipe=True)
    answer = http.get(f"/v1/sessions/{session['id']}/output?follow=true", Accept="text/event-stream")
    events = SseReader().feed(answer.body)
    data = b"".join(base64.b64decode(json.loads(e.data)["data"]) for e in events if e.event == "output")
    assert (data, events[-1].event, events[-1].id, json.loads(events[-1].data)["code"]) == (b"abc", "exited", "3", 3)
    again = http.get(
        f"/v1/sessions/{session['id']}/output?follow=true", Accept="text/event-stream", **{"Last-Event-ID": "1"}
    )
    assert json.loads(SseReader().feed(again.body)[0].data) == {"offset": 1, "data": base64.b64encode(b"bc").decode()}


def test_a_raw_follower_that_is_too_slow_sees_its_answer_end_in_the_middle(http: Http) -> None:
    session = create(http, "sh", "-c", "read x; head -c 30000000 /dev/zero; read x", pipe=True, ring_bytes=65536)
    at = f"/v1/sessions/{session['id']}"
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(30)
        raw.connect(http.url.removeprefix("unix:"))
        raw.sendall(f"GET {at}/output?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
        http.post(f"{at}/input", b"\n")
        eventually(lambda: http.get(at).json["end_offset"] == 30_000_000)
        said = b""
        while piece := raw.recv(1 << 20):
            said += piece
    assert not said.endswith(b"0\r\n\r\n"), "that would say that it was complete"
    http.ask("DELETE", at)


def test_a_range_header_counts_absolute_offsets(http: Http) -> None:
    session = create(
        http, "sh", "-c", "i=0; while [ $i -lt 20000 ]; do printf '%09d\\n' $i; i=$((i+1)); done", pipe=True
    )
    at = f"/v1/sessions/{session['id']}"
    assert http.post(f"{at}/wait", {"timeout_s": 20}).status == 200
    part = http.get(f"{at}/output", Range="bytes=100000-100019")
    assert (part.status, part.body) == (206, b"000010000\n000010001\n")
    assert part.headers["content-range"] == "bytes 100000-100019/200000"
    assert http.get(f"{at}/output", Range="bytes=-10").body == b"000019999\n"
    clipped = http.get(f"{at}/output?limit_bytes=5", Range="bytes=10-")
    assert (clipped.body, clipped.headers["content-range"]) == (b"00000", "bytes 10-14/200000")
    assert http.get(f"{at}/output", **{"Range": "bytes=1-2", "If-Range": '"x"'}).status == 200
    assert http.get(f"{at}/output", Range="lines=1-2").status == 200
    for asked in ("bytes=200000-", "bytes=2-1", "bytes=1-2,4-5"):
        refused = http.get(f"{at}/output", Range=asked)
        assert is_problem(refused, 416, "range")
        assert refused.headers["content-range"] == "bytes */200000"
    assert is_problem(http.get(f"{at}/output?from_offset=1", Range="bytes=1-2"), 422, "invalid", "not both")


def test_a_range_that_has_left_the_ring_says_where_the_output_begins(http: Http) -> None:
    flood = "i=0; while [ $i -lt 400 ]; do printf '%0999d\\n' $i; i=$((i+1)); done"
    session = create(http, "sh", "-c", flood, pipe=True, ring_bytes=64 * 1024)
    at = f"/v1/sessions/{session['id']}"
    assert http.post(f"{at}/wait", {"timeout_s": 20}).status == 200
    assert is_problem(http.get(f"{at}/output", Range="bytes=0-9"), 416, "range", "begins at offset")
    rest = http.get(f"{at}/output", Range="bytes=0-")
    begin = int(rest.headers["roost-start-offset"])
    assert (rest.status, begin > 0, len(rest.body)) == (206, True, 400_000 - begin)
    assert rest.headers["content-range"] == f"bytes {begin}-399999/400000"
    assert rest.headers["roost-missed-bytes"] == str(begin)


def test_a_wait_is_given_up_when_its_client_goes_away(http: Http) -> None:
    session = create(http, "sleep", "1000")
    for _ in range(3):
        connection = http.connection()
        connection.request("POST", f"/v1/sessions/{session['id']}/wait", b"{}", {"Content-Type": "application/json"})
        connection.sock.close()
        connection.close()
    assert is_problem(http.post(f"/v1/sessions/{session['id']}/wait", {"timeout_s": 0.01}), 408, "timeout")


def test_metrics_can_be_read_by_a_monitoring_system(http: Http) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    answer = http.get("/v1/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    found = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}  # type: ignore[no-untyped-call]
    assert {"roost_sessions", "roost_events", "roost_http_requests", "roost_retained_bytes"} <= set(found)


def test_the_documentation_page_asks_nothing_of_other_sites(http: Http) -> None:
    page = http.get("/docs")
    assert page.status == 200
    assert b"http://" not in page.body and b"https://" not in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]
    document = http.get("/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert {"/v1/sessions", "/v1/sessions/{target}/output", "/v1/events"} <= set(document["paths"])


def test_input_leaves_a_trail_without_its_contents(shared: Instance, http: Http) -> None:
    session = create(http, "cat")
    http.post(f"/v1/sessions/{session['id']}/input", b"secret\n")
    shared.roost("send", "--to", session["id"], "secret")
    trail = shared.root / "state/roost/audit.jsonl"

    def lines() -> list[dict[str, Any]]:
        text = trail.read_text() if trail.exists() else ""
        return [line for line in map(json.loads, text.splitlines()) if line["session_id"] == session["id"]]

    found = eventually(lambda: lines() if sum(line["bytes"] for line in lines()) == 14 else None)
    assert found is not None
    assert {line["client"].partition(":")[0] for line in found} == {"unix"}
    assert f"unix:{os.getpid()}" in {line["client"] for line in found}
    assert "secret" not in trail.read_text()
    assert trail.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def own_address(shared: Instance) -> Iterator[tuple[Http, str]]:
    """A session with an address of its own, and a token."""
    with shared.client() as client:
        session = client.spawn(["cat"], name="alone", options={"listen": {"address": "127.0.0.1:0"}})
        _, text = client.access.create_token("admin")
        (url,) = [a["url"] for a in client.access.addresses() if a["session"] == session.id]
        yield Http(url, text), session.id
        session.terminate(grace_s=0)
        session.purge()
        assert url not in [a["url"] for a in client.access.addresses()], "it closes when the session is forgotten"


def test_a_sessions_own_address_reaches_that_session_only(http: Http, own_address: tuple[Http, str]) -> None:
    other = create(http, "sleep", "1000", name="alone-too")
    own, own_id = own_address
    assert own.get("/v1/sessions/-").json["id"] == own_id
    assert own.get("/v1/sessions/alone").json["id"] == own_id
    assert [info["id"] for info in own.get("/v1/sessions").json["sessions"]] == [own_id]
    for target in (other["id"], other["name"], str(other["pid"]), "-x"):
        problem = own.get(f"/v1/sessions/{target}")
        assert is_problem(problem, 404, "not_found") and other["id"] not in problem.json["detail"].replace(target, "")
    assert is_problem(own.post("/v1/sessions", {"argv": ["ls"]}), 403, "denied")
    assert is_problem(own.get("/v1/metrics"), 403, "denied")
    quoted = own.url.replace("/", "%2F")
    assert (
        http.get(f"/v1/sessions/{quoted}").json["id"] == own_id
    )  # the address of one is that one, wherever it is asked
    assert is_problem(http.get(f"/v1/sessions/{quoted}%2F{other['id']}"), 404, "not_found", "single session")
    assert is_problem(http.get("/v1/sessions/http:%2F%2F127.0.0.1:1%2Fx"), 422, "invalid", "asked there")
    assert is_problem(own.get("/v1/tokens"), 403, "denied")
    assert is_problem(own.post("/v1/calls/sessions.get", {"params": {"target": other["id"]}}), 404, "not_found")
    assert is_problem(own.post("/v1/calls/sessions.purge", {"params": {"targets": [other["id"]]}}), 403, "denied")
    assert own.post("/v1/calls/sessions.get", {"params": {}}).json["result"]["id"] == own_id
    asked = http.post("/v1/approvals", {"tool": "other", "target": other["id"], "wait": False}).json["id"]
    mine = own.post("/v1/approvals", {"tool": "mine", "wait": False}).json
    assert mine["session_id"] == own_id
    assert [one["id"] for one in own.get("/v1/approvals").json["approvals"]] == [mine["id"]]
    assert is_problem(own.post("/v1/approvals", {"tool": "x", "target": other["id"]}), 404, "not_found")
    for answer in (
        own.get(f"/v1/approvals/{asked}"),
        own.post(f"/v1/approvals/{asked}", {"decision": "approve"}),
        own.ask("DELETE", f"/v1/approvals/{asked}"),
        own.post("/v1/calls/approvals.answer", {"params": {"id": asked, "decision": "approve"}}),
    ):
        assert is_problem(answer, 404, "not_found")
    assert own.post(f"/v1/approvals/{mine['id']}", {"decision": "deny"}).json["state"] == "denied"
    assert http.ask("DELETE", f"/v1/approvals/{asked}").json["state"] == "expired"
