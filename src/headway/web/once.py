"""`Idempotency-Key`: a write of the API that is sent again is answered as it was, and done once.

As the draft of the IETF (draft-ietf-httpapi-idempotency-key-header) and payment services have it: the same key with the
same request gives the same answer for a day; with another request 422; while the first is still being done 409.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.errors import HeadwayError
from headway.project import Project
from headway.project.once import Answered, begin, end, fingerprint, leave, subject_of
from headway.web.access.limits import again
from headway.web.access.permissions import READS, route_path
from headway.web.access.person import Person
from headway.web.current import Current
from headway.web.failures import Failed, failed, told

HEADER = "idempotency-key"
REPLAYED = "idempotent-replayed"
_KEY = re.compile(r'"?([!#-~]{1,255})"?')
_GIVEN_BACK = ("content-type", "location")
_UNSURE = frozenset({408, 409, 429})
"""Answers after which one may try again under the same key; those of the server's own trouble too."""


class Once:
    """Around the routes, inside the guard: whoever gets here may write, and meant to."""

    def __init__(self, app: ASGIApp, *, current: Current) -> None:
        self.app = app
        self._current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READS or not route_path(scope).startswith("/api/"):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.getlist(HEADER)
        project = self._current.now().project
        person: Person | None = scope.get("state", {}).get("person")
        if not given or person is None or not project.use_store:
            await self.app(scope, receive, send)
            return
        key = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
        if key is None:
            said = Failed(400, "This key cannot be used", "Idempotency-Key is one text of 1 to 255 letters and signs.")
            await failed(request, said)(scope, receive, send)
            return
        body = await _whole(receive)
        address = f"{route_path(scope)}?{request.url.query}"
        subject = subject_of(f"{person.how}/{person.name}", key[1])
        print_ = fingerprint(scope["method"], address, body)
        try:
            turn = await run_in_threadpool(begin, project, subject, print_, by=person.name)
        except HeadwayError as error:
            await (await told(request, error))(scope, receive, send)
            return
        if turn.state == "ours":
            await self._do(project, subject, person.name, scope, again(body, receive), send)
        else:
            await _answer(request, turn.state, turn.answered)(scope, receive, send)

    async def _do(self, project: Project, subject: str, by: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Do it, note the answer, and only then give it: who has it can rely on it being there."""
        messages: list[Message] = []

        async def kept(message: Message) -> None:
            messages.append(message)

        try:
            await self.app(scope, receive, kept)
        except BaseException:
            await run_in_threadpool(leave, project, subject, by=by)
            raise
        answer = _told(messages)
        if answer.status >= 500 or answer.status in _UNSURE:
            await run_in_threadpool(leave, project, subject, by=by)
        else:
            await run_in_threadpool(end, project, subject, answer, by=by)
        for message in messages:
            await send(message)


async def _whole(receive: Receive) -> bytes:
    """The body, which the guard has read already."""
    parts = []
    while True:
        message: MutableMapping[str, Any] = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _told(messages: list[Message]) -> Answered:
    start = next(m for m in messages if m["type"] == "http.response.start")
    body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
    names = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
    headers = {name: names[name] for name in _GIVEN_BACK if name in names}
    return Answered(status=int(start["status"]), text=body.decode("utf-8", "replace"), kept=True, headers=headers)


def _answer(request: Request, state: str, answered: Answered | None) -> Response:
    if answered is not None and answered.kept:
        headers = {**answered.headers, REPLAYED: "true", "cache-control": "no-store"}
        return Response(answered.text.encode(), answered.status, headers)
    if state == "other":
        said = "This key was used for another request in the last day; a new request needs a new key."
        return failed(request, Failed(422, "This key is taken", said))
    if answered is not None:
        said = f"It was done before, with {answered.status}; the answer was too large to be kept."
        return failed(request, Failed(409, "This was done already", said))
    said = "The same request is being done, or was interrupted; look at what became of it before a new key is used."
    return failed(request, Failed(409, "This was begun already", said))
