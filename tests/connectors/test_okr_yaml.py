"""OKRs as code in other dialects of YAML, by a mapping of their words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, Row, Synced, check_five, check_followed

from headway.connectors.okr_yaml import OkrYaml
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import Deliverable, Edge, Gap, Node, Objective, Reading, Target
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def as_yaml(rows: Sequence[Row]) -> str:
    """The tree with `supports`, in a dialect that calls goals statements."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one: dict[str, Any] = {"id": row.key, "statement": row.title}
        one.update({k: "true" for k in ("private", "archived") if getattr(row, k)})
        if row.closed:
            one["status"] = "achieved"
        if row.numbers:
            one.update(zip(("baseline", "target", "current"), row.numbers, strict=True))
        if row.key in {"105", "106"}:
            found[row.parent].setdefault("key_results", []).append(one)
        else:
            one["supports"] = [{"target": row.parent, "origin": "cascaded"}] if row.parent else []
            found[row.key] = one
    return json.dumps({"objectives": list(found.values())})


def read(folder: Path, text: str, **options: Any) -> list[Any]:
    (folder / "okrs.yml").write_text(text, encoding="utf-8")
    return list(OkrYaml({"path": "okrs.yml", **options}, Context(str(folder), NOW)).records())


class TestConformance(ConnectorConformance):
    """The promises of a connector."""

    connector = OkrYaml

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "okrs.yml").write_text(as_yaml(FIVE))
        return {"path": "okrs.yml"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        bomb = b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        for here, before in zip("bcdefgh", "abcdefg", strict=True):
            bomb += f"{here}: &{here} [{','.join([f'*{before}'] * 9)}]\n".encode()
        merged = b"a: &a {x: 1}\n"
        for here, before in zip("bcdefgh", "abcdefg", strict=True):
            merged += f"{here}: &{here} {{<<: [{','.join([f'*{before}'] * 9)}]}}\n".encode()
        return {
            "merged without end": merged,
            "aliases without end": bomb,
            "no objectives": b"teams: [a]\n",
            "tab": b"objectives:\n\t- a\n",
        }


def test_five_levels(tmp_path: Path) -> None:
    check_five(read(tmp_path, as_yaml(FIVE)), "okr_yaml")


def test_goals_are_followed_by_their_id(tmp_path: Path) -> None:
    synced = Synced(tmp_path, "okr_yaml", {"path": "okrs.yml"}, {})
    check_followed(synced, lambda rows: (tmp_path / "okrs.yml").write_text(as_yaml(rows)), "okr_yaml")


def test_a_folder_and_words_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "okrs").mkdir()
    (tmp_path / "okrs/a.yml").write_text(
        "org: tea\nquarter: 2026-Q4\nGoals:\n"
        "- kr: g\n  Says: Grow\n  KRs:\n"
        "  - {kr: r, Says: Revenue, numbers: {from: 1, to: 9}, key: mrr, window: {end: 2026-12-31}}\n"
        "  - {kr: m, Says: Ship, type: milestone, status: done}\n"
    )
    fields = {
        "objectives": "Goals", "key_results": "KRs", "id": "kr", "title": "Says", "baseline": "numbers.from",
        "target": "numbers.to", "metric": "key", "end": "window.end",
    }  # fmt: skip
    records = list(OkrYaml({"path": "okrs", "fields": fields}, Context(str(tmp_path), NOW)).records())
    (target,) = [r for r in records if isinstance(r, Target)]
    assert (target.baseline, target.target, target.due, target.binding.metric) == (1.0, 9.0, date(2026, 12, 31), "mrr")
    assert ("ref:metric/mrr", "okr_yaml:r") in {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}
    assert [(r.deliverable, r.done) for r in records if isinstance(r, Deliverable)] == [("okr_yaml:m", True)]
    node = next(r for r in records if isinstance(r, Node))
    assert (node.owner, node.origin.file, node.origin.line) == ("tea", "okrs/a.yml", 4)


def test_metrics_of_the_dialect_are_not_taken_for_those_of_dbt(tmp_path: Path) -> None:
    records = read(tmp_path, "objectives: [{id: o, title: O, key_results: [{id: k, title: K, metric: m1, target: 3}]}]")
    assert [r.binding.way for r in records if isinstance(r, Target)] == [""]


