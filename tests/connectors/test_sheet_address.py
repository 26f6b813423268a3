"""Goals at an address: where a Google sheet is exported, what is followed, and what is said of a login page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, check_five
from http_server import Answer, Server
from test_goals_csv import as_csv
from workbooks import of_rows

from headway.connectors.goals_csv import GoalsCsv
from headway.connectors.protocol import Context
from headway.connectors.sheet_address import GOOGLE, _next, fetched, named, table_address
from headway.errors import ConfigError, InputError, ServiceError
from headway.remote import Refused

pytest.importorskip("httpx", reason="httpx is not installed")

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz_0123456789-abcd"
SHEET = f"https://docs.google.com/spreadsheets/d/{ID}"
LOGIN = b"\n<!DOCTYPE html><html><title>Sign in</title></html>"


def read(url: str, **options: Any) -> list[Any]:
    return list(GoalsCsv({"url": url, **options}, Context("/", NOW)).records())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"{SHEET}/edit#gid=42", f"{SHEET}/export?format=csv&gid=42"),
        (f"{SHEET}/edit?gid=42#gid=7", f"{SHEET}/export?format=csv&gid=7"),
        (f"{SHEET}/edit?usp=sharing", f"{SHEET}/export?format=csv"),
        (SHEET, f"{SHEET}/export?format=csv"),
        (f"{SHEET}/export?format=xlsx&gid=3", f"{SHEET}/export?format=csv&gid=3"),
        (f"https://docs.google.com/a/tea.example/spreadsheets/u/0/d/{ID}/edit#gid=x", f"{SHEET}/export?format=csv"),
        (
            f"https://docs.google.com/spreadsheets/d/e/{ID}/pubhtml?gid=5&single=true",
            f"https://docs.google.com/spreadsheets/d/e/{ID}/pub?output=csv&gid=5&single=true",
        ),
        (
            f"https://docs.google.com/spreadsheets/d/e/{ID}/pub?output=csv",
            f"https://docs.google.com/spreadsheets/d/e/{ID}/pub?output=csv",
        ),
        ("https://tea.example/okrs.csv?sig=a%2Fb#top", "https://tea.example/okrs.csv?sig=a%2Fb"),
    ],
)
def test_where_the_table_is(url: str, address: str) -> None:
    assert table_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "okrs.csv", "ftp://tea.example/okrs.csv", "https://me:secret@tea.example/okrs.csv", "file:///etc/passwd",
        "https://[bad/x.csv", "https://[bad]/secret.csv", "https://tea.example:x/okrs.csv",
        "https://docs.google.com/document/d/1234567890/edit", "https://docs.google.com/spreadsheets/d/../../x",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        GoalsCsv({"url": url}, Context("/", NOW))
    assert "secret" not in str(error.value)


def test_either_a_file_or_an_address() -> None:
    for options in ({}, {"path": "okrs.csv", "url": SHEET}):
        with pytest.raises(ConfigError, match="path or url"):
            GoalsCsv(options, Context("/", NOW))


@pytest.mark.parametrize("body", [as_csv(FIVE).encode(), b"\xef\xbb\xbf" + as_csv(FIVE).encode()])
def test_a_table_is_read_over_redirects_and_its_key_is_not_said(body: bytes) -> None:
    routes: Mapping[str, Any] = {
        "/okrs.csv": Answer(status=307, headers={"Location": "/export/okrs.csv?ticket=sesame"}),
        "/export/okrs.csv": Answer(body, headers={"Content-Type": "text/csv"}),
    }
    with Server(routes) as server:
        records = read(f"{server.url}/okrs.csv?key=sesame")
        assert server.seen[1].query == {"ticket": "sesame"}
    check_five(records, "goals_csv")
    assert "sesame" not in str(records)
    assert any("/okrs.csv:" in str(r) for r in records)


def test_a_workbook_at_an_address() -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    with Server({"/okrs": Answer(of_rows([["id", "title"], [1, "Grow"]]))}) as server:
        assert "Grow" in str(read(f"{server.url}/okrs"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(LOGIN, headers={"Content-Type": "text/html"}), "a web page, or asks to sign in"),
        (Answer(status=401), "asks to sign in"),
        (Answer(status=404), "not there"),
        (Answer(status=302, headers={"Location": "/okrs.csv"}), "without an end"),
        (Answer(status=302, headers={"Location": "http://169.254.169.254/key"}), "not followed"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "not followed"),
        (Answer(status=302, headers={"Location": "http://[x"}), "not followed"),
        (Answer(status=302, headers={"Location": "https://accounts.google.com/ServiceLogin"}), "asks to sign in"),
        (Answer(status=302), "sent elsewhere"),
    ],
)
def test_what_is_no_table_is_one_sentence(answer: Answer, said: str) -> None:
    with Server({"/okrs.csv": answer}) as server, pytest.raises(ServiceError, match=said) as error:
        fetched(f"{server.url}/okrs.csv?key=sesame")
    assert "sesame" not in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_read_of_an_address_is_checked_like_a_file() -> None:
    with Server({"/a.csv": Answer(b""), "/b.csv": Answer(b"caf\xe9,\xff\n")}) as server:
        with pytest.raises(InputError, match="empty"):
            read(f"{server.url}/a.csv")
        with pytest.raises(InputError, match=r"/b\.csv:1: the byte at offset 3"):
            read(f"{server.url}/b.csv")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (Refused("x", 401), "not public"),
        (Refused("x", 307, location="https://accounts.google.com/v3/signin/identifier?continue=x"), "not public"),
        (Refused("x", 302), "not public"),
        (Refused("x", 400), "no such sheet"),
        (Refused("x", 404), "no such sheet"),
        (Refused("x", 307, location="https://evil.example/export"), "not followed"),
        (Refused("x", 307, location="http://doc-1.googleusercontent.com/export"), "not followed"),
        (Refused("too often", 429), "too often"),
    ],
)
def test_what_google_answers(refused: Refused, said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        _next(refused, f"{SHEET}/export?format=csv", GOOGLE)


def test_google_is_followed_to_where_it_keeps_files() -> None:
    there = "https://doc-0s-sheets.googleusercontent.com/export/a/b?format=csv"
    assert _next(Refused("x", 307, location=there), f"{SHEET}/export?format=csv", GOOGLE) == there


def test_messages_name_a_sheet_by_its_beginning() -> None:
    assert named(f"{SHEET}/edit#gid=42") == "Google sheet 1AbCdEfG..."
    assert ID not in str(named(f"{SHEET}/edit"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://tea.example/okrs.csv?key=sesame", "tea.example/okrs.csv"),
        ("https://www.dropbox.com/s/SESAME/okrs.xlsx?dl=1", "www.dropbox.com/.../okrs.xlsx"),
        ("https://1drv.ms/x/s!SESAME", "1drv.ms/..."),
        ("https://tea.example/SESAME", "tea.example/..."),
        ("https://tea.example/share/SESAME/", "tea.example/.../"),
        ("https://tea.example", "tea.example/"),
    ],
)
def test_messages_name_an_address_without_what_may_be_a_key(url: str, said: str) -> None:
    assert named(url) == said


def test_no_part_of_a_share_link_is_said_when_it_fails() -> None:
    with Server({"/x/SESAME": Answer(status=410)}) as server, pytest.raises(ServiceError) as error:
        fetched(f"{server.url}/x/SESAME")
    assert str(error.value) == "127.0.0.1/... failed with status 410"
    assert "SESAME" not in f"{error.value} {error.value!r}"


def test_a_gone_folder_is_a_file_not_an_address(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(GoalsCsv({"path": "https/okrs.csv"}, Context(str(tmp_path), NOW)).records())
