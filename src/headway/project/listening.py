"""The socket that a server of Headway listens on."""

from __future__ import annotations

import socket

from headway.errors import UsageError

_WAITING = 128
"""Connections that may wait to be taken."""


def bound(host: str, port: int, *, option: str) -> socket.socket:
    """A socket that listens on an address; port 0 takes a free one. Who may reach it is the caller's business.

    `option` is what chooses another port on the command line. Raises UsageError where the port cannot be had.
    """
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_WAITING)
    except (OSError, OverflowError) as error:
        found.close()
        what = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"port {port} of {host} cannot be used: {what}", hint=f"choose another with {option}"
        ) from None
    return found
