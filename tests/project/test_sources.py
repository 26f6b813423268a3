"""What sources are called in the store: the same whatever their order, short, printable, and without secrets."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.config import Source
from headway.errors import ConfigError
from headway.graph.model import Observation
from headway.project import Project
from headway.project.sources import by_name
from headway.store.store import Store
from shop import SETTINGS, write_shop


def names(*sources: tuple[str, dict[str, Any]]) -> list[str]:
    """Names of the sources in their order."""
    configured = [Source(connector, options) for connector, options in sources]
    found = by_name(configured)
    assert list(found.values()) == configured
    return list(found)


PG = "postgres_history"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([("dbt", {}), ("observations", {"path": "a.csv"})], ["dbt", "observations"]),
        (
            [("observations", {"path": "a.csv"}), ("observations", {"path": ["b.csv", "c.csv"], "covers": "kind:x"})],
            ["observations:a.csv", "observations:b.csv,c.csv"],
        ),
        ([(PG, {"logs": "a/*.json"}), (PG, {"logs": ["b"]})], [f"{PG}:a/*.json", f"{PG}:b"]),
        (
            [(PG, {"logs": "a"}), (PG, {"source": "pg_stat_statements", "target": "prod"})],
            [f"{PG}:a", f"{PG}:prod,pg_stat_statements"],
        ),
        (
            [("snowflake_history", {}), ("snowflake_history", {"target": "eu", "keep_days": 9})],
            ["snowflake_history", "snowflake_history:eu"],
        ),
        (
            [("history", {"path": "q.csv", "database": "a"}), ("history", {"path": "q.csv", "database": "b"})],
            ["history:q.csv,a", "history:q.csv,b"],
        ),
        (
            [("superset", {"url": "https://jo:pw@bi?token=x"}), ("superset", {"url": "http://x"})],
            ["superset:https://bi", "superset:http://x"],
        ),
        ([("a", {"path": "x\n\x1b[31m"}), ("a", {"path": "y"})], ["a:x??[31m", "a:y"]),
    ],
)  # fmt: skip
def test_names_say_what_is_read(sources: list[tuple[str, dict[str, Any]]], expected: list[str]) -> None:
    assert names(*sources) == expected


def test_other_options_tell_apart_by_a_digest_and_secrets_by_nothing() -> None:
    first, second = names(("x", {"path": "p", "schema": "s", "org": 1}), ("x", {"path": "p", "schema": "s", "org": 2}))
    assert first != second
    assert first.startswith("x:p,s#")
    for option in ("token", "api_key", "password", "client_secret"):
        one, other = names(("x", {"path": "p", option: "hush-1"}), ("x", {"path": "p", option: "hush-2"}))
        assert other == one + "'"
        assert names(("x", {"path": "p", option: "rotated"}), ("x", {"path": "p"}))[0] == one


def test_a_name_of_many_files_is_cut_and_still_its_own() -> None:
    long = [f"exports/a-long-name-of-a-file-{n}.csv" for n in range(100)]
    first, second = names(("observations", {"path": long}), ("observations", {"path": [*long, "z"]}))
    assert first != second
    assert max(len(first), len(second)) <= 200


values = st.one_of(
    st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=3), max_size=2)
)
options = st.dictionaries(
    st.sampled_from(["path", "logs", "url", "target", "database", "org", "token", "people"]), values, max_size=4
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), options), max_size=4))
def test_the_order_of_sources_changes_no_name(sources: list[tuple[str, dict[str, Any]]]) -> None:
    expected = {}
    for order in permutations(sources):
        found = names(*order)
        assert len(set(found)) == len(sources)
        assert all(len(name) <= 200 and name.isprintable() for name in found)
        # sources that agree in all that tells them apart read the same, and may swap names among themselves
        said = {
            str(sorted(name.rstrip("'") for name, s in zip(found, order, strict=True) if s == one)) for one in sources
        }
        expected.setdefault("names", (sorted(found), said))
        assert (sorted(found), said) == expected["names"]


# --- In the store ----------------------------------------------------------------------------------------------------

LOGS = [
    "  - {name: postgres_history, logs: a.json}\n",
    "  - {name: postgres_history, logs: b.json}\n",
]


def log(file: Path, table: str) -> None:
    """A log with one statement that reads a table."""
    moment = "2026-11-21 10:00:00.000 UTC"
    file.write_text(
        f'{{"timestamp": "{moment}", "user": "jo", "dbname": "wh", "pid": 1, "session_id": "6740f000.1", "line_num": 1'
        f', "ps": "SELECT"'
        f', "session_start": "2026-11-21 09:00:00 UTC", "error_severity": "LOG", "state_code": "00000", '
        f'"message": "duration: 5.000 ms  statement: select id from {table}", "backend_type": "client backend"}}\n'
    )


def stored(project: Project) -> dict[str, set[str]]:
    """Relations that each file's observations are about."""
    with Store.open(f"sqlite:///{project.config.root}/.headway/headway.db") as store:
        loaded = store.load()
    rows = [
        one for one in loaded.records if isinstance(one, Observation) and one.origin.connector == "postgres_history"
    ]
    return {"relations": {one.relation for one in rows}, "names": {n for n in loaded.per_connector if "postgres" in n}}


