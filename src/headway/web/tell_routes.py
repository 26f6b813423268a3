"""Telling a team: a page that says what would be sent, a POST that sends it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headway.errors import HeadwayError
from headway.project.telling import tell_page
from headway.sinks.protocol import Delivered
from headway.web.api.tell import sent
from headway.web.current import Current
from headway.web.desk_routes import MOST_FIELDS, by_of, of_today, shown, texts


def tell_routes(current: Current) -> list[Route]:
    """The page and its form."""

    def ask(request: Request) -> Response:
        of_today(request)
        page = tell_page(current.now().project, request.query_params.get("node", ""))
        return shown(request, current, "asset", "tell.html", page)

    def _send(request: Request, node: str) -> Response:
        project = current.now().project
        try:
            problem = _failed(sent(project, node, by_of(request)))
        except HeadwayError as error:
            problem = f"{error.message[:1].upper()}{error.message[1:]}." + (f" {error.hint}." if error.hint else "")
        current.refresh()
        if problem:
            page = tell_page(project, node, problem=problem)
            return shown(request, current, "asset", "tell.html", page, status=422)
        base = str(request.scope.get("root_path", ""))
        return RedirectResponse(base + f"/tell?node={quote(node, safe=':@.')}", 303)

    async def send(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        return await run_in_threadpool(_send, request, texts(form, ("node",))["node"])

    return [
        Route("/tell", ask, methods=["GET"], name="telling"),
        Route("/tell", send, methods=["POST"], name="tell"),
    ]


def _failed(done: list[Delivered]) -> str:
    return " ".join(f"{d.sentence}." for d in done if d.outcome not in {"sent", "same"})
