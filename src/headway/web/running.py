"""Run the application on a socket."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from headway.errors import UsageError
from headway.web.app import LOOPBACK


def listen(host: str, port: int) -> socket.socket:
    """A socket on a loopback address; port 0 takes a free one.

    Raises UsageError for another address, because nobody would have to sign in there, and for a port that is taken.
    """
    if host not in LOOPBACK:
        raise UsageError(f"will not listen on {host} without signing in", hint="leave --host out: this machine only")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except (OSError, OverflowError) as error:
        found.close()
        what = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"port {port} of {host} cannot be used: {what}", hint="choose another with --port") from None
    return found


def run(app: FastAPI, on: socket.socket, *, started: Callable[[str], None]) -> None:
    """Serve until interrupted. `started` is told the address once requests are answered."""
    host, port = on.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    settings = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        lifespan="off",
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=16_384,
    )
    server = uvicorn.Server(settings)
    started(address)
    server.run(sockets=[on])