def test_what_was_synced_stays_with_its_source_when_they_change_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWAY_PEOPLE_KEY", "a key of the tests, long enough")
    shop = write_shop(tmp_path / "shop")
    log(shop / "a.json", "orders")
    log(shop / "b.json", "customers")
    (shop / "headway.yml").write_text(SETTINGS + "connectors:\n" + "".join(LOGS))
    project = Project.open(shop)
    assert not [r.error for r in project.sync(["postgres_history"], evaluate=False) if r.error]
    both = stored(project)
    assert len(both["relations"]) == 2
    assert both["names"] == {"postgres_history:a.json", "postgres_history:b.json"}
    (shop / "a.json").unlink()
    (shop / "headway.yml").write_text(SETTINGS + "connectors:\n" + "".join(reversed(LOGS)))
    project = Project.open(shop)
    project.now += timedelta(minutes=1)
    results = {r.connector: bool(r.error) for r in project.sync(["postgres_history"], evaluate=False)}
    assert results == {"postgres_history:b.json": False, "postgres_history:a.json": True}
    assert stored(project) == both, "the one that fails keeps what it said, under its own name"


def test_goals_of_two_files_with_the_same_ids_are_not_mixed(tmp_path: Path) -> None:
    places = "goals:\n  - {name: goals_csv, path: city.csv}\n  - {name: goals_csv, path: sea.csv%s}\n"
    settings_file = tmp_path / "headway.yml"
    settings_file.write_text("dbt: false\n" + places % "")
    (tmp_path / "city.csv").write_text("title,target\nGrow,\n")
    (tmp_path / "sea.csv").write_text("title,target\nGrow,5\n")
    said = "goals_csv:city.csv and goals_csv:sea.csv both have a goal goals_csv:grow"
    with pytest.raises(ConfigError, match=said):
        Project.open(tmp_path).graph()
    errors = [result.error for result in Project.open(tmp_path).sync(evaluate=False)]
    assert errors == ["", f"{said} (prefix: at one of them becomes part of its ids: prefix: sales)"]
    settings_file.write_text("dbt: false\n" + places % ", prefix: sea")
    assert [result.error for result in Project.open(tmp_path).sync(evaluate=False)] == ["", ""]
    graph = Project.open(tmp_path).graph()
    assert {"goals_csv:grow", "goals_csv:sea.grow"} <= set(graph.index)


def test_a_path_that_lets_in_whoever_has_it_is_not_in_a_name() -> None:
    links = [f"https://files.example.com/s/SECRET{n}/okrs.csv" for n in (1, 2)]
    names = list(by_name([Source("goals_csv", {"url": link}) for link in links]))
    assert len(set(names)) == 2
    assert all(name.startswith("goals_csv:https://files.example.com/~") for name in names)
    assert "SECRET" not in str(names)
