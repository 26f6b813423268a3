"""Signing in and out: the page, the way to the provider and back, and a token instead of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from headway.errors import UsageError
from headway.graph.model import KINDS
from headway.render.html.pages import render_page, server
from headway.render.html.shell import Shell
from headway.web.access.identity import Identities, Refused
from headway.web.access.person import LONGEST_NAME, Person, person, worth_keeping
from headway.web.access.provider import Provider
from headway.web.access.signing import SESSION, SIGNING_IN, SIGNING_IN_SECONDS, local
from headway.web.current import Current
from headway.web.failures import Failed, failed, theme_of


class Login(msgspec.Struct, frozen=True):
    """The page on which people sign in."""

    provider: str
    """The provider's host; '' where there is none."""
    start: str
    """Address that leads to it."""
    tokens: bool
    """A token may be given instead."""
    next: str
    message: str = ""
    """What was wrong with the last try."""


def login_routes(current: Current, identities: Identities, provider: Provider | None) -> list[Route]:
    """The routes. Where nobody has to sign in they lead to the first page."""
    desk = _Desk(current, identities, provider)
    return [
        Route("/login", desk.page, methods=["GET"], name="login"),
        Route("/login", desk.by_token, methods=["POST"], name="login.token"),
        Route("/login/start", desk.start, methods=["GET"], name="login.start"),
        Route("/login/done", desk.done, methods=["GET"], name="login.done"),
        Route("/logout", desk.out, methods=["POST"], name="logout"),
    ]


class _Desk:
    def __init__(self, current: Current, identities: Identities, provider: Provider | None) -> None:
        self.current, self.identities, self.provider = current, identities, provider
        self.serve, self.signer = identities.serve, identities.signer

    async def page(self, request: Request) -> Response:
        next_ = local(request.query_params.get("next", "/"))
        someone: Person | None = request.state.person
        if not self.identities.asks or (someone and someone.role):
            return _to(request, next_)
        return self._page(request, next_)

    def _page(self, request: Request, next_: str, message: str = "", status: int = 200) -> Response:
        oidc = self.serve.oidc if self.provider else None
        shown = Login(
            provider=oidc.issuer.partition("://")[2].partition("/")[0] if oidc else "",
            start=f"/login/start?next={quote(next_, safe='')}",
            tokens="tokens" in self.serve.auth,
            next=next_,
            message=message,
        )
        shell = Shell(title="Sign in", theme=theme_of(request), search=False)
        host = server(_base(request))
        return HTMLResponse(render_page("login.html", shown, shell, host), status, {"cache-control": "no-store"})

    async def by_token(self, request: Request) -> Response:
        """Begin a session with an API token, for people whose project has no provider."""
        if "tokens" not in self.serve.auth:
            raise HTTPException(404)
        form = await request.form(max_files=0, max_fields=4)
        next_ = local(str(form.get("next", "/")))
        found = self.identities.by_token(str(form.get("access", ""))[:LONGEST_NAME])
        if found is None:
            return self._page(request, next_, "This token does not hold here.", 401)
        return self._begin(request, {"token": found[1].id}, next_)

    async def start(self, request: Request) -> Response:
        if self.provider is None:
            raise HTTPException(404)
        session: dict[str, Any] = {"next": local(request.query_params.get("next", "/"))}
        answer = await self.provider.start(request, self._back(), session)
        self._keep(request, answer, SIGNING_IN, self.signer.signing_in(session), SIGNING_IN_SECONDS)
        answer.headers["cache-control"] = "no-store"
        return answer

    async def done(self, request: Request) -> Response:
        if self.provider is None:
            raise HTTPException(404)
        session = self.signer.read_signing_in(request.cookies.get(SIGNING_IN, ""))
        next_ = local(str(session.get("next", "/")))
        try:
            claims = await self.provider.finish(request, session)
            said = self._said(claims)
        except Refused as refusal:
            answer = failed(request, Failed(403, "Signing in did not work", refusal.message))
        else:
            answer = self._begin(request, said, next_)
        self._drop(request, answer, SIGNING_IN)
        return answer

    async def out(self, request: Request) -> Response:
        answer = _to(request, "/login" if self.identities.asks else "/")
        self._drop(request, answer, SESSION)
        return answer

    def _said(self, claims: Any) -> dict[str, Any]:
        """What a session keeps of an ID token. Raises Refused for somebody without a name or without a role."""
        oidc = self.serve.oidc
        assert oidc is not None
        email = claims.get("email")
        proven = claims.get("email_verified") is True or oidc.trust_email
        email = email if isinstance(email, str) and proven and email.count("@") == 1 else ""
        names = (email, claims.get("preferred_username"), claims.get("sub"))
        name = next((n.strip() for n in names if isinstance(n, str) and n.strip() and n.isprintable()), "")
        if not name:
            raise Refused("The provider does not say who this is.")
        groups = claims.get(oidc.groups_claim)
        groups = [groups] if isinstance(groups, str) else groups
        groups = [g for g in groups if isinstance(g, str)] if isinstance(groups, list) else []
        graph = self.current.now().project.graph()
        owners = {node.owner for node in graph.nodes if KINDS[node.kind].goal}
        kept = list(worth_keeping(self.serve, groups, owners))
        name = name[:LONGEST_NAME]
        if not person(self.serve, name, email=email, groups=kept, how="oidc", key="").role:
            raise Refused("You are known, and have no role here. Whoever runs this server gives one.")
        return {"name": name, "email": email, "groups": kept}

    def _begin(self, request: Request, said: dict[str, Any], next_: str) -> Response:
        cookie = self.signer.session(said)
        if len(cookie) > 3800:
            raise UsageError("you are in more groups than a session can hold", hint="name fewer in serve.roles")
        answer = _to(request, next_)
        seconds = self.signer.hours * 3600
        self._keep(request, answer, SESSION, cookie, seconds)
        answer.headers["cache-control"] = "no-store"
        return answer

    def _keep(self, request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
        """Below the path of this server alone: other sites of the same name are not told who is signed in here."""
        secure = self.signer.secure
        answer.set_cookie(
            name, value, seconds, path=_base(request) or "/", httponly=True, secure=secure, samesite="lax"
        )

    def _drop(self, request: Request, answer: Response, name: str) -> None:
        secure = self.signer.secure
        answer.delete_cookie(name, path=_base(request) or "/", httponly=True, secure=secure, samesite="lax")

    def _back(self) -> str:
        """Where the provider sends people back to: from the configuration, never from a request's Host."""
        return f"{self.serve.url}/login/done"


def _to(request: Request, address: str) -> RedirectResponse:
    return RedirectResponse(_base(request) + address, 303, {"cache-control": "no-store"})


def _base(request: Request) -> str:
    """The path below which a proxy puts this server; '' for none."""
    return str(request.scope.get("root_path", ""))
