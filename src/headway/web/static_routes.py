"""The static files over HTTP, with the digest of them all in the address."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headway.render.html.static_files import digest, media_type, static_files

YEAR = 365 * 24 * 3600


def static_routes() -> list[Route]:
    """`/static/<digest>/<name>`. Under the digest of another version the file of this one is given, and not kept."""
    return [Route("/static/{version}/{name:path}", _static, name="static")]


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    # A look-up among known names, never a path: nothing outside of them can be asked for.
    content = static_files().get(name)
    if content is None:
        raise HTTPException(404)
    current = request.path_params["version"] == digest()
    cache = f"public, max-age={YEAR}, immutable" if current else "no-store"
    return Response(content, headers={"cache-control": cache, "content-type": media_type(name)})
