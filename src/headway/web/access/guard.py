"""The guard around every route: who is asking, may they, did they mean it. Nothing passes that no row allows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.errors import HeadwayError
from headway.web.access.identity import Identities, Refused
from headway.web.access.limits import (
    BODY_SECONDS,
    LARGEST_BODY,
    LARGEST_EVENTS,
    TooLarge,
    TooSlow,
    Tries,
    again,
    body_of,
)
from headway.web.access.permissions import LEAST, READS, Kind, kind_of, route_path
from headway.web.access.person import Person
from headway.web.failures import Failed, failed, told, wants_json

LOG = logging.getLogger("headway.audit")
"""One line for each write and each refusal: what was tried and how it ended, never by whom or about what."""

FORM_FIELD = "token"
FORM_HEADER = "x-csrf-token"
MOST_FIELDS = 200


class Guard:
    """Lets a request through to the application with its person in `request.state.person`.

    `request.state.form_token` is what its forms must send back; '' where nobody can write.
    """

    def __init__(
        self, app: ASGIApp, *, identities: Identities, largest: int = LARGEST_BODY, seconds: float = BODY_SECONDS
    ) -> None:
        """`largest`: bytes of a body at most; `seconds`: how long one may take to arrive."""
        self.app = app
        self.identities = identities
        self.largest, self.seconds = largest, seconds
        self.tokens_tried = Tries()
        self.logins_tried = Tries(most=30)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        # Nothing here speaks another protocol; the server closes what is not answered.

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in READS and not _taken(scope):
            # No route does anything with it; the router says which of the two it is, 404 or 405.
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        kind = kind_of(scope["method"], route_path(scope))
        refused = self._limited(request, scope)
        if refused is None:
            try:
                # What is signed proves itself where it is read: nobody is believed for coming from this machine.
                person = None if kind == "signed" else self.identities.of(scope)
            except Refused as refusal:
                refused = self._not_believed(request, scope, refusal)
            except HeadwayError as error:
                refused = await told(request, error)
            else:
                refused = _not_allowed(request, person, kind, login=bool(self._ways()))
                self._introduce(scope, person)
        if refused is None and scope["method"] not in READS:
            refused, receive = await self._meant(request, receive, scope["state"]["person"], kind)
        if refused is not None:
            _note(scope, kind, refused.status_code)
            await refused(scope, receive, send)
            return
        if scope["method"] in READS:
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _noting(scope, kind, send))

    def _ways(self) -> set[str]:
        return {"oidc", "tokens"} & set(self.identities.serve.auth)

    def _introduce(self, scope: Scope, person: Person | None) -> None:
        state = scope.setdefault("state", {})
        state["person"] = person
        signs = person is not None and person.by_itself and person.may("viewer")
        state["form_token"] = self.identities.signer.form_token(person.key) if person and signs else ""
        state["identities"] = self.identities

    def _limited(self, request: Request, scope: Scope) -> Response | None:
        """An answer to somebody who has tried too often, without looking at what they try now."""
        if not self.identities.asks:
            return None
        address = self.identities.address(scope)
        wait = self.tokens_tried.wait(address) if "authorization" in request.headers else 0
        login = scope["method"] not in READS and route_path(scope).startswith("/login")
        if route_path(scope).startswith("/login/") or login:
            wait = max(wait, self.logins_tried.wait(address))
            self.logins_tried.count(address)
        if not wait:
            return None
        said = Failed(429, "Too many tries", "This address has tried too often; it can try again in a moment.")
        return failed(request, said, {"retry-after": str(wait)})

    def _not_believed(self, request: Request, scope: Scope, refusal: Refused) -> Response:
        if refusal.limited:
            self.tokens_tried.count(self.identities.address(scope))
        status = 401 if self.identities.asks else 403
        headers = {"www-authenticate": 'Bearer realm="headway"'} if status == 401 else {}
        return failed(request, Failed(status, "This is not believed", refusal.message), headers)

    async def _meant(
        self, request: Request, receive: Receive, person: Person | None, kind: Kind
    ) -> tuple[Response | None, Receive]:
        """Whether a write was meant by who sent it; with a receive that gives its body, which was read for that."""
        close = {"connection": "close"}
        most = max(self.largest, LARGEST_EVENTS) if kind == "events" else self.largest
        if not self._from_here(request):
            said = "The request was sent from a page of another site."
            return failed(request, Failed(403, "This came from elsewhere", said), close), receive
        try:
            body = await body_of(request.scope, receive, most=most, seconds=self.seconds)
        except TooLarge:
            said = f"At most {most:,} bytes are read."
            return failed(request, Failed(413, "This is too much", said), close), receive
        except TooSlow:
            return failed(request, Failed(408, "This took too long", "The body did not arrive."), close), receive
        receive = again(body, receive)
        if person is None or not person.by_itself or (kind == "events" and _by_program(request, person)):
            return None, receive
        given = request.headers.get(FORM_HEADER) or _field(request, body)
        if not self.identities.signer.is_form_token(person.key, given):
            hint = f"GET /api/me gives the token; send it as {FORM_HEADER}." if wants_json(request) else "Load it anew."
            said = "The form is not one that this page gave you, or it is too old."
            return failed(request, Failed(403, "This form does not hold any more", said, hint)), receive
        return None, receive

    def _from_here(self, request: Request) -> bool:
        """What browsers say about where a request comes from; nothing else has to say anything."""
        site = request.headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origins = request.headers.getlist("origin")
        return not origins or (len(origins) == 1 and origins[0] in self._origins(request))

    def _origins(self, request: Request) -> tuple[str, ...]:
        """Where the pages are, as browsers name it."""
        serve = self.identities.serve
        if serve.url:
            scheme, _, rest = serve.url.partition("://")
            return (f"{scheme}://{rest.partition('/')[0]}".lower(),)
        host = request.headers.get("host", "")
        # Without a URL a proxy may speak https for this server; the name is one that it is known by.
        return (f"http://{host}", f"https://{host}") if self.identities.asks else (f"http://{host}",)


def _not_allowed(request: Request, person: Person | None, kind: Kind, *, login: bool) -> Response | None:
    least = LEAST[kind]
    if least is None:
        return None
    if person is None:
        if request.method in {"GET", "HEAD"} and login and not wants_json(request):
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            base = str(request.scope.get("root_path", ""))
            to = f"{base}/login?next={quote(path.removeprefix(base), safe='')}"
            return RedirectResponse(to, 303, {"cache-control": "no-store"})
        said = Failed(401, "Who is asking?", "This is only for people who are signed in.")
        return failed(request, said, {"www-authenticate": 'Bearer realm="headway"'})
    if person.may(least):
        return None
    role = f"needs the role {least}, and yours is {person.role}" if person.role else "needs a role, and you have none"
    return failed(request, Failed(403, "This is not yours to do", f"It {role}."))


def _by_program(request: Request, person: Person) -> bool:
    """Whether a program of this machine sends JSON: a page elsewhere cannot, without asking first and being refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return person.how == "loopback" and kind == "application/json"


def _taken(scope: Scope) -> bool:
    """Whether a route takes this method at this address."""
    return any(route.matches(scope)[0] is Match.FULL for route in scope["app"].routes)


def _field(request: Request, body: bytes) -> str:
    """The token in a form; '' where there is none. Only plain forms have it in their body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return ""
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    return next((value for name, value in fields if name == FORM_FIELD), "")


def _noting(scope: Scope, kind: Kind, send: Send) -> Callable[..., Awaitable[None]]:
    async def noted(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            _note(scope, kind, int(str(message["status"])))
        await send(message)

    return noted


def _note(scope: Scope, kind: Kind, status: int) -> None:
    person = scope.get("state", {}).get("person")
    LOG.info(
        "%s %s %s role=%s how=%s",
        scope["method"] if scope["method"].isalpha() and len(scope["method"]) < 10 else "?",
        kind,
        status,
        person.role or "none" if person else "stranger",
        person.how if person else "-",
    )
