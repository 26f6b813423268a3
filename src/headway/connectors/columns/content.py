"""Tells whether an artifact says the same as before, without decoding it.

dbt stamps every file it writes with the moment and the run, at the head, in `metadata`: two runs over the same project
write the same bytes but for that. So the digest is that of all the rest, and of what is read of `metadata`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

from headway.connectors.artifact import Buffer

Content = tuple[int, bytes]
"""How many bytes follow the head, and the digest of all that counts; (-1, b"") of a file that is not there."""

ABSENT: Content = (-1, b"")
_CHUNK = 1 << 18
_HEAD = re.compile(rb'\s*\{\s*"metadata"\s*:\s*')
_READ = ("adapter_type", "dbt_schema_version")
"""What is read of `metadata`."""


def content_of(data: Buffer) -> Content:
    """The content of a file that was read."""
    view = memoryview(data)
    told, start = _head(bytes(view[:_CHUNK]))
    return len(view) - start, _digest(told, (view[start:],))


def has_content(path: Path, content: Content) -> bool:
    """Whether a file has this content. False where it cannot be read, or only unpacked: then it is to be read anew."""
    try:
        if not path.is_file():
            return content == ABSENT and not path.exists()
        with path.open("rb", buffering=0) as file:
            first = file.read(_CHUNK)
            told, start = _head(first)
            if path.stat().st_size - start != content[0]:
                return False
            return _digest(told, chain((first[start:],), iter(partial(file.read, _CHUNK), b""))) == content[1]
    except (OSError, ValueError):
        return False


def _digest(told: bytes, rest: Iterable[memoryview | bytes]) -> bytes:
    digest = sha256(told, usedforsecurity=False)
    for part in rest:
        digest.update(part)
    return digest.digest()


def _head(first: bytes) -> tuple[bytes, int]:
    """What is read of the head of a file, and where the rest begins: at 0 when there is no such head."""
    found = _HEAD.match(first)
    if found is None:
        return b"", 0
    text = first[found.end() :].decode("utf-8", "surrogateescape")
    try:
        metadata, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return b"", 0
    if not isinstance(metadata, dict):
        return b"", 0
    told = json.dumps([metadata.get(name) for name in _READ]).encode()
    return told, found.end() + len(text[:end].encode("utf-8", "surrogateescape"))
