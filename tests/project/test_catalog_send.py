"""What a catalog is told: only what changed, once each; what is no longer so is taken back, also after a kill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from headway.config import Config, Option
from headway.errors import ConfigError, UsageError
from headway.graph.graph import Graph
from headway.graph.model import Binding, Edge, Node, Objective, Target
from headway.project import Project, catalog_send
from headway.project.ledger import entries
from headway.sinks.catalog import Change, Head, Statement
from headway.sinks.protocol import Delivered, Setting

LONG = "x" * 501


class Board:
    """A catalog in memory: per place, key -> what stands there. The sink is whole; only the system outside is small."""

    name: ClassVar[str] = "board"
    options: ClassVar[tuple[Option, ...]] = ()
    there: ClassVar[dict[str, dict[str, Any]]] = {}
    sent: ClassVar[list[tuple[str, Mapping[str, Any] | None, tuple[Any, ...]]]] = []
    fails: ClassVar[set[str]] = set()
    dies_at: ClassVar[str] = ""

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None:
        self.place = str(options.get("place", "here"))

    def statements(self, head: Head) -> Sequence[Statement]:
        goals = [Statement(g.name, g.title, {"text": g.description}) for g in head.goals]
        assets = [
            Statement(a.node.id, a.node.label, {"goals": list(a.objectives)}) for a in head.assets if a.objectives
        ]
        return [*goals, *assets]

    def deliver(self, items: Iterable[Change], *, dry_run: bool) -> Iterator[Delivered]:
        for one in items:
            if dry_run:
                yield Delivered(one.key, "would be sent", one.title)
                continue
            if one.key == self.dies_at:
                raise KeyboardInterrupt
            Board.sent.append((one.key, one.said, one.before))
            if one.key in self.fails:
                yield Delivered(one.key, "failed", one.title)
                continue
            there = Board.there.setdefault(self.place, {})
            there.pop(one.key, None)
            if one.said is not None:
                there[one.key] = dict(one.said)
            yield Delivered(one.key, "sent", one.title)

    def written(self, changes: Iterable[Change]) -> str:
        return "".join(f"{one.key} {'-' if one.said is None else '+'}\n" for one in changes)


@pytest.fixture(autouse=True)
def board(monkeypatch: pytest.MonkeyPatch) -> type[Board]:
    Board.there, Board.sent, Board.fails, Board.dies_at = {}, [], set(), ""
    monkeypatch.setattr(catalog_send, "sink_class", lambda _: Board)
    return Board


def project(folder: Path, *goals: str, text: str = "", place: str = "here") -> Project:
    """Objectives, each with a key result that one model computes."""
    records: list[Any] = []
    for name in goals:
        objective, key_result, model = f"goal:objective.{name}", f"goal:key_result.{name}.k", f"dbt:model.shop.{name}"
        records += [
            Node(id=objective, kind="objective", name=name, description=text),
            Objective(objective=objective, start=date(2026, 10, 1), end=date(2026, 12, 31)),
            Node(id=key_result, kind="key_result", name="k"),
            Target(key_result=key_result, objective=objective, target=5.0, binding=Binding(model=name)),
            Node(id=model, kind="model", name=name),
            Edge(upstream=model, downstream=key_result),
        ]
    config = Config(root=str(folder), catalogs={"board": {"place": place}})
    day = date(2026, 11, 22)
    return Project(config, day, datetime(2026, 11, 22, tzinfo=UTC), {}).with_graph(Graph(records, as_of=day))


def run(there: Project, **how: Any) -> list[tuple[str, str]]:
    return [(one.key, one.outcome) for one in catalog_send.send(there, "board", **{"write": True, **how})]


def test_without_write_nothing_is_sent_and_nothing_is_kept(tmp_path: Path) -> None:
    said = run(project(tmp_path, "a"), write=False)
    assert said == [("a", "would be sent"), ("a.k", "would be sent"), ("dbt:model.shop.a", "would be sent")]
    assert Board.sent == []
    assert not (tmp_path / ".headway").exists()


def test_what_was_sent_is_not_sent_again(tmp_path: Path) -> None:
    assert [o for _, o in run(project(tmp_path, "a"))] == ["sent"] * 3
    kept = len(entries(project(tmp_path, "a"), "catalog"))
    assert [o for _, o in run(project(tmp_path, "a"))] == ["same"] * 3
    assert len(Board.sent) == 3
    assert len(entries(project(tmp_path, "a"), "catalog")) == kept
    assert [o for _, o in run(project(tmp_path, "a"), everything=True)] == ["sent"] * 3


def test_only_what_changed_is_sent_with_what_stood_there(tmp_path: Path) -> None:
    run(project(tmp_path, "a", text="one"))
    old = Board.there["here"]["a"]
    said = run(project(tmp_path, "a", text="two"))
    assert dict(said) == {"a": "sent", "a.k": "same", "dbt:model.shop.a": "same"}
    assert Board.sent[-1][2] == (old,)


def test_what_is_no_longer_so_is_taken_back_things_before_what_they_refer_to(tmp_path: Path) -> None:
    run(project(tmp_path, "a", "b"))
    said = run(project(tmp_path, "a"))
    assert [key for key, outcome in said if outcome == "sent"] == ["dbt:model.shop.b", "b.k", "b"]
    assert all(said is None for _, said, _ in Board.sent[-3:])
    assert Board.sent[-3][2] == ({"goals": ["goal:objective.b"]},)
    assert sorted(Board.there["here"]) == ["a", "a.k", "dbt:model.shop.a"]
    assert [o for _, o in run(project(tmp_path, "a"))] == ["same"] * 3  # it is taken back once
    run(project(tmp_path, "a", "b"))
    assert "b" in Board.there["here"]


def test_a_change_too_long_to_keep_is_still_seen(tmp_path: Path) -> None:
    run(project(tmp_path, "a", text=LONG))
    assert LONG not in str([e.body for e in entries(project(tmp_path, "a"), "catalog")])
    assert dict(run(project(tmp_path, "a", text=LONG)))["a"] == "same"
    assert dict(run(project(tmp_path, "a", text=LONG + "y")))["a"] == "sent"


def test_what_failed_is_tried_again_and_may_have_arrived(tmp_path: Path) -> None:
    Board.fails = {"a"}
    assert dict(run(project(tmp_path, "a"))) == {"a": "failed", "a.k": "sent", "dbt:model.shop.a": "sent"}
    Board.fails = set()
    assert dict(run(project(tmp_path, "a", text="new"))) == {"a": "sent", "a.k": "same", "dbt:model.shop.a": "same"}
    # What failed may have arrived in part: the sink is told of it.
    assert len(Board.sent[-1][2]) == 1


def test_what_failed_may_have_arrived_also_when_all_is_again_as_it_was_sent(tmp_path: Path) -> None:
    run(project(tmp_path, "a", text="one"))
    Board.fails = {"a"}
    run(project(tmp_path, "a", text="two"))
    Board.fails = set()
    assert dict(run(project(tmp_path, "a", text="one")))["a"] == "sent"
    assert dict(run(project(tmp_path, "a", text="one")))["a"] == "same"


@pytest.mark.parametrize("at", ["a", "a.k", "dbt:model.shop.b"])
def test_a_run_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, at: str) -> None:
    run(project(tmp_path, "b"))
    Board.dies_at = at
    with pytest.raises(KeyboardInterrupt):
        run(project(tmp_path, "a"))
    Board.dies_at = ""
    run(project(tmp_path, "a"))
    assert sorted(Board.there["here"]) == ["a", "a.k", "dbt:model.shop.a"]
    assert {o for _, o in run(project(tmp_path, "a"))} == {"same"}


def test_what_may_have_arrived_of_a_goal_that_is_gone_is_taken_back(tmp_path: Path) -> None:
    Board.dies_at = "a.k"
    with pytest.raises(KeyboardInterrupt):
        run(project(tmp_path, "a"))
    Board.dies_at = ""
    run(project(tmp_path))
    assert Board.there["here"] == {}


def test_what_was_said_in_one_place_was_not_said_in_another(tmp_path: Path) -> None:
    run(project(tmp_path, "a"))
    assert [o for _, o in run(project(tmp_path, "a", place="there"))] == ["sent"] * 3
    run(project(tmp_path))
    assert Board.there["here"] == {}
    assert len(Board.there["there"]) == 3


def test_a_file_says_everything_and_takes_back_what_any_file_or_run_said(tmp_path: Path) -> None:
    run(project(tmp_path, "a"))
    both = project(tmp_path, "b", "c")
    text, changes = catalog_send.in_file(both, "board")
    assert text.count("+") == 6
    assert [line for line in text.splitlines() if line.endswith("-")] == ["dbt:model.shop.a -", "a.k -", "a -"]
    catalog_send.kept(both, "board", changes)
    one = project(tmp_path, "c")
    for _ in range(2):  # nobody knows whether the first of them arrived
        text, changes = catalog_send.in_file(one, "board")
        assert "b -" in text.splitlines()
        assert "a -" in text.splitlines()
        catalog_send.kept(one, "board", changes)
    text, _ = catalog_send.in_file(project(tmp_path, "b"), "board")
    assert "b +" in text.splitlines()
    assert "c -" in text.splitlines()


def test_a_project_without_a_store_can_only_look(tmp_path: Path) -> None:
    there = project(tmp_path, "a")
    there.use_store = False
    assert len(run(there, write=False)) == 3
    with pytest.raises(UsageError, match="kept in a store"):
        run(there)
    text, changes = catalog_send.in_file(there, "board")
    catalog_send.kept(there, "board", changes)
    assert text.count("+") == 3


def test_a_catalog_that_is_not_configured_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="datahub is not configured"):
        list(catalog_send.send(project(tmp_path, "a"), "datahub", write=False))


def test_an_unknown_catalog_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"goals cannot be given to 'amundsen' \(catalogs: one of datahub"):
        catalog_send.sink_class("amundsen")
