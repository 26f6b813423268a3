"""Run the application on a socket."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from headway.config import Serve
from headway.project.listening import bound
from headway.web.access.setup import check_address
from headway.web.connection import Impatient

MOST_CONNECTIONS = 1_000
"""At once; more are told to come back (503)."""


def listen(host: str, port: int, serve: Serve | None = None) -> socket.socket:
    """A socket on an address; port 0 takes a free one.

    Raises UsageError for an address that others can reach while `serve` has nobody sign in, and for a port that is
    taken.
    """
    check_address(host, serve or Serve())
    return bound(host, port, option="--port")


def server_of(app: FastAPI, *, base: str = "", connection: type[Impatient] = Impatient) -> uvicorn.Server:
    """The server of an application, below a path such as `/headway` where a proxy puts it there.

    Forwarding headers are left as they are: who may be believed is decided by the guard, not here.
    """
    settings = uvicorn.Config(
        app,
        http=connection,
        ws="none",
        root_path=base,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=15,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=16_384,
    )
    return uvicorn.Server(settings)


def run(app: FastAPI, on: socket.socket, *, started: Callable[[str], None], base: str = "") -> None:
    """Serve until interrupted. `started` is told the address once requests are answered."""
    host, port = on.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    server = server_of(app, base=base)
    started(address)
    server.run(sockets=[on])


def log_to_stderr() -> None:
    """Write what the server notes (writes, refusals, defects) to stderr, a line each."""
    logger = logging.getLogger("headway")
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
