"""The OpenAPI 3.1 document, made from what the routes really take and give.

Owns the form. A route's description carries the schemas it refers to under `components`, which are gathered here.
Source: OpenAPI Specification 3.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from roost.daemon.calls import Method
from roost.daemon.http import schemas
from roost.version import __version__

if TYPE_CHECKING:
    from roost.daemon.http.operations import Operation
    from roost.daemon.http.routes import Route

_REF = "#/components/schemas/{name}"
_TARGET = (
    "A session: its id, name, an unambiguous part of either, or its pid. `-` is the latest live one. "
    "Several matches answer 409 and are listed."
)
_ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}


def describe(operation: Operation, method: Method[Any] | None) -> dict[str, Any]:
    """The description of a roost call's route."""
    components: dict[str, Any] = {}
    result = schema_of(operation.result, components) if operation.result is not None else _ANY_OBJECT
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "x-roost-call": operation.call,
        "x-roost-scope": operation.scope,
        "parameters": [path_parameter(name) for name in _places(operation.path)],
        "responses": answers({operation.status: ("Done", {"application/json": {"schema": result}})}, components),
        "components": components,
    }
    if method is None:
        described["x-roost-missing"] = True
        return described
    schema = _params_schema(operation, method, components)
    described["description"] = (method.params.__doc__ or "").strip()
    if operation.verb in ("GET", "DELETE"):
        required = schema.get("required", ())
        described["parameters"] += [
            {"name": name, "in": "query", "required": name in required, "schema": _in_query(one), **_explode(one)}
            for name, one in schema["properties"].items()
        ]
    else:
        described["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _params_schema(operation: Operation, method: Method[Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema of what the path does not say already."""
    (_, own) = msgspec.json.schema_components((method.params,), ref_template=_REF)
    schema: dict[str, Any] = own.pop(method.params.__name__)
    components.update(own)
    taken = {*map(operation.parameter, _places(operation.path)), *operation.fixed}
    properties = {name: one for name, one in schema["properties"].items() if name not in taken}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in schema.get("required", ()) if name not in taken],
        "additionalProperties": False,
    }


def _in_query(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null: nothing is said by leaving it out."""
    alternatives = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if not alternatives:
        return dict(schema)
    return dict(alternatives[0]) if len(alternatives) == 1 else {"anyOf": alternatives}


def _explode(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"style": "form", "explode": True} if _in_query(schema).get("type") == "array" else {}


def _places(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{") and not part.endswith("...}")]


def path_parameter(name: str) -> dict[str, Any]:
    """A place in a path."""
    about = {"description": _TARGET} if name == "target" else {}
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, **about}


def query_parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    """A parameter that may be left out."""
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": about}


def schema_of(kind: Any, components: dict[str, Any]) -> dict[str, Any]:
    """A reference to a type's schema, which is added to the components."""
    (schema,), own = msgspec.json.schema_components((kind,), ref_template=_REF)
    components.update(own)
    return schema


def answers(good: Mapping[int, tuple[str, Mapping[str, Any]]], components: dict[str, Any]) -> dict[str, Any]:
    """Responses: the good ones, and problem details for all the others."""
    problem = {"application/problem+json": {"schema": schema_of(schemas.Problem, components)}}
    found: dict[str, Any] = {
        str(status): {"description": words, **({"content": dict(content)} if content else {})}
        for status, (words, content) in good.items()
    }
    found["default"] = {"description": "What went wrong, and the next step (RFC 9457)", "content": problem}
    return found


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, Any] = {}
    for route in routes:
        if route.described is None:
            continue
        described = dict(route.described)
        components.update(described.pop("components", {}))
        if described.get("x-roost-missing"):
            continue
        if route.public:
            described["security"] = []
        paths.setdefault(route.path, {})["get" if route.verb == "WS" else route.verb.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "roost",
            "version": __version__,
            "description": "Sessions that outlive everything but the machine. Over the Unix socket no credential is "
            "needed: the peer's user is known. Over TCP send a bearer token (`roost token create`).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"browser": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "browser": {"type": "apiKey", "in": "cookie", "name": "roost"},
            },
        },
    }
