"""What can be called: `daemon.calls`, the roost calls of this daemon and the parameters of each.

Owns how a parameter's type is told. The page docs/calls.md is made from it (`tools/generate_calls.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from roost.daemon.calls import Calls, Method, NoParams, Result


def described(methods: Mapping[str, Method[Any]]) -> list[dict[str, Any]]:
    """Each call by its name: what its parameters are about, and which there are."""
    return [
        {
            "name": name,
            "about": " ".join((method.params.__doc__ or "").split()),
            "params": [_parameter(field) for field in msgspec.structs.fields(method.params)],
        }
        for name, method in sorted(methods.items())
    ]


def _parameter(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": field.encode_name, "type": _type(field.type), "required": field.required}
    if field.default is not msgspec.NODEFAULT:
        shown["default"] = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        shown["default"] = field.default_factory()
    return shown


def _type(kind: Any) -> str:
    """A type in the words of JSON Schema; alternatives with a bar."""
    schema = msgspec.json.schema(kind)
    return _words(schema, schema.get("$defs", {}))


def _words(schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _words(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return " | ".join(_words(one, known) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"array of {_words(schema.get('items', {}), known)}"
    return kind


async def _calls(calls: Calls, _p: NoParams, _data: bytes) -> Result:
    return {"calls": described(calls.methods)}, b""


METHODS = {"daemon.calls": Method(NoParams, _calls)}
