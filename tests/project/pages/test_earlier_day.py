"""Triage, Requests and History as of an earlier day: what was found then, and nothing that was written later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from desk import DAY, aged
from headway.errors import UsageError
from headway.project import Project
from headway.project import requests as wishes
from headway.project import triage as deciding
from headway.project.check_ins import check_in
from headway.project.ledger import entries
from headway.project.pages.table import BY_NAME
from headway.project.pages.view import look, shell_of
from headway.web.app import create_app
from headway.web.current import Current

THEN = "2026-10-23"
"""Goals had been read by then, and no usage yet."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = aged(Path(tmp_path_factory.mktemp("earlier")))
    zombies = [str(row.values[0]) for row in made.ask("triage", kind="zombies").rows]
    deciding.keep(made, zombies, by="analytics", reason="the auditor reads it")
    wishes.file(made, by="sales-team", text="orders by country", at=datetime(2026, 10, 1, 9, tzinfo=UTC))
    wishes.file(made, by="sales-team", text="returns by reason")
    check_in(made, "revenue", "on the way", by="sales-team")
    return made


def seen(shop: Project, page: str, key: str = "", **given: str) -> Any:
    return look(BY_NAME[page], shop, key, {"at": THEN, **given})


def test_triage_says_what_was_known_on_that_day(shop: Project) -> None:
    viewed = seen(shop, "triage", "zombies")
    assert viewed.page.as_of.isoformat() == THEN
    assert viewed.page.unknown.startswith("Use is not known")
    assert viewed.page.log == ()
    today = look(BY_NAME["triage"], shop, "zombies").page
    assert today.unknown == ""
    assert [entry.act for entry in today.log] == ["keep", "keep"]
    assert seen(shop, "triage_home").page.title == "Triage"


def test_requests_are_those_that_had_been_filed(shop: Project) -> None:
    assert seen(shop, "requests").page.count == 1
    assert "orders by country" in str(seen(shop, "requests").page.groups)
    assert "returns by reason" not in str(seen(shop, "requests").page.groups)
    assert look(BY_NAME["requests"], shop).page.count == 2


def test_history_ends_on_that_day(shop: Project) -> None:
    page = seen(shop, "history").page
    assert page.points[-1].day.isoformat() == THEN
    assert page.last.isoformat() == THEN
    assert "observations connected" not in str(page.marks)
    assert "observations connected" in str(look(BY_NAME["history"], shop).page.marks)
    problem = seen(shop, "history", **{"from": "2026-09-01", "to": DAY.isoformat()}).page.problem
    assert problem.startswith("Nothing is known of 2026-11-22")


def test_what_people_said_later_is_not_there(shop: Project) -> None:
    key = "goal:key_result.grow.revenue"
    assert look(BY_NAME["key_result"], shop, key).page.check_ins
    assert seen(shop, "key_result", key).page.check_ins == ()
    assert len(entries(shop, "check_in")) == 1


@pytest.mark.parametrize("page", ["triage_home", "requests", "history"])
def test_a_day_before_the_first_sync_is_refused(shop: Project, page: str) -> None:
    with pytest.raises(UsageError, match="nothing"):
        look(BY_NAME[page], shop, given={"at": "2020-01-01"})
    assert shell_of(seen(shop, page), shop).historic == "23 Oct"


@pytest.mark.parametrize("address", ["/triage", "/triage/zombies", "/triage/lost-purpose", "/requests", "/history"])
def test_an_earlier_day_is_read_and_not_written_on(shop: Project, address: str) -> None:
    folder = shop.config.root
    app = create_app(Current(lambda: Project.open(folder, as_of=DAY, environment={})))
    with TestClient(app, base_url="http://127.0.0.1:8484", client=("127.0.0.1", 5000)) as client:
        page = client.get(address, params={"at": THEN})
        assert page.status_code == 200
        assert "You are looking at 23 Oct." in page.text
        assert 'method="post"' not in page.text
        assert "/triage/decide" not in page.text
        assert f'href="/map?at={THEN}"' in page.text
        twin = client.get(f"{address}.json", params={"at": THEN})
        assert twin.json()["as_of"] == THEN
        assert ".json?at=" in page.text
        if "<form" in page.text and 'class="filters"' in page.text:
            assert f'name="at" value="{THEN}"' in page.text
