"""Tables at an address: Google sheets through their export as CSV, and files that any web server gives.

Google gives a sheet as CSV at `/export?format=csv&gid=N` beside its address in a browser, and a published one at
`/pub?output=csv`. Nothing is signed in: what is not readable for everybody who has the address is not read, and Google
then sends to its login page. Redirects are followed here, since no credential goes along.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, urlencode, urljoin, urlsplit

from headway.connectors.protocol import Progress, silent
from headway.errors import ConfigError, ServiceError
from headway.remote import MARK, Client, Refused, checked_url

GOOGLE = "Google Sheets"
MOST_BYTES = 100 * 1024**2
_HOPS = 5
_SHEET = re.compile(r"(?:/a/[\w.-]+)?/spreadsheets(?:/u/\d+)?/d/(?P<published>e/)?(?P<id>[\w-]{10,200})(?:/.*)?")
_FILE = re.compile(r"[\w.~%+-]{1,60}\.(?:csv|tsv|txt|xlsx|xlsm)", re.IGNORECASE | re.ASCII)
"""What the last part of an address looks like where it is the name of a file, and no key."""
_LOGIN = frozenset({"accounts.google.com", "workspace.google.com"})
_PUBLIC = "share it with everyone who has the link, or publish it as CSV; or download it and name the file in path:"


def table_address(url: str) -> str:
    """Where the table of `url` is to be had: of a Google sheet its export as CSV, of anything else the same.

    Raises ConfigError for what is no address of a web server, or has credentials in it.
    """
    parts = _parts(url)
    checked_url("goals", f"{parts.scheme}://{parts.netloc}")
    if parts.hostname != "docs.google.com":
        return parts._replace(fragment="").geturl()
    found = _SHEET.fullmatch(parts.path)
    if found is None:
        hint = "copy it from the browser: https://docs.google.com/spreadsheets/d/.../edit#gid=0"
        raise ConfigError("option url is no address of a Google sheet", hint=hint)
    gid = next((g for part in (parts.fragment, parts.query) for g in parse_qs(part).get("gid", []) if g.isdigit()), "")
    if found["published"]:
        query = {"output": "csv", **({"gid": gid, "single": "true"} if gid else {})}
        return f"https://docs.google.com/spreadsheets/d/e/{found['id']}/pub?{urlencode(query)}"
    query = {"format": "csv", **({"gid": gid} if gid else {})}
    return f"https://docs.google.com/spreadsheets/d/{found['id']}/export?{urlencode(query)}"


def named(url: str) -> str:
    """How messages call what is at an address: its host, and the file at its end.

    Never more of its path, nor its query, which may let everybody in who has it. Raises ConfigError for what is none.
    """
    parts = _parts(url)
    found = _SHEET.fullmatch(parts.path) if parts.hostname == "docs.google.com" else None
    if found:
        return f"Google sheet {found['id'][:8]}..."
    folder, _, last = parts.path.rpartition("/")
    file = last if _FILE.fullmatch(last) else "..." if last else ""
    host = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in parts.hostname or "")[:120]
    return f"{host}{'/...' if folder.strip('/') and file != '...' else ''}/{file}"


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise ConfigError(
            "option url is no address of a web server", hint="url: https://example.com/okrs.csv"
        ) from None


def fetched(url: str, *, progress: Progress = silent) -> bytes:
    """The table at an address, as it is. Raises ConfigError, MissingExtra and ServiceError."""
    address = table_address(url)
    system = GOOGLE if urlsplit(address).hostname == "docs.google.com" else named(url)
    for _ in range(_HOPS):
        try:
            body = _asked(system, address, progress)
        except Refused as error:
            address = _next(error, address, system)
            continue
        if body.removeprefix(MARK).lstrip()[:1] == b"<":
            raise _closed(system)
        return body
    raise ServiceError(f"{system}: the address leads from one to the next without an end")


def _asked(system: str, address: str, progress: Progress) -> bytes:
    parts = urlsplit(address)
    folder, _, last = parts.path.rpartition("/")
    base = f"{parts.scheme}://{parts.netloc}{folder}"
    headers = {"accept": "text/csv, */*;q=0.5"}
    with Client(system, base, headers=headers, most_bytes=MOST_BYTES, progress=progress) as client:
        try:
            return client.request("GET", f"{last}?{parts.query}" if parts.query else last)
        except ServiceError as error:
            error.message = error.message.replace(f"{system}: {last or '/'}", system, 1)  # it may be a key
            error.args = (error.message,)
            raise


def _next(error: Refused, address: str, system: str) -> str:
    """Where a refusal sends. Raises ServiceError where it says no, or sends to where one has to sign in."""
    google = system == GOOGLE
    if error.status in {401, 403} or (google and 300 <= error.status < 400 and not error.location):
        raise _closed(system)
    if google and error.status in {400, 404, 410}:
        hint = "is it still there, with the tab that gid= names? copy its address from the browser"
        raise ServiceError(f"{system}: there is no such sheet ({error.status})", hint=hint)
    if not (300 <= error.status < 400 and error.location):
        raise error
    before = urlsplit(address)
    try:
        after = urlsplit(urljoin(address, error.location))
        host = after.hostname or ""
    except ValueError:
        after, host = before, ""
    if host in _LOGIN:
        raise _closed(system)
    if google:
        fine = after.scheme == "https" and host.endswith((".google.com", ".googleusercontent.com"))
    else:
        fine = bool(host) and (
            after.scheme == "https" or (after.scheme, after.netloc) == (before.scheme, before.netloc)
        )
    if not fine:
        raise ServiceError(f"{system}: the address sends to one that is not followed", hint=error.hint)
    return after._replace(fragment="").geturl()


def _closed(system: str) -> ServiceError:
    if system == GOOGLE:
        return ServiceError("the Google sheet is not public: Google asks to sign in", hint=_PUBLIC)
    return ServiceError(f"{system} gave a web page, or asks to sign in, and no table", hint=_PUBLIC)
