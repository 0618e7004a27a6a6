"""The verbs about addresses and tokens, as data. See `roost.client.calls`, whose form they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roost.client.calls import Call


def listen(address: str, hosts: Sequence[str]) -> Call[str]:
    def read(result: Mapping[str, Any], _data: bytes) -> str:
        return str(result["url"])

    return Call("http.listen", read, {"address": address, "hosts": list(hosts)}, repeatable=True)


def unlisten(address: str) -> Call[list[str]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[str]:
        return [str(url) for url in result["urls"]]

    return Call("http.unlisten", read, {"address": address})


def addresses() -> Call[list[dict[str, Any]]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[dict[str, Any]]:
        return [dict(entry) for entry in result["addresses"]]

    return Call("http.status", read, repeatable=True)


def create_token(scope: str, name: str, lasts_s: float | None) -> Call[tuple[dict[str, Any], str]]:
    def read(result: Mapping[str, Any], _data: bytes) -> tuple[dict[str, Any], str]:
        return dict(result["token"]), str(result["text"])

    return Call("tokens.create", read, {"scope": scope, "name": name, "lasts_s": lasts_s})


def list_tokens() -> Call[list[dict[str, Any]]]:
    def read(result: Mapping[str, Any], _data: bytes) -> list[dict[str, Any]]:
        return [dict(entry) for entry in result["tokens"]]

    return Call("tokens.list", read, repeatable=True)


def revoke_token(which: str) -> Call[dict[str, Any]]:
    def read(result: Mapping[str, Any], _data: bytes) -> dict[str, Any]:
        return dict(result)

    return Call("tokens.revoke", read, {"which": which})


def create_ticket(scope: str, name: str) -> Call[str]:
    def read(result: Mapping[str, Any], _data: bytes) -> str:
        return str(result["ticket"])

    return Call("tickets.create", read, {"scope": scope, "name": name})
