"""API tokens: made once, shown once, kept as a salted hash in a file of its own each, below `.headway/tokens/`.

A token is 256 random bits: its SHA-256 with a salt cannot be tried out, and a slow hash would only make asking slow.
A file for each, because two that are made at once then cannot lose one another, and taking one back is taking a file
away, at once for every worker.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from headway.config import ROLES, Role
from headway.errors import InputError, Place, UnknownName, UsageError

FOLDER = ".headway/tokens"
PREFIX = "headway"
"""What every token begins with, so that scanners for secrets find one that was committed."""
LONGEST_NAME = 80
MOST_DAYS = 3650
_LARGEST_FILE = 10_000

_SHAPE = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token."""

    id: str
    name: str
    """What it is for; what it writes is signed with this name."""
    role: Role
    teams: tuple[str, ...] = ()
    """Owners of goals it acts for."""
    made: datetime
    expires: datetime | None = None
    salt: str
    hash: str

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires


def make(
    root: str | Path, name: str, role: Role, *, teams: tuple[str, ...] = (), days: int | None = None, now: datetime
) -> tuple[str, Token]:
    """A new token of the project below `root`: its text, which is kept nowhere, and what is kept.

    Raises UsageError for a name that is taken or cannot be, InputError when the folder cannot be written.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"a token needs a name of one line and at most {LONGEST_NAME} characters")
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", hint=f"one of {', '.join(ROLES)}")
    if days is not None and not 0 < days <= MOST_DAYS:
        raise UsageError(f"a token holds for 1 to {MOST_DAYS} days")
    if any(t.name == name for t in listed(root)):
        raise UsageError(f"there is a token called {name!r} already", hint="take it back first, or choose another name")
    secret, salt, number = secrets.token_urlsafe(32), secrets.token_hex(16), secrets.token_hex(6)
    token = Token(
        id=number,
        name=name,
        role=role,
        teams=teams,
        made=now.astimezone(UTC),
        expires=now.astimezone(UTC) + timedelta(days=days) if days else None,
        salt=salt,
        hash=_hash(salt, secret),
    )
    path = Path(root, FOLDER, f"{number}.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.parent.parent / ".gitignore"
        if not own.exists():
            own.write_text("*\n", encoding="utf-8")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(token))
    except OSError as error:
        raise _unusable(path, error) from error
    return f"{PREFIX}_{number}_{secret}", token


def listed(root: str | Path) -> tuple[Token, ...]:
    """All tokens, the oldest first. Raises InputError for a file that cannot be read or is none."""
    folder = Path(root, FOLDER)
    try:
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _unusable(folder, error) from error
    found = [_read(folder / name) for name in names if re.fullmatch(r"[0-9a-f]{12}\.json", name)]
    return tuple(sorted((t for t in found if t), key=lambda t: (t.made, t.id)))


def revoke(root: str | Path, name: str) -> Token:
    """Take a token back, by its name or id; it holds nowhere from then on. Raises UnknownName, InputError."""
    known = listed(root)
    token = next((t for t in known if name in (t.name, t.id)), None)
    if token is None:
        raise UnknownName("token", name[:LONGEST_NAME], [t.name for t in known][:5])
    path = Path(root, FOLDER, f"{token.id}.json")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    return token


def known(root: str | Path, text: str, now: datetime) -> Token | None:
    """The token that a text is, when it holds; None for anything else. Looks at the file each time.

    Raises InputError when the file cannot be read or is none.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    token = _read(Path(root, FOLDER, f"{match[1]}.json"))
    if token is None or not hmac.compare_digest(_hash(token.salt, match[2]), token.hash):
        return None
    return token if token.holds(now) else None


def by_id(root: str | Path, number: str, now: datetime) -> Token | None:
    """The token of this id, when there still is one and it holds: for a session that was begun with it."""
    token = _read(Path(root, FOLDER, f"{number}.json")) if re.fullmatch("[0-9a-f]{12}", number) else None
    return token if token and token.holds(now) else None


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}/{secret}".encode()).hexdigest()


def _read(path: Path) -> Token | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return msgspec.json.decode(content, type=Token)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        hint = "remove the file and make the token anew"
        raise InputError("this is no token of this version", place=Place(str(path)), hint=hint) from None


def _unusable(path: Path, error: OSError) -> InputError:
    reason = error.strerror or type(error).__name__
    return InputError(f"tokens cannot be kept or read here: {reason}", place=Place(str(path)))
