"""Where OpenLineage's clients send their events: the address of their `http` transport, one event or a list of them.

An answer with 201 means that it is on the disk; it counts from the next sync on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from headway.project.lineage_received import take, take_batch
from headway.web.access.limits import LARGEST_EVENTS
from headway.web.api.described import errors, shaped
from headway.web.api.questions import only
from headway.web.current import Current
from headway.web.failures import Failed, failed

_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: shaped("object", "Written down; counts from the next sync on."),
    **errors(writes=True),
    415: {**errors()[400], "description": "It is no JSON, or packed in a way that is not read."},
}


def lineage_routes(router: APIRouter, current: Current) -> None:
    """Add POST of events."""

    @router.post(
        "/api/v1/lineage",
        responses=_ANSWERS,
        status_code=201,
        tags=["lineage"],
        operation_id="lineage",
        openapi_extra=_takes({"type": "object", "required": ["eventTime"]}),
    )
    async def one(request: Request) -> Response:
        """Take an OpenLineage event: of a run, a job or a dataset. Its body may be packed with gzip."""
        only(request, ())
        return await _with_body(request, lambda body: _one(current, body))

    @router.post(
        "/api/v1/lineage/batch",
        responses=_ANSWERS,
        status_code=201,
        tags=["lineage"],
        operation_id="lineage-batch",
        openapi_extra=_takes({"type": "array", "items": {"type": "object"}}),
    )
    async def several(request: Request) -> Response:
        """Take a list of OpenLineage events. What is none is refused, by its position; the others are taken."""
        only(request, ())
        return await _with_body(request, lambda body: _several(current, body))


def _one(current: Current, body: bytes) -> dict[str, Any]:
    take(current.now().project.config.root, body, datetime.now(UTC))
    return {"status": "success"}


def _several(current: Current, body: bytes) -> dict[str, Any]:
    taken, refused = take_batch(current.now().project.config.root, body, datetime.now(UTC))
    return {
        "status": "partial_success" if refused else "success",
        "summary": {"received": taken + len(refused), "successful": taken, "failed": len(refused)},
        "failed_events": [{"index": i, "reason": reason, "retriable": False} for i, reason in refused],
    }


async def _with_body(request: Request, act: Callable[[bytes], dict[str, Any]]) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if kind != "application/json" or packed not in {"identity", "gzip"}:
        said = "Events are sent as application/json, plain or packed with gzip."
        return failed(request, Failed(415, "This cannot be read", said))
    body = await request.body()
    if packed == "gzip":
        unpacked = _unpacked(body)
        if unpacked is None:
            said = f"It is no gzip, or more than {LARGEST_EVENTS:,} bytes when it is unpacked."
            return failed(request, Failed(413, "This is too much", said))
        body = unpacked
    said_back = await run_in_threadpool(act, body)
    return Response(msgspec.json.encode(said_back), 201, {"cache-control": "no-store"}, media_type="application/json")


def _unpacked(body: bytes) -> bytes | None:
    """The content of one gzip member, unless it is none, cut short, or larger than anything that is meant here."""
    member = zlib.decompressobj(wbits=31)
    try:
        plain = member.decompress(body, LARGEST_EVENTS + 1)
    except zlib.error:
        return None
    return plain if member.eof and len(plain) <= LARGEST_EVENTS else None


def _takes(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
