"""Over TCP nobody asks without a credential, no other page asks at all, and nothing secret is kept or told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.http import Answer, Http
from support.instance import Instance, eventually

from roost.client.access import Access
from roost.errors import RoostError


@pytest.fixture(scope="module")
def access(shared: Instance) -> Iterator[Access]:
    """Tokens and addresses of the shared roost."""
    with shared.client() as client:
        yield client.access


@pytest.fixture(scope="module")
def url(access: Access) -> str:
    """A TCP address of the shared roost."""
    return access.listen("127.0.0.1:0")


def token(access: Access, scope: str, **options: Any) -> str:
    return access.create_token(scope, **options)[1]


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["kind"]


def test_without_a_credential_there_is_health_and_nothing_else(url: str) -> None:
    nobody = Http(url)
    assert nobody.get("/v1/health").json["status"] == "ok"
    for path in ("/v1/sessions", "/v1/events", "/v1/metrics", "/v1/daemon", "/v1/tokens", "/v1/sessions/-/output"):
        answer = nobody.get(path)
        assert kind(answer) == (401, "unauthenticated"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert kind(nobody.post("/v1/calls/daemon.stop", {})) == (401, "unauthenticated")
    assert "access-control-allow-origin" not in nobody.ask("OPTIONS", "/v1/sessions").headers


def test_each_scope_opens_what_it_names(access: Access, url: str) -> None:
    reader, typist, admin = (Http(url, token(access, scope)) for scope in ("read", "type", "admin"))
    session = admin.post("/v1/sessions", {"argv": ["cat"]}).json["session"]["id"]
    assert kind(reader.post("/v1/sessions", {"argv": ["ls"]})) == (403, "denied")
    assert kind(typist.post("/v1/sessions", {"argv": ["ls"]})) == (403, "denied")
    assert reader.get(f"/v1/sessions/{session}").status == 200
    assert kind(reader.post(f"/v1/sessions/{session}/input", b"x")) == (403, "denied")
    assert typist.post(f"/v1/sessions/{session}/input", b"x").status == 200
    assert kind(typist.ask("DELETE", f"/v1/sessions/{session}")) == (403, "denied")
    assert kind(typist.post("/v1/calls/daemon.stop", {})) == (403, "denied")
    assert kind(reader.post("/v1/calls/sessions.env", {"params": {}})) == (403, "denied"), (
        "what is not listed is closed"
    )
    assert kind(typist.post("/v1/tickets", {"scope": "admin"})) == (403, "denied"), (
        "nobody passes on more than they have"
    )
    assert admin.ask("DELETE", f"/v1/sessions/{session}?forget=true").status == 200


def test_a_token_ends_when_it_is_revoked_or_expires(access: Access, url: str) -> None:
    about, text = access.create_token("read", name="soon gone")
    assert Http(url, text).get("/v1/sessions").status == 200
    access.revoke_token("soon gone")
    assert kind(Http(url, text).get("/v1/sessions")) == (401, "unauthenticated")
    assert about["id"] not in [t["id"] for t in access.tokens()]
    short = Http(url, token(access, "read", lasts_s=0.3))
    eventually(lambda: short.get("/v1/sessions").status == 401)


def test_tokens_are_kept_as_hashes_in_a_file_of_ones_own(shared: Instance, access: Access) -> None:
    text = token(access, "read")
    path = shared.root / "state/roost/tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert text.rpartition("_")[2] not in path.read_text()


def test_a_token_in_a_url_is_refused_even_if_it_is_a_good_one(access: Access, url: str) -> None:
    text = token(access, "read")
    for name in ("token", "access_token"):
        assert kind(Http(url).get(f"/v1/sessions?{name}={text}")) == (422, "invalid")
        assert kind(Http(url, text).get(f"/v1/sessions?{name}={text}")) == (422, "invalid")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/health", "/v1/sessions", "/docs", "/v1/openapi.json", "/assets/x", "/nothing"])
def test_other_hosts_and_pages_are_refused_on_every_route_also_with_a_token(
    access: Access, url: str, path: str, headers: dict[str, str]
) -> None:
    assert kind(Http(url, token(access, "admin")).get(path, **headers)) == (403, "denied")


def test_two_host_headers_are_one_too_many(url: str) -> None:
    connection = Http(url).connection()
    connection.putrequest("GET", "/v1/health")
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["kind"]) == (400, "malformed")
    connection.close()


# --- browsers ---------------------------------------------------------------------------------------------------------


def login(url: str, ticket: str) -> Answer:
    return Http(url).post("/v1/login", {"ticket": ticket}, Origin=url)


def test_a_ticket_lets_one_browser_in_once(access: Access, url: str) -> None:
    ticket = access.ticket("type")
    answer = login(url, ticket)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert kind(login(url, ticket)) == (401, "unauthenticated"), "a replayed ticket"
    assert kind(login(url, "x" * 43)) == (401, "unauthenticated")
    held = {"Cookie": cookie.partition(";")[0]}
    browser = Http(url)
    assert browser.get("/v1/me", **held).json["scope"] == "type"
    assert kind(browser.post("/v1/calls/sessions.list", {"params": {}}, **held)) == (403, "denied"), "no Origin"
    assert browser.post("/v1/calls/sessions.list", {"params": {}}, **held, Origin=url).status == 200
    evil = browser.get("/v1/sessions", **held, Origin="http://evil.example")
    assert kind(evil) == (403, "denied")
    assert browser.post("/v1/logout", None, **held, Origin=url).status == 204
    assert kind(browser.get("/v1/me", **held)) == (401, "unauthenticated")


def test_a_browser_stays_let_in_when_the_daemon_is_killed_and_comes_back(instance: Instance) -> None:
    with instance.client() as client:
        url = client.access.listen("127.0.0.1:0")
        cookie = login(url, client.access.ticket("read")).headers["set-cookie"].partition(";")[0]
        text = client.access.create_token("read")[1]
    instance.kill_daemon()
    assert Http(url).get("/v1/me", Cookie=cookie).json["scope"] == "read", "at the same address too"
    assert Http(url, text).get("/v1/sessions").status == 200


def test_a_file_of_tokens_that_cannot_be_read_lets_nobody_in_and_is_not_written_over(instance: Instance) -> None:
    with instance.client() as client:
        url = client.access.listen("127.0.0.1:0")
        text = client.access.create_token("admin")[1]
        path = instance.root / "state/roost/tokens.json"
        path.write_text("{")
        assert kind(Http(url, text).get("/v1/sessions")) == (503, "unavailable")
        with pytest.raises(RoostError, match=r"tokens\.json"):
            client.access.create_token("read")
        assert path.read_text() == "{"
        assert client.access.addresses(), "the user's own socket goes on"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_beyond_this_machine_it_does_not_listen_without_a_token(instance: Instance) -> None:
    refused = instance.roost("serve", "--listen", "0.0.0.0:0", check=False)
    assert (refused.returncode, b"roost token create" in refused.stderr) == (1, True)
    run = instance.roost("run", "-d", "--listen", "0.0.0.0:0", "--", "sleep", "1000", check=False)
    assert (run.returncode, b"token" in run.stderr) == (1, True)
    text = instance.roost("token", "create").stdout.decode().strip()
    url = instance.roost("serve", "--listen", "0.0.0.0:0").stdout.decode().strip()
    port = url.rpartition(":")[2]
    answer = Http(f"http://127.0.0.1:{port}", text).get("/v1/sessions", Host=f"127.0.0.1:{port}")
    assert answer.status == 200
    assert Http(f"http://127.0.0.1:{port}", text).get("/v1/sessions", Host=f"rebound.example:{port}").status == 403
    assert instance.roost("serve", "--stop", "all").returncode == 0
    assert [a["local"] for a in instance.json("serve")["addresses"]] == [True]


def test_the_configuration_says_where_to_listen_and_a_reload_changes_it(instance: Instance) -> None:
    config = instance.root / "config/roost/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[http]\nlisten = "127.0.0.1:0"\n')
    instance.roost("daemon", "reload")
    (url,) = [a["url"] for a in instance.json("serve")["addresses"] if not a["local"]]
    assert Http(url).get("/v1/health").status == 200
    config.write_text('[http]\nlisten = ["127.0.0.1:0", "0.0.0.0:0"]\n')
    refused = instance.roost("daemon", "reload", check=False)
    assert (refused.returncode, b"no token" in refused.stderr) == (1, True)
    assert Http(url).get("/v1/health").status == 200, "a refused configuration changes nothing"
    config.write_text("")
    instance.roost("daemon", "reload")
    assert [a["local"] for a in instance.json("serve")["addresses"]] == [True]


def test_who_guesses_is_slowed_down_and_who_has_a_token_is_not(instance: Instance) -> None:
    with instance.client() as client:
        url = client.access.listen("127.0.0.1:0")
        text = client.access.create_token("read")[1]
    statuses = [Http(url, f"guess-{n}").get("/v1/sessions").status for n in range(30)]
    assert 429 in statuses and set(statuses) == {401, 429}
    assert Http(url, text).get("/v1/sessions").status == 200


def test_a_client_that_asks_too_often_is_told_when_to_come_back(access: Access, url: str) -> None:
    client = Http(url, token(access, "read"))
    connection = client.connection()
    statuses = []
    for _ in range(3000):
        connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {client.token}"})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        if response.status == 429:
            assert int(response.headers["Retry-After"]) >= 1
            break
    connection.close()
    assert statuses[-1] == 429 and statuses[0] == 200


def test_one_connection_too_many_is_told_so(instance: Instance) -> None:
    path = f"{instance.root}/run/roost/http.sock"
    assert Http(f"unix:{path}").get("/v1/health").status == 200
    held = []
    try:
        answer = b""
        for _ in range(600):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(20)
            sock.connect(path)
            held.append(sock)
        held[-1].sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = held[-1].recv(4096)
        assert answer.startswith(b"HTTP/1.1 503") and b"limit" in answer
    finally:
        for sock in held:
            sock.close()
    eventually(lambda: Http(f"unix:{path}").get("/v1/health").status == 200)


def test_connections_over_tcp_never_keep_the_user_from_the_unix_socket(shared: Instance, url: str) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    local = Http(f"unix:{shared.root}/run/roost/http.sock")
    assert Http(url).get("/v1/health").status == 200
    held: list[socket.socket] = []
    try:
        for _ in range(520):  # more than there may be of all kinds together
            held.append(socket.create_connection((host, int(port)), 20))
            held[-1].sendall(b"GET /v1/health HTTP/1.1\r\nHost: ")
        held[-1].settimeout(20)
        assert held[-1].recv(12) == b"HTTP/1.1 503"
        assert local.get("/v1/health").status == 200
    finally:
        for one in held:
            one.close()
    eventually(lambda: Http(url).get("/v1/health").status == 200)
