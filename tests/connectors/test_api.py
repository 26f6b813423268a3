"""The API client against a server that misbehaves on purpose, and recorded answers in a folder."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from http_server import Answer, Request, Server, unused_url
from hypothesis import given
from hypothesis import strategies as st

from headway.connectors.api import Recording, answers, decoded_file
from headway.errors import ConfigError, HeadwayError, InputError, MissingExtra, ServiceError
from headway.remote import Client, Refused

TOKEN = "tea-house-token-9f3a"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def asking(server: Server | str, clock: Clock | None = None, **more: Any) -> Client:
    clock = clock or Clock()
    url = server if isinstance(server, str) else server.url
    headers = {"x-api-key": TOKEN}
    return Client("Metabase", url, headers=headers, sleep=clock.sleep, monotonic=clock, **more)


def refused(client: Client, path: str = "api/card") -> ServiceError:
    """What asking fails with; it names the system and the path in one line, and nothing that was sent."""
    with client, pytest.raises(ServiceError) as caught:
        client.get(path, {"q": "who=" + TOKEN})
    assert str(caught.value).startswith(f"Metabase: {path}")
    assert "\n" not in str(caught.value)
    link: BaseException | None = caught.value
    while link is not None:
        assert TOKEN not in f"{link!s} {link!r}"
        link = link.__cause__ or link.__context__
    return caught.value


def test_an_answer_is_decoded_and_headers_go_with_every_request() -> None:
    with Server({"/bi/api/card": [Answer({"id": 27})], "POST /bi/api/session": {"id": "s"}}) as server:
        with asking(f"{server.url}/bi/") as client:
            assert client.get("/api/card", {"models": "dashboard", "page": 2}) == {"id": 27}
            assert client.post("api/session", {"username": "board"}) == {"id": "s"}
        one, two = server.seen
        assert (one.method, one.path, one.query) == ("GET", "/bi/api/card", {"models": "dashboard", "page": "2"})
        assert one.headers["x-api-key"] == two.headers["x-api-key"] == TOKEN
        assert two.json == {"username": "board"}


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_nothing(body: bytes) -> None:
    with Server({"/api/card": Answer(body, status=204 if not body else 200)}) as server, asking(server) as client:
        assert client.get("api/card") is None


def test_a_byte_order_mark_is_no_part_of_json(tmp_path: Path) -> None:
    with Server({"/api/card": Answer(b'\xef\xbb\xbf{"id": 1}')}) as server, asking(server) as client:
        assert client.get("api/card") == {"id": 1}
    (tmp_path / "card.json").write_bytes(b'\xef\xbb\xbf{"id": 1}')
    assert decoded_file(tmp_path / "card.json", "card.json") == {"id": 1}


# --- Later -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ({}, [1.0]),
        ({"Retry-After": "7"}, [7.0]),
        ({"Retry-After": "0"}, [0.0]),
        ({"Retry-After": "999999999"}, [60.0]),
        ({"Retry-After": "99999999999999999999"}, [1.0]),
        ({"Retry-After": "-5"}, [1.0]),
        ({"Retry-After": "soon"}, [1.0]),
        ({"Retry-After": "\u00b2"}, [1.0]),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, [0.0]),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, [60.0]),
        ({"Retry-After": "Mon, 99 Foo 2001 00:00:00 GMT"}, [1.0]),
    ],
)
def test_too_many_requests_wait_as_asked_within_reason(asked: dict[str, str], waited: list[float]) -> None:
    clock = Clock()
    with Server({"/api/card": [Answer(status=429, headers=asked), Answer([1])]}) as server:
        with asking(server, clock) as client:
            assert client.get("api/card") == [1]
        assert clock.slept == waited
        assert len(server.seen) == 2


def test_a_date_to_come_is_waited_for() -> None:
    clock = Clock()
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with (
        Server({"/api/card": [Answer(status=503, headers={"Retry-After": later}), Answer([1])]}) as server,
        asking(server, clock) as client,
    ):
        assert client.get("api/card") == [1]
    assert 25 < clock.slept[0] <= 30


def test_a_server_error_is_tried_again_and_progress_says_so() -> None:
    said: list[tuple[str, int, int]] = []
    clock = Clock()
    busy = Answer(status=429, headers={"Retry-After": "3"})
    with Server({"/api/card": [Answer(status=500), busy, Answer([1])]}) as server:
        asked = asking(server, clock, progress=lambda *what: said.append(what))
        with asked as client:
            assert client.get("api/card") == [1]
    assert clock.slept == [1.0, 3.0]
    assert said == [("Metabase: trying again", 1, 0), ("Metabase asks to wait", 2, 0)]


def test_a_server_that_stays_broken_is_given_up_on() -> None:
    clock = Clock()
    with Server({"/api/card": Answer(b"SELECT secret FROM payroll", status=500)}) as server:
        error = refused(asking(server, clock))
        assert len(server.seen) == 4
    assert isinstance(error, Refused)
    assert error.status == 500
    assert clock.slept == [1.0, 2.0, 4.0]
    assert "payroll" not in str(error)


def test_patience_ends_before_the_attempts_do() -> None:
    clock = Clock()
    with Server({"/api/card": Answer(status=429, headers={"Retry-After": "50"})}) as server:
        error = refused(asking(server, clock, attempts=100, patience=120))
        assert len(server.seen) == 3
    assert "took longer than 120 seconds" in str(error)
    assert clock.now <= 120


@pytest.mark.parametrize("cut", [0, 10])
def test_a_connection_that_breaks_off_is_made_again(cut: int) -> None:
    broken = Answer({"id": 27, "name": "Revenue"}, cut=cut)
    with Server({"/api/card": [broken, Answer([1])]}) as server, asking(server) as client:
        assert client.get("api/card") == [1]
    with Server({"/api/card": broken}) as server:
        assert "the connection broke off" in str(refused(asking(server)))
        assert len(server.seen) == 4


def test_a_slow_answer_times_out() -> None:
    with Server({"/api/card": Answer([1], wait=20)}) as server:
        began = time.monotonic()
        error = refused(asking(server, timeout=0.1, attempts=2))
        assert "no answer within 0.1 seconds" in str(error)
        assert len(server.seen) == 2
    assert time.monotonic() - began < 10


def test_nobody_there() -> None:
    assert "nothing answers there" in str(refused(asking(unused_url())))
    assert "nobody knows a host of that name" in str(refused(asking("http://tea.invalid", attempts=1)))


# --- Refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"), [(401, "credentials are wrong"), (403, "not allowed"), (404, "not there")]
)
def test_a_refusal_is_not_tried_again_and_keeps_its_status(status: int, words: str) -> None:
    with Server({"/api/card": Answer({"error": TOKEN}, status=status)}) as server:
        error = refused(asking(server))
        assert len(server.seen) == 1
    assert isinstance(error, Refused)
    assert error.status == status
    assert words in str(error)


def test_a_redirect_is_not_followed_so_that_credentials_stay() -> None:
    with Server({"/api/card": Answer(b"<html>", status=302)}) as server, Server({"/login": [Answer([1])]}) as other:
        server.routes["/api/card"] = Answer(status=302, headers={"Location": f"{other.url}/login?token={TOKEN}"})
        error = refused(asking(server))
        assert "was sent elsewhere (302)" in str(error)
        assert "signed in" in error.hint
        assert other.seen == []


def test_a_login_page_instead_of_json() -> None:
    with Server({"/api/card": Answer(b"\n<!doctype html><title>Sign in</title>")}) as server:
        assert "it is a web page" in str(refused(asking(server)))


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe\x00", b"[" * 100_000 + b"]" * 100_000, b"caf\xe9", b'{"a": 1} {"b": 2}']
)
def test_what_is_not_json(body: bytes) -> None:
    with Server({"/api/card": Answer(body)}) as server:
        assert "not JSON" in str(refused(asking(server)))


# --- Too much --------------------------------------------------------------------------------------------------------


def test_an_endless_body_ends_at_the_limit() -> None:
    with Server({"/api/card": Answer(b" " * 8192, endless=True)}) as server:
        assert "gave more than 100,000 bytes" in str(refused(asking(server, most_bytes=100_000)))


def test_an_endless_body_ends_with_patience() -> None:
    with Server({"/api/card": Answer(b" ", endless=True)}) as server:
        clock = Clock()
        client = Client("Metabase", server.url, patience=5, sleep=clock.sleep, monotonic=clock)
        client.monotonic = lambda: (clock.sleep(1), clock.now)[1]  # every look at the clock takes a second
        assert "took longer than 5 seconds" in str(refused(client))


def packed(body: bytes, packing: str = "gzip") -> Answer:
    return Answer(body, headers={"Content-Encoding": packing})


def test_a_packed_answer_is_unpacked() -> None:
    cards = [{"id": n} for n in range(50_000)]
    body = gzip.compress(json.dumps(cards).encode())
    with Server({"/api/card": packed(body), "/none": packed(b"")}) as server, asking(server) as client:
        assert client.get("api/card") == cards
        assert client.get("none") is None


def test_a_bomb_goes_off_in_no_more_than_a_piece() -> None:
    import tracemalloc

    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    with Server({"/api/card": packed(bomb)}) as server:
        tracemalloc.start()
        try:
            assert "gave more than 5,000,000 bytes" in str(refused(asking(server, most_bytes=5_000_000)))
            assert tracemalloc.get_traced_memory()[1] < 30_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "answer",
    [
        packed(b"this is not gzip at all"),
        packed(gzip.compress(b'{"id": 27}' * 100, mtime=0)[:-12]),
        packed(gzip.compress(gzip.compress(b"[1]", mtime=0)), "gzip, gzip"),
        packed(b"[1]", "br"),
    ],
    ids=["no gzip", "cut short", "twice", "not asked for"],
)
def test_a_body_that_cannot_be_unpacked(answer: Answer) -> None:
    with Server({"/api/card": answer}) as server:
        assert "packed in a broken way" in str(refused(asking(server)))


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_nothing_is_logged_and_the_logging_of_others_stays(caplog: pytest.LogCaptureFixture) -> None:
    import httpx

    caplog.set_level(logging.DEBUG)
    answer = Answer([1], headers={"Set-Cookie": f"session={TOKEN}"})
    with Server({"/api/card": answer, f"/{TOKEN}": [Answer(status=500), answer]}) as server:
        with asking(server) as client:
            client.get("api/card", {"token": TOKEN})
            client.get(TOKEN)
        assert caplog.text == ""
        httpx.get(f"{server.url}/api/card", params={"other": "theirs"})
        assert "other=theirs" in caplog.text


@pytest.mark.parametrize("value", ["line\nbreak" + TOKEN, TOKEN + "\u00e9", TOKEN + "\0", TOKEN + " "])
def test_a_credential_that_no_header_can_carry_is_not_quoted(value: str) -> None:
    with Server({"/api/card": {}}) as server, Client("Metabase", server.url, headers={"x-api-key": value}) as client:
        with pytest.raises(ConfigError) as caught:
            client.get("api/card")
        assert "x-api-key" in str(caught.value)
        assert TOKEN not in str(caught.value)
        assert caught.value.__context__ is None
        assert server.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bi.tea.example",
        "ftp://bi.tea.example",
        "file:///etc/passwd",
        "https://",
        "http://[::1",
        "https://bi.tea.example:99999",
        "https://bi.tea example",
        "https://bi.tea.example\n.evil.example",
        "https://bi.tea.example\\@evil.example",
        f"https://board:{TOKEN}@bi.tea.example",
        f"https://{TOKEN}@bi.tea.example",
        f"https://bi.tea.example/?key={TOKEN}",
        f"https://bi.tea.example/#{TOKEN}",
    ],
)
def test_a_url_that_is_none_or_has_a_secret_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client("Metabase", url)
    assert TOKEN not in str(caught.value)
    assert "the url of Metabase" in str(caught.value)


@given(st.text())
def test_any_text_as_a_url_is_taken_or_refused(url: str) -> None:
    with contextlib.suppress(ConfigError):
        assert Client("Metabase", url).base.startswith(("http://", "https://"))


# --- Safe connections ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody has signed, in one file."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    key, made, both = folder / "key.pem", folder / "made.pem", folder / "both.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both


def test_a_certificate_that_nobody_signed_is_not_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with Server({"/api/card": {"id": 27}}, tls=tls) as server:
        clock = Clock()
        error = refused(asking(server, clock))
        assert "its certificate is not trusted here" in str(error)
        assert "SSL_CERT_FILE" in error.hint
        assert clock.slept == []
        assert server.seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with asking(server) as client:
            assert client.get("api/card") == {"id": 27}


def test_https_where_http_is_spoken() -> None:
    with Server({"/api/card": {}}) as server:
        error = refused(asking(server.url.replace("http:", "https:")))
        assert "no safe connection comes about" in str(error)


# --- Cancelled -------------------------------------------------------------------------------------------------------


def test_interrupted_in_the_middle_leaves_nothing_behind() -> None:
    before = threading.enumerate()

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with Server({"/api/card": Answer(status=503), "/api/user": {"id": 1}}) as server:
        client = Client("Metabase", server.url, sleep=interrupt)
        with pytest.raises(KeyboardInterrupt), client:
            client.get("api/card")
        assert client._client is None
        with client:
            assert client.get("api/user") == {"id": 1}  # it can be used anew
    alive = [t for t in threading.enumerate() if t not in before and "http_server" not in t.name]
    assert [t.name for t in alive if "process_request" not in t.name] == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_interrupted_while_a_body_comes() -> None:
    import signal

    with Server({"/api/card": Answer(b" " * 64, endless=True)}) as server:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        client = Client("Metabase", server.url)
        with pytest.raises(KeyboardInterrupt), client:
            client.get("api/card")
        timer.join()
        assert client._client is None


def test_without_httpx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"headway\[bi\]"):
        Client("Metabase", "https://bi.tea.example").get("api/card")


def test_a_function_sees_the_request() -> None:
    def page(request: Request) -> Any:
        return {"page": request.query["page"]}

    with Server({"/api/card": page}) as server, asking(server) as client:
        assert client.get("api/card", {"page": 3}) == {"page": "3"}


# --- Recorded --------------------------------------------------------------------------------------------------------


def recorded(folder: Path, **files: Any) -> Recording:
    for name, body in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(file.name + ".json").write_text(json.dumps(body))
    return Recording(folder, "answers")


def test_recorded_answers_lie_where_their_paths_say(tmp_path: Path) -> None:
    api = recorded(tmp_path, api__card__27=27, api__card__index="all", **{"api__items@models=dashboard": "some"})
    assert api.get("/api/card/27") == 27
    assert api.get("api/card") == api.post("api/card", {"any": "thing"}) == "all"
    assert api.get("api/items", {"models": "dashboard"}) == "some"
    assert api.get("api/card/27", {"page": 1}) == 27
    with pytest.raises(InputError, match=r"answers/api/items.json"):
        api.get("api/items", {"models": "card"})


def test_a_recorded_answer_may_be_packed(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes(gzip.compress(b"[1]"))
    assert Recording(tmp_path, "answers").get("card") == [1]


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "./secret", "", "/", "a\0b", "..\\secret", "x" * 5000])
def test_nothing_outside_the_folder_is_found(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.json").write_text("1")
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    api = Recording(folder, "answers")
    assert api.find(path) is None
    assert api.find("link") is None
    with pytest.raises(InputError):
        api.get(path)


@given(st.text(), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))
def test_any_path_is_found_inside_or_not_at_all(path: str, query: dict[str, str]) -> None:
    here = Path(__file__).parent
    found = Recording(here, "here").find(path, query)
    assert found is None or found.resolve().is_relative_to(here)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{\n\n oops", "is not JSON (line 3)"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (gzip.compress(b"[1]", mtime=0)[:-4], "gzip"),
    ],
)
def test_a_recorded_answer_that_is_broken_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        Recording(tmp_path, "answers").get("card")
    assert "answers/card.json" in str(caught.value)
    assert words in str(caught.value)


def test_the_recording_goes_before_the_client(tmp_path: Path) -> None:
    recorded(tmp_path, card=1)
    with answers("metabase", str(tmp_path.parent), tmp_path.name, lambda: pytest.fail("nobody is asked")) as found:
        assert found.get("card") == 1
    with pytest.raises(InputError, match=r"no such folder \(export: metabase/\)"), answers("metabase", "/", "x", list):
        pass
    with Server({"/card": [Answer([2])]}) as server:
        client = asking(server)
        with answers("metabase", str(tmp_path), "", lambda: client) as found:
            assert found.get("card") == [2]
        assert client._client is None


def test_every_failure_is_an_error_of_ours() -> None:
    assert issubclass(Refused, ServiceError)
    assert issubclass(ServiceError, HeadwayError)
