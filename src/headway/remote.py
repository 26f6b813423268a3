"""Asking another system's HTTP API: decoded JSON for a path.

What goes wrong is one sentence that names the system and what was asked, never a body, a header or a value that was
sent. httpx is part of the extra `bi` and loaded when first used.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from headway.errors import ConfigError, MissingExtra, ServiceError

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total); total 0 when it is not known."""

MOST_BYTES = 256 * 1024**2
"""No single answer larger than this is taken."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 60.0
_SENDABLE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark, which some servers send before JSON."""
_PIECE = 1 << 20
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


def _silent(what: str, done: int, total: int) -> None:
    """Says nothing."""


class Api(Protocol):
    """Where answers come from."""

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The decoded answer to `path` (below the base, no leading slash needed). Raises ServiceError, InputError."""
        ...

    def post(self, path: str, body: Any) -> Any:
        """The decoded answer to JSON sent to `path`. Raises as `get` does."""
        ...


class Refused(ServiceError):
    """The system answered with a status that is no success; `status` is its number, `location` where it sends one."""

    def __init__(self, message: str, status: int, *, hint: str = "", location: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.location = location


@dataclass
class Client:
    """One system's API over HTTP. Use it in a with block; headers set in `headers` go with every request.

    Connection failures, time-outs and the statuses that mean "later" are tried again, `attempts` times in all, after 1,
    2, 4, ... seconds or what the system asks for (at most 60). Redirects are not followed: credentials stay where they
    were meant for. Nothing is logged while it asks: addresses and headers are nobody else's business.
    """

    system: str
    """Its name in sentences: Superset, Metabase, ..."""
    base: str
    """Where it is: https://bi.example.com, with a path in front of the API's where there is one."""
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    """Seconds without an answer, or without a further piece of one."""
    attempts: int = 4
    patience: float = 600.0
    """Seconds that one answer may take in all, attempts and waits included."""
    most_bytes: int = MOST_BYTES
    """No single answer may be larger than this, unpacked."""
    progress: Progress = _silent
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _client: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.base = checked_url(self.system, self.base)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            with _unlogged():
                self._client.close()
            self._client = None

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """See Api.get."""
        return self.decoded(self.request("GET", path, params=query), path)

    def post(self, path: str, body: Any) -> Any:
        """See Api.post."""
        return self.decoded(self.request("POST", path, json=body), path)

    def decoded(self, body: bytes, path: str) -> Any:
        """JSON that was sent for `path`; None for an empty body. Raises ServiceError for what is none."""
        body = body.removeprefix(MARK)
        if not body.strip():
            return None
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            page = " (it is a web page: is the url right, and is one signed in?)" if body.lstrip()[:1] == b"<" else ""
        raise ServiceError(f"{self._asked(path)} gave something that is not JSON{page}")

    def request(self, method: str, path: str, **more: Any) -> bytes:
        """The body of a successful answer; `more` is what httpx takes. Raises ServiceError, Refused among them."""
        begun = self.monotonic()
        wait = 1.0
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            answer = self._once(method, path, begun, more)
            asked_to_wait: float | None = None
            if isinstance(answer, _Failure):
                if last or answer.final:
                    raise ServiceError(f"{self._asked(path)} failed: {answer.why}", hint=answer.hint)
            elif 200 <= answer.status < 300:
                return answer.body
            elif last or answer.status not in _AGAIN:
                raise self._refusal(answer.status, path, answer.location)
            else:
                asked_to_wait = _retry_after(answer.retry_after)
            pause = min(_LONGEST_WAIT, wait if asked_to_wait is None else asked_to_wait)
            if self.monotonic() - begun + pause > self.patience:
                raise ServiceError(f"{self._asked(path)} took longer than {self.patience:,.0f} seconds")
            self.progress(
                f"{self.system} asks to wait" if asked_to_wait else f"{self.system}: trying again", attempt, 0
            )
            self.sleep(pause)
            wait *= 2
        raise AssertionError  # the last attempt returns or raises

    def _once(self, method: str, path: str, begun: float, more: Mapping[str, Any]) -> _Answer | _Failure:
        """One attempt. What httpx raises ends here: its errors carry the request, and that the credentials."""
        httpx = _httpx()
        self._check_headers()
        url = f"{self.base}/{path.lstrip('/')}"
        try:
            with _unlogged():
                if self._client is None:
                    self._client = httpx.Client(timeout=self.timeout, follow_redirects=False)
                headers = {"accept": "application/json", **self.headers, "accept-encoding": "gzip"}
                with self._client.stream(method, url, headers=headers, **more) as answer:
                    body = self._body(answer, path, begun)
                    said = answer.headers
                    return _Answer(answer.status_code, said.get("retry-after", ""), body, said.get("location", ""))
        except _Packed:
            return _Failure("the answer is packed in a broken way")
        except httpx.TimeoutException:
            return _Failure(f"no answer within {self.timeout:g} seconds")
        except httpx.TransportError as error:
            return _failure(error)
        except (httpx.InvalidURL, httpx.HTTPError, OSError, ValueError) as error:
            # an address that cannot be, a proxy or a certificate file of the environment that is none
            return _Failure(type(error).__name__, final=True)

    def _body(self, answer: Any, path: str, begun: float) -> bytes:
        """The body, unpacked piece by piece: never more in memory than is allowed and one piece."""
        unpack = _unpacker(answer.headers.get("content-encoding", ""))
        body = bytearray()
        for packed in answer.iter_raw():
            for piece in unpack(packed):
                body += piece
                if len(body) > self.most_bytes:
                    raise ServiceError(f"{self._asked(path)} gave more than {self.most_bytes:,} bytes")
            if self.monotonic() - begun > self.patience:
                raise ServiceError(f"{self._asked(path)} took longer than {self.patience:,.0f} seconds")
        for _ in unpack(None):
            raise _Packed
        return bytes(body)

    def _check_headers(self) -> None:
        """Raise ConfigError for a credential that no header can carry; httpx would quote it."""
        for name, value in self.headers.items():
            if not _SENDABLE.fullmatch(value):
                raise ConfigError(
                    f"what is to be sent to {self.system} as {name} has characters that cannot be sent",
                    hint="is there a line break, or a letter beyond ASCII, in the credential?",
                )

    def _refusal(self, status: int, path: str, location: str) -> Refused:
        asked = self._asked(path)
        if status == 401:
            return Refused(f"{asked} was refused: the credentials are wrong or no longer good (401)", status)
        if status == 403:
            return Refused(
                f"{asked} is not allowed to this user (403)", status, hint="which rights it needs: see the docs"
            )
        if 300 <= status < 400:
            hint = "is the url right, and is one signed in?"
            return Refused(f"{asked} was sent elsewhere ({status})", status, hint=hint, location=location)
        if status == 404:
            return Refused(f"{asked} is not there (404)", status, hint="is the url right?")
        return Refused(f"{asked} failed with status {status}", status)

    def _asked(self, path: str) -> str:
        return f"{self.system}: {path.partition('?')[0].strip('/') or '/'}"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str
    body: bytes
    location: str