def test_nested_objectives_and_plain_sentences(tmp_path: Path) -> None:
    text = "- title: A\n  children:\n  - title: B\n    krs: [Something better]\n"
    records = read(tmp_path, text)
    assert [r.id for r in records if isinstance(r, Node)] == [
        "okr_yaml:a",
        "okr_yaml:a.b",
        "okr_yaml:a.b.something_better",
    ]


def test_a_reading_has_the_day_that_is_written(tmp_path: Path) -> None:
    text = "- {id: o, title: O, krs: [{id: k, title: K, current: 3, target: 9, last_updated: 2026-11-02}]}"
    assert [r.day for r in read(tmp_path, text) if isinstance(r, Reading)] == [date(2026, 11, 2)]


def test_numbers_are_read_as_people_write_them_and_what_is_none_is_counted(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        "- id: o\n  title: O\n  krs:\n"
        "  - {id: k, title: K, baseline: 20%, target: 50, current: 1 200, due: 31/12/2026}\n"
        "  - {id: l, title: L, target: many, current: [3], start: soon}\n",
    )
    assert [(r.baseline, r.target) for r in records if isinstance(r, Target)] == [(20.0, 50.0), (None, None)]
    assert [r.value for r in records if isinstance(r, Reading)] == [1200.0]
    assert {r.message for r in records if isinstance(r, Gap)} >= {
        "okrs.yml: 2 values that should be numbers are none",
        "okrs.yml: 2 days cannot be read: they are written like 2026-11-22",
    }


def test_a_prefix_is_part_of_the_ids(tmp_path: Path) -> None:
    records = read(tmp_path, "- {id: o, title: O, krs: [{id: k, title: K, target: 5}]}\n", prefix="city")
    assert [r.id for r in records if isinstance(r, Node)] == ["okr_yaml:city.o", "okr_yaml:city.k"]
    assert [(r.key_result, r.objective) for r in records if isinstance(r, Target)] == [
        ("okr_yaml:city.k", "okr_yaml:city.o")
    ]


def test_a_goal_in_words_is_no_number_that_is_missed(tmp_path: Path) -> None:
    assert "numbers" not in str(read(tmp_path, "- {id: o, title: O, goal: To be the first in the north}\n"))


def test_what_is_merged_in_counts_unless_it_is_said_again(tmp_path: Path) -> None:
    text = (
        "defaults: &b {owner: sales, due: 2026-12-31, unit: EUR, private: true}\nfirst: &c {unit: USD}\n"
        "objectives:\n- id: o\n  title: O\n  krs:\n"
        "  - {<<: [*c, *b], id: k, title: K, target: 5, private: false}\n"
        "  - {<<: *b, id: secret, title: Buy out a rival, target: 5}\n"
    )
    records = read(tmp_path, text)
    (target,) = [r for r in records if isinstance(r, Target)]
    assert (target.key_result, target.due, target.unit) == ("okr_yaml:k", date(2026, 12, 31), "USD")
    node = next(r for r in records if isinstance(r, Node) and r.id == "okr_yaml:k")
    assert (node.owner, node.origin.line) == ("sales", 7)
    assert "rival" not in str(records)


def test_what_is_no_goal_is_said(tmp_path: Path) -> None:
    records = read(tmp_path, "objectives:\n- {id: o, title: O}\n- [7]\n- {owner: x}\n")
    assert [r.message for r in records if isinstance(r, Gap)] == [
        "okrs.yml: an entry that is no goal is left out",
        "okrs.yml:4: a goal has neither id nor title",
    ]


@pytest.mark.parametrize(
    "said",
    ["private: true", "private: True", "private: yes", "private: 1", "Private: on", "private: 'TRUE'",
     "visibility: only me", "private: [ann]", "private: yes, archived: yes", "private: true, status: archived"],
)  # fmt: skip
def test_a_goal_is_private_unless_it_says_that_everybody_may_see_it(tmp_path: Path, said: str) -> None:
    records = read(tmp_path, f"- {{id: o, title: Grow}}\n- {{id: p, title: Buy out a rival, {said}}}\n")
    assert [r.title for r in records if isinstance(r, Node)] == ["Grow"]
    assert [r.message for r in records if isinstance(r, Gap)] == ["1 private goal of okrs.yml left out"]


