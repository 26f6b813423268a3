"""The static files: style sheets, modules, fonts; found inside the package, with one digest of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

KINDS: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
"""Ending of a static file -> media type. A file with another ending is not one."""


@cache
def static_files() -> Mapping[str, bytes]:
    """Every static file by its name below `static/` (`base.css`, `vendor/inter.woff2`), in the order of the names."""
    found = dict(_walk(files("headway.render.html") / "static", ""))
    return {name: found[name].read_bytes() for name in sorted(found)}


@cache
def digest() -> str:
    """Twelve hex digits over names and contents. It stands in the address, so that a browser may keep a file for ever.

    One digest for all, in the path and not behind a `?`: then a module that imports `./dom.js`, and a style sheet that
    names its font, reach the same version without knowing it.
    """
    sum_ = hashlib.sha256()
    for name, content in static_files().items():
        sum_.update(f"{name}\0{len(content)}\0".encode())
        sum_.update(content)
    return sum_.hexdigest()[:12]


def media_type(name: str) -> str:
    """`text/css; charset=utf-8`; '' for an ending that is not served."""
    return KINDS.get(name[name.rfind(".") :], "")


def _walk(folder: Traversable, below: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _walk(item, f"{below}{item.name}/")
        elif media_type(item.name):
            found.append((below + item.name, item))
    return found
