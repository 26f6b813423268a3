"""A tool is read part by part: what fails is told, what fails altogether ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from http_server import Answer, Server

from headway.connectors.api import Recording
from headway.connectors.parts import Parts
from headway.errors import InputError, ServiceError
from headway.remote import Client


@contextmanager
def parts(routes: dict[str, Any]) -> Iterator[Parts]:
    """Parts of a server with these routes."""
    with Server(routes) as server, Client("Metabase", server.url, sleep=lambda _: None) as client:
        yield Parts(client, "Metabase")


def said(of: Parts) -> list[str]:
    return [gap.message for gap in of.gaps("metabase")]


def test_what_cannot_be_had_is_one_gap_for_each_kind_of_part() -> None:
    forbidden = {f"/card/{n}": Answer(status=403) for n in range(5)}
    with parts({**forbidden, "/user/1": Answer(b"no json"), "/card/9": {"id": 9}}) as asked:
        assert [asked.get("cards", f"card/{n}") for n in range(5)] == [None] * 5
        assert asked.get("users", "user/1") is None
        assert asked.get("cards", "card/9") == {"id": 9}
    cards, users = said(asked)
    assert cards.startswith("cards could not be read: Metabase: card/0 is not allowed to this user (403); ")
    assert cards.endswith(" and 2 more")
    assert users == "users could not be read: Metabase: user/1 gave something that is not JSON"
    assert {(gap.topic, gap.origin.connector) for gap in asked.gaps("metabase")} == {("metabase", "metabase")}


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_what_need_not_be_there_is_not_missed(status: int) -> None:
    with parts({"/pulse": Answer(status=status)}) as asked:
        assert asked.get("subscriptions", "pulse", optional=True) is None
        assert said(asked) == []
        assert asked.get("subscriptions", "pulse") is None
        assert len(said(asked)) == 1


def test_what_need_not_be_there_but_is_broken_is_told() -> None:
    with parts({"/pulse": Answer(status=500)}) as asked:
        assert asked.get("subscriptions", "pulse", optional=True) is None
        assert said(asked) == ["subscriptions could not be read: Metabase: pulse failed with status 500"]


def test_three_failures_in_a_row_are_the_end_and_what_works_between_starts_the_count_again() -> None:
    broken: dict[str, Any] = {f"/card/{n}": Answer(status=502) for n in range(6)}
    with parts({**broken, "/card/9": {"id": 9}, "/locked": Answer(status=403)}) as asked:
        for path in ("card/0", "card/1", "card/9", "card/2", "card/3", "locked"):
            asked.get("cards", path)
        with pytest.raises(ServiceError, match="502"):
            asked.get("cards", "card/4")


def test_credentials_that_are_refused_are_the_end_at_once() -> None:
    with parts({"/card/1": Answer(status=401)}) as asked, pytest.raises(ServiceError, match="credentials"):
        asked.get("cards", "card/1", optional=True)


def test_recorded_answers(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    asked = Parts(Recording(tmp_path, "answers"), "Metabase")
    assert asked.get("subscriptions", "pulse", optional=True) is None
    assert said(asked) == []
    assert asked.get("subscriptions", "pulse") is None
    assert asked.get("cards", "broken", optional=True) is None
    asked.note("cards", "card/2 is something else")
    assert [one.partition(": ")[2] for one in said(asked)] == [
        "answers/pulse.json: there is no such answer",
        "answers/broken.json: is not JSON (line 1): Input data was truncated; card/2 is something else",
    ]


def test_the_error_for_an_answer_that_everything_stands_on(tmp_path: Path) -> None:
    offline = Parts(Recording(tmp_path, "answers"), "Metabase").wrong("api/collection", "a list of collections")
    assert isinstance(offline, InputError)
    assert str(offline) == "answers/api/collection.json: this is not a list of collections"
    with parts({}) as asked:
        online = asked.wrong("api/collection", "a list of collections")
    assert isinstance(online, ServiceError)
    assert "Metabase: api/collection gave something else than a list of collections" in str(online)
