"""Routes of the pages: each row of the table twice, as HTML and as its JSON twin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from headway.errors import UnknownName
from headway.project.pages.table import PAGES, PageRow
from headway.project.pages.view import look, shell_of
from headway.render.html.pages import render_page, server
from headway.render.html.static_files import digest
from headway.web.access.permissions import LEAST
from headway.web.access.person import Person
from headway.web.current import Current
from headway.web.failures import theme_of
from headway.web.kept import Made

KEPT = "private, no-cache"
"""A browser keeps a page and asks each time whether it still holds."""


def page_routes(current: Current) -> list[Route]:
    """Two routes for each page. Twins come first: `/asset/a.json` is the twin of `a`, unless only `a.json` exists."""
    found: list[Route] = []
    for row in PAGES:
        pattern = row.address.replace("{" + row.key + "}", "{key:path}") if row.key else row.address
        page, twin = _page(row, current), _twin(row, current)
        if row.key:
            found.append(Route(pattern + ".json", _first(twin, page), name=f"{row.name}.json"))
        else:
            found.append(Route(row.twin or f"{row.address}.json", twin, name=f"{row.name}.json"))
        found.append(Route(pattern, page, name=row.name))
    return found


Answering = Callable[[Request], Response]


def _first(twin: Answering, page: Answering) -> Answering:
    def answer(request: Request) -> Response:
        try:
            return twin(request)
        except UnknownName:
            try:
                request.path_params["key"] += ".json"
                return page(request)
            except UnknownName:
                request.path_params["key"] = request.path_params["key"].removesuffix(".json")
            raise

    return answer


def _page(row: PageRow, current: Current) -> Answering:
    def answer(request: Request) -> Response:
        now = current.now()
        theme = theme_of(request)
        person: Person = request.state.person
        tag = etag(now.stamp, digest(), theme, f"{person.name}/{person.role}/{request.state.form_token}", request)
        headers = {"etag": tag, "cache-control": KEPT, "vary": "Cookie"}
        if fresh(request, tag):
            return Response(status_code=304, headers=headers)

        def made() -> Made:
            key = request.path_params.get("key", "")
            viewed = look(row, now.project, key, request.query_params)
            twin = (row.twin or row.to(key) + ".json") + (f"?{request.url.query}" if request.url.query else "")
            shell = shell_of(viewed, now.project, theme=theme, twin=twin)
            user = "" if person.how == "loopback" else person.name
            shell = msgspec.structs.replace(shell, token=request.state.form_token, user=user, may=may(person))
            at = viewed.at.isoformat() if viewed.at else ""
            html = render_page(row.template, viewed.page, shell, server(request.scope.get("root_path", ""), at))
            return html.encode(), {}

        return HTMLResponse(now.kept.made(tag, made)[0], headers=headers)

    return answer


def _twin(row: PageRow, current: Current) -> Answering:
    def answer(request: Request) -> Response:
        now = current.now()
        tag = etag(now.stamp, request)
        headers = {"etag": tag, "cache-control": KEPT}
        if fresh(request, tag):
            return Response(status_code=304, headers=headers)

        def made() -> Made:
            viewed = look(row, now.project, request.path_params.get("key", ""), request.query_params)
            return msgspec.json.encode(viewed.page), {}

        return Response(now.kept.made(tag, made)[0], media_type="application/json", headers=headers)

    return answer


def may(person: Person) -> tuple[str, ...]:
    """What a person may write on the pages, by the roles that their addresses need."""
    needed = (("ask", LEAST["request"]), ("decide", LEAST["decide"]))
    return tuple(what for what, least in needed if least is not None and person.may(least))


def etag(*parts: str | Request) -> str:
    """The tag of what is answered: the same for equal parts and an equal address. Weak, because gzip is not part."""
    sum_ = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, str) else f"{part.url.path}?{part.url.query}"
        sum_.update(f"{quote(text)}\0".encode())
    return f'W/"{sum_.hexdigest()[:20]}"'


def fresh(request: Request, tag: str) -> bool:
    """Whether the browser has this already."""
    given = request.headers.get("if-none-match", "")
    return tag in {t.strip() for t in given.split(",")}
