"""A project whose store is a PostgreSQL database: the same answers, with history, for a team."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headway.project import Project
from shop import GOALS, write_shop

pytestmark = pytest.mark.integration


def test_answers_are_the_same_from_a_shared_store(tmp_path: Path, postgres_database: Callable[[], str]) -> None:
    shop = write_shop(tmp_path / "shop")
    url = postgres_database()
    with (shop / "headway.yml").open("a") as settings:
        settings.write("store: ${TEAM_STORE}\n")
    environment = {"TEAM_STORE": url}
    fresh = Project.open(shop, environment=environment)
    fresh.use_store = False
    before = {q: fresh.ask(q) for q in ("summary", "goals", "zombies", "cost")}
    results = Project.open(shop, environment=environment).sync(evaluate=False)
    assert not [r.error for r in results if r.error]
    for question, answer in before.items():
        stored = Project.open(shop, environment=environment).ask(question)
        assert stored.headline == answer.headline
        assert stored.rows == answer.rows
    assert not (shop / ".headway/headway.db").exists()


def test_a_failed_source_keeps_the_last_good_state(tmp_path: Path, postgres_database: Callable[[], str]) -> None:
    shop = write_shop(tmp_path / "shop")
    url = postgres_database()
    Project.open(shop, store_url=url).sync(evaluate=False)
    (shop / "goals.yml").write_text(GOALS.replace("period: 2026-Q4", "period: 2027-Q9"))
    failed = [r for r in Project.open(shop, store_url=url).sync(evaluate=False) if r.error]
    assert [r.connector for r in failed] == ["goals"]
    assert Project.open(shop, store_url=url).ask("summary").totals["aligned"] == 4


def test_an_unreachable_store_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    from headway.errors import StoreError

    shop = write_shop(tmp_path / "shop")
    url = "postgresql://team:s3cr3t-word@127.0.0.1:9/none"
    with pytest.raises(StoreError) as caught:
        Project.open(shop, store_url=url).ask("summary")
    assert "s3cr3t-word" not in str(caught.value)
    assert "\n" not in str(caught.value).strip()