@dataclass(frozen=True, slots=True)
class _Failure:
    """Nothing usable came back."""

    why: str
    hint: str = "is it up, and is the url right?"
    final: bool = False
    """Another try would end alike."""


class _Packed(Exception):
    """The body is packed in a way that cannot be unpacked."""


def checked_url(system: str, url: str) -> str:
    """Where a system is, without a slash at the end. Raises ConfigError for what is no address, or has a secret."""
    try:
        parts = urlsplit(url.strip())
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\x00-\x1f\\]", url.strip()):
        raise ConfigError(f"the url of {system} is not one of a server", hint="url: https://bi.example.com")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"the url of {system} has credentials in it", hint="they come from the environment")
    if parts.query or parts.fragment:
        raise ConfigError(f"the url of {system} has more than a path", hint="leave out what comes after ? or #")
    return url.strip().rstrip("/")


def _failure(error: BaseException) -> _Failure:
    """What a transport error says in a word or two; its own text may name a proxy with credentials."""
    names = {
        "ConnectError": "nothing answers there",
        "RemoteProtocolError": "the connection broke off",
        "ReadError": "the connection broke off",
        "WriteError": "the connection broke off",
        "ProxyError": "the proxy refuses",
        "UnsupportedProtocol": "the url is not one of http or https",
    }
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "a certificate of the company's own is named by SSL_CERT_FILE"
            return _Failure("its certificate is not trusted here", hint, final=True)
        if isinstance(cause, ssl.SSLError):
            return _Failure("no safe connection comes about", "is it https that it speaks there?", final=True)
        if isinstance(cause, socket.gaierror):
            return _Failure("nobody knows a host of that name")
        cause = cause.__cause__ or cause.__context__
    return _Failure(names.get(type(error).__name__, type(error).__name__))


def _unpacker(packing: str) -> Callable[[bytes | None], Iterator[bytes]]:
    """A function that unpacks pieces of a body, None at its end; it gives something then only if the end is missing."""
    packings = [word for word in re.split(r"[\s,]+", packing.lower()) if word not in {"", "identity"}]
    if not packings:
        return lambda piece: iter((piece,) if piece else ())
    if packings not in (["gzip"], ["x-gzip"]):
        raise _Packed  # we asked for gzip; packed twice or otherwise is a trap

    begun = False

    def unpack(piece: bytes | None) -> Iterator[bytes]:
        nonlocal begun
        if piece is None:
            if begun and not member.eof:
                yield b""
            return
        begun = begun or bool(piece)
        rest = piece
        try:
            while rest and not member.eof:
                plain = member.decompress(rest, _PIECE)
                rest = member.unconsumed_tail
                yield plain
                if not plain and not rest:
                    return
        except zlib.error:
            raise _Packed from None

    member = zlib.decompressobj(wbits=31)
    return unpack


_asking: ContextVar[bool] = ContextVar("_asking", default=False)


class _Unlogged(logging.Filter):
    """Holds back what httpx and httpcore log of Headway's own requests, and of nobody else's."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - none of them is any better
        return not _asking.get()


_UNLOGGED = _Unlogged()


@contextmanager
def _unlogged() -> Iterator[None]:
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_UNLOGGED)  # adding it twice changes nothing
    before = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(before)


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header, as a number or a date (RFC 9110, section 10.2.3); None without a usable one."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise MissingExtra("bi", "asking another system over HTTP") from None
    return httpx