@pytest.mark.parametrize("said", ["private: false", "private: No", "private:", "private: 0", "visibility: public"])
def test_a_goal_that_everybody_may_see_is_read(tmp_path: Path, said: str) -> None:
    assert [r.title for r in read(tmp_path, f"- id: o\n  title: Grow\n  {said}\n") if isinstance(r, Node)] == ["Grow"]


@pytest.mark.parametrize("said", ["true", "True", "yes", "1"])
def test_an_archived_goal_is_named_and_not_read(tmp_path: Path, said: str) -> None:
    records = read(tmp_path, f"- {{id: o, title: Grow, archived: {said}}}\n")
    assert [r.message for r in records] == ["1 archived goal (Grow) of okrs.yml left out"]


@pytest.mark.parametrize("options", [{}, {"path": "x", "fields": {"colour": "a"}}, {"path": "x", "fields": {"id": 3}}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        OkrYaml(options, Context("/", NOW))


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no YAML file"):
        list(OkrYaml({"path": "."}, Context(str(tmp_path), NOW)).records())


def test_ids_that_count_anew_in_each_file_and_below_each_objective_are_told_apart(tmp_path: Path) -> None:
    growth = "objectives:\n- {id: O1, title: Grow, key_results: [{id: KR1, title: MRR, target: 1}]}\n"
    growth += "- {id: O2, title: Keep, key_results: [{id: KR1, title: Churn, target: 2}]}\n"
    support = "objectives:\n- {id: O1, title: Answer, key_results: [{id: KR1, title: Reply, target: 3}, "
    support += "{id: KR2, title: Praise, target: 4}]}\n"
    for folder, text in (("growth", growth), ("support", support)):
        (tmp_path / "okrs" / folder).mkdir(parents=True)
        (tmp_path / "okrs" / folder / "q4.yaml").write_text(text)
    context = Context(str(tmp_path), NOW)
    records = list(OkrYaml({"path": "okrs"}, context).records())
    above = {t.key_result: t.objective for t in records if isinstance(t, Target)}
    assert above == {
        "okr_yaml:growth_q4.O1.KR1": "okr_yaml:growth_q4.O1",
        "okr_yaml:O2.KR1": "okr_yaml:O2",
        "okr_yaml:support_q4.O1.KR1": "okr_yaml:support_q4.O1",
        "okr_yaml:KR2": "okr_yaml:support_q4.O1",
    }
    assert not [r for r in records if isinstance(r, Gap) and "twice" in r.message]


def test_a_period_gives_its_days_and_one_that_is_none_is_counted(tmp_path: Path) -> None:
    text = "period: 2024-Q3\nobjectives:\n- {title: Grow, key_results: [{title: A, baseline: 0.1, target: 40%}]}\n"
    text += "- {title: Later, period: someday}\n"
    records = read(tmp_path, text)
    days = {o.period: (o.start, o.end) for o in records if isinstance(o, Objective)}
    assert days == {"2024-Q3": (date(2024, 7, 1), date(2024, 9, 30)), "someday": (None, None)}
    (target,) = [t for t in records if isinstance(t, Target)]
    assert (target.baseline, target.target, target.unit) == (10.0, 40.0, "%")
    said = " ".join(r.message for r in records if isinstance(r, Gap))
    assert "1 periods are none that is known" in said
    assert "1 goals have a percent sign at some of their numbers only" in said


def test_what_supports_a_private_or_archived_goal_is_left_out_with_it(tmp_path: Path) -> None:
    text = "objectives:\n- {id: cut, title: Cut 200 jobs, parent: sec}\n- {id: sec, title: Layoffs, private: yes}\n"
    text += "- {id: deep, title: In Berlin, parent: cut}\n- {id: old, title: Old, status: archived}\n"
    text += "- {id: past, title: Past, parent: old}\n- {id: grow, title: Grow}\n"
    text += "- {id: more, title: More, parent: grow}\n"
    records = read(tmp_path, text)
    assert [r.id for r in records if isinstance(r, Node)] == ["okr_yaml:grow", "okr_yaml:more"]
    said = " ".join(r.message for r in records if isinstance(r, Gap))
    assert "3 private goals" in said
    assert "2 archived goals (Old, Past)" in said
    assert "jobs" not in repr(records)
    assert "Berlin" not in repr(records)
