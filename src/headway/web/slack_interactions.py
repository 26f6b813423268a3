"""What Slack sends: presses of buttons, and answers in threads. Believed for its signature, and taken once.

Slack waits three seconds for it to be taken, so it is taken first and decided then; what became of a press goes to the
address that came with it, what became of an answer into its thread. A press is a form with JSON in it, an event of the
Events API (https://docs.slack.dev/apis/events-api) is JSON: both come to one address. Signatures are those of https://docs.slack.dev/authentication/verifying-requests-from-slack:
HMAC-SHA256 over `v0:<timestamp>:<body>`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headway.errors import HeadwayError
from headway.project.replies import ACTIONS, answered, decider
from headway.project.thread_replies import Reply, taken
from headway.sinks.slack import in_thread
from headway.web.current import Current

LOG = logging.getLogger("headway.web")

SECRET = "HEADWAY_SLACK_SIGNING_SECRET"  # noqa: S105 - the name of a variable
OLDEST = 300.0
"""Seconds that a press may be old, or ahead: older ones may be somebody's copy."""


class _Who(msgspec.Struct, frozen=True):
    id: str = ""
    team_id: str = ""


class _Team(msgspec.Struct, frozen=True):
    id: str = ""


class _Action(msgspec.Struct, frozen=True):
    action_id: str = ""
    block_id: str = ""
    value: str = ""


class _Given(msgspec.Struct, frozen=True):
    value: str | None = None


class _Values(msgspec.Struct, frozen=True):
    values: dict[str, dict[str, _Given]] = {}


class _Sent(msgspec.Struct, frozen=True):
    ts: str = ""
    thread_ts: str = ""


class _Payload(msgspec.Struct, frozen=True):
    type: str = ""
    user: _Who = _Who()
    team: _Team | None = None
    actions: tuple[_Action, ...] = ()
    state: _Values | None = None
    response_url: str = ""
    message: _Sent | None = None


class _Message(msgspec.Struct, frozen=True):
    type: str = ""
    subtype: str | None = None
    user: str = ""
    team: str = ""
    bot_id: str | None = None
    app_id: str | None = None
    channel: str = ""
    text: str = ""
    ts: str = ""
    thread_ts: str = ""


class _Event(msgspec.Struct, frozen=True):
    """`event_callback`, or `url_verification` with a challenge."""

    type: str = ""
    challenge: str = ""
    team_id: str = ""
    event: _Message = _Message()


def interaction_routes(current: Current, *, clock: Callable[[], float] = time.time) -> list[Route]:
    """Where Slack sends presses and answers to. It is not there where headway.yml lets nobody decide in Slack."""
    presses = _Presses(current, clock)
    return [Route("/slack/interactions", presses.take, methods=["POST"], name="slack")]


class _Presses:
    def __init__(self, current: Current, clock: Callable[[], float]) -> None:
        self._current = current
        self._clock = clock
        self._lock = threading.Lock()
        self._deciding = threading.Lock()
        self._seen: dict[str, float] = {}
        """Signatures that were taken, with when they are too old to be sent again."""

    async def take(self, request: Request) -> Response:
        """Take a press, and decide once that was said."""
        project = self._current.now().project
        secret = project.environment.get(SECRET, "").strip()
        if not secret or project.config.slack is None or not project.config.slack.deciders:
            return PlainTextResponse("There is nothing here.", 404)
        body = await request.body()
        refused = self._refused(secret, request, body)
        if refused:
            return PlainTextResponse(refused, 401)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            return self._event(body)
        try:
            payload = msgspec.json.decode(_field(body), type=_Payload)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return PlainTextResponse("This is no press of a button.", 400)
        ours = [action for action in payload.actions if action.action_id in ACTIONS]
        if payload.type != "block_actions" or not ours:
            return Response(status_code=200)  # a field that was left, a button that is a link
        return Response(status_code=200, background=BackgroundTask(self._decide, payload, ours[0]))

    def _event(self, body: bytes) -> Response:
        """Take an event: a challenge is answered, an answer in a thread is looked at once that was said."""
        try:
            said = msgspec.json.decode(body, type=_Event)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return PlainTextResponse("This is no event of Slack.", 400)
        if said.type == "url_verification":
            return PlainTextResponse(said.challenge[:1_000])
        reply = _reply(said)
        return Response(status_code=200, background=BackgroundTask(self._hear, reply) if reply else None)

    def _hear(self, reply: Reply) -> None:
        project = self._current.now().project
        slack = project.config.slack
        try:
            with self._deciding:
                answer = taken(project, reply)
            if answer and slack is not None:
                token = project.environment.get("HEADWAY_SLACK_TOKEN", "").strip()
                in_thread(reply.channel, reply.thread, answer, token=token, api=slack.api)
        except HeadwayError as error:
            LOG.warning("an answer in Slack could not be taken, or not be answered: %s", error)
        self._current.refresh()

    def _refused(self, secret: str, request: Request, body: bytes) -> str:
        """Why a request is not believed; '' when it is, and then it is not believed again."""
        at = request.headers.get("x-slack-request-timestamp", "")
        given = request.headers.get("x-slack-signature", "")
        if not (at.isascii() and at.isdigit() and len(at) <= 12):
            return "The request does not say when it was sent."
        now = self._clock()
        if abs(now - int(at)) > OLDEST:
            return "The request is too old, or from a clock that is wrong."
        wanted = "v0=" + hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            return "The signature is not that of the app."
        with self._lock:
            self._seen = {known: until for known, until in self._seen.items() if until > now}
            if wanted in self._seen:
                return "The request was taken already."
            self._seen[wanted] = int(at) + OLDEST + 1
        return ""

    def _decide(self, payload: _Payload, action: _Action) -> None:
        project = self._current.now().project
        own = payload.team is not None and bool(payload.team.id) and payload.user.team_id == payload.team.id
        by = decider(project, payload.user.id, own=own)
        said = payload.state.values if payload.state else {}
        why = said.get("why-" + action.block_id.removeprefix("do-"), {}).get("why", _Given()).value or ""
        message = payload.message or _Sent()
        thread = message.thread_ts or message.ts
        try:
            with self._deciding:
                answered(
                    project, action.action_id, action.value, by=by, reason=why, url=payload.response_url, thread=thread
                )
        except HeadwayError as error:
            # What was decided is decided; only its answer could not be given.
            LOG.warning("a press in Slack could not be answered: %s", error)
        if by:
            self._current.refresh()


def _reply(said: _Event) -> Reply | None:
    """What a person wrote in a thread; None for everything else, such as what a bot says, and what was edited."""
    event = said.event
    written = said.type == "event_callback" and event.type == "message" and event.subtype in {None, "thread_broadcast"}
    bot = event.bot_id or event.app_id
    thread = event.thread_ts and event.thread_ts != event.ts
    if not written or bot or not thread or not (event.user and event.ts and event.channel and event.text.strip()):
        return None
    own = bool(said.team_id) and event.team == said.team_id
    return Reply(event.channel, event.thread_ts, event.ts, event.user, event.text, own)


def _field(body: bytes) -> str:
    """The field `payload` of the form. Raises ValueError."""
    found = parse_qs(body.decode("ascii"), max_num_fields=8).get("payload", [])
    if len(found) != 1:
        raise ValueError
    return found[0]
