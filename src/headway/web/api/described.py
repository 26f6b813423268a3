"""What OpenAPI says about the routes, and errors of parameters in the shape of all the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from headway import __version__
from headway.render.as_json import schema
from headway.web.access.permissions import LEAST, kind_of
from headway.web.failures import Failed, failed

_MOST_SAID = 5
"""Parameters that an error tells about at most."""

_ERRORS = {
    400: "It cannot be answered as it was asked.",
    401: "Nobody is signed in, or the token does not hold.",
    403: "The role does not reach, or the request was not meant.",
    404: "There is nothing of that name.",
    405: "The address does not take this method.",
    408: "The body took too long to arrive.",
    409: "The same write (Idempotency-Key) is being done, was interrupted, or its answer was too large to be kept.",
    413: "The body is too large.",
    421: "The server is not known by this name.",
    422: "A parameter or the body is not what it should be.",
    429: "This address has tried too often.",
    500: "A defect, or a setting that cannot be; its reference is in the log.",
    502: "The warehouse or another system did not answer.",
    503: "The store cannot be reached, or too much is asked at once.",
}

ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "headline", "message", "hint", "reference"],
            "additionalProperties": False,
            "properties": {
                "status": {"type": "integer"},
                "headline": {"type": "string"},
                "message": {"type": "string", "description": "One sentence."},
                "hint": {"type": "string", "description": "What would be right, or ''."},
                "reference": {"type": "string", "description": "Finds a defect in the server's log, or ''."},
            },
        }
    },
}


_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Sent again within a day with the same key, the same request is done once and answered as it was, with "
        "Idempotent-Replayed: true. Another request under the key is 422, one that is being done 409."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
}


def errors(*, writes: bool = False) -> dict[int | str, dict[str, Any]]:
    """The errors that a route can answer, for OpenAPI."""
    only_writes = {408, 409, 413}
    found: dict[int | str, dict[str, Any]] = {}
    for status, meaning in _ERRORS.items():
        if writes or status not in only_writes:
            body = {"text/plain": {"schema": {"type": "string"}}} if status == 421 else _json("error")
            found[status] = {"description": meaning, "content": body}
    if not writes:
        found[304] = {"description": "What was answered before (If-None-Match) still holds."}
    return found


def shaped(name: str, description: str = "The answer.", *, paged: bool = False) -> dict[str, Any]:
    """What a route answers when all is well: a schema of the components."""
    said: dict[str, Any] = {"description": description, "content": _json(name)}
    if paged:
        said["headers"] = {
            "X-Total-Count": {"description": "Rows that there are in all.", "schema": {"type": "integer"}},
            "Link": {
                "description": "The first, previous, next and last rows (RFC 8288).",
                "schema": {"type": "string"},
            },
        }
    return said


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def document(routes: Sequence[BaseRoute], base: str = "") -> dict[str, Any]:
    """The OpenAPI document of some routes, below the path where a proxy puts them."""
    found = get_openapi(
        title="Headway",
        version=__version__,
        summary="Which company goal each model, metric and dashboard serves.",
        description=(
            "Answers are those of the command line, in the same JSON. Reading needs the role viewer. Send an API token "
            "as `Authorization: Bearer …`, or the cookie of a session; a write with a cookie, or where nobody has to "
            "sign in, also needs the token that GET /api/me gives, as X-CSRF-Token."
        ),
        routes=routes,
        servers=[{"url": base or "/"}],
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    answers = json.loads(json.dumps(schema()["$defs"]).replace("#/$defs/", "#/components/schemas/"))
    schemas |= answers | {"error": ERROR, "object": {"type": "object"}}
    found["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "headway_session"},
    }
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            least = LEAST[kind_of(method, path)]
            operation["security"] = [{"token": []}, {"session": []}] if least else []
            operation["x-least-role"] = least
            if method == "post":
                operation.setdefault("parameters", []).append(_ONCE)
    return found


async def invalid(request: Request, error: Exception) -> Response:
    """Parameters or a body that are not what they should be: which, and what would be right. Never what was sent."""
    assert isinstance(error, RequestValidationError)
    said = []
    for one in error.errors()[:_MOST_SAID]:
        where = [str(part)[:60] for part in one["loc"] if part not in ("body", "query", "path")]
        said.append(f"{'.'.join(where) or 'the body'}: {one['msg'][:1].lower()}{one['msg'][1:200]}")
    message = "; ".join(said)
    return failed(request, Failed(422, "This is not what it should be", f"{message[:1].upper()}{message[1:]}."))
