"""Goals from CSV exports: both hierarchies, days and numbers as people write them, and what cannot be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, Row, Synced, check_five, check_followed

from headway.connectors.goals_csv import GoalsCsv, propose
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError
from headway.graph.model import Deliverable, Edge, Gap, Node, Objective, Reading, Target
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ORDERED = """\
Order*;Type*;Summary*;Status*;Period*;Owner*;Weight;Teams;Start value*;Current value*;Target value*
1;Objective;Win the cities;On track;Q4 Y2026;Ana;;City team;;;
1.1;Objective;Open in the north;On track;Q4 Y2026;Ana;;;;;
1.1.1;Key result;Revenue;At risk;Q4 Y2026;Ana;2;;1.000;1.400,5;2.000
1.2;Key result;People love us;;Q4 Y2026;;;;;;
2;Objective;Closed already;Completed;Q3 Y2026;;;;;;
"""


def as_csv(rows: Sequence[Row]) -> str:
    """The tree as an export with the id of the row above."""
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(
        ["Row ID", "Title", "Parent", "Type", "Status", "Start value", "Target value", "Current value", "Private"]
    )
    for row in rows:
        status = "Archived" if row.archived else "Completed" if row.closed else "On track"
        sort = "Key result" if row.key in {"105", "106"} else "Objective"
        numbers = row.numbers or ("", "", "")
        sheet.writerow(
            [
                row.key,
                row.title,
                row.parent,
                sort,
                status,
                numbers[0],
                numbers[1],
                numbers[2],
                "yes" if row.private else "",
            ]
        )
    return out.getvalue()


def read(folder: Path, text: str, **options: Any) -> list[Any]:
    (folder / "okrs.csv").write_text(text, encoding="utf-8")
    return list(GoalsCsv({"path": "okrs.csv", **options}, Context(str(folder), NOW)).records())


class TestConformance(ConnectorConformance):
    """The promises of a connector."""

    connector = GoalsCsv

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "okrs.csv").write_text(as_csv(FIVE))
        return {"path": "okrs.csv"}

    tolerated = {"truncated": "half of a table is a table"}  # noqa: RUF012 - as the suite declares it

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {"no titles": b"Row ID,Points\n1,2\n", "spreadsheet": b"PK\x03\x04" + bytes(400)}


def test_five_levels_by_ids(tmp_path: Path) -> None:
    check_five(read(tmp_path, as_csv(FIVE)), "goals_csv")


def test_goals_are_followed_by_their_id(tmp_path: Path) -> None:
    synced = Synced(tmp_path, "goals_csv", {"path": "okrs.csv"}, {})
    check_followed(synced, lambda rows: (tmp_path / "okrs.csv").write_text(as_csv(rows)), "goals_csv")


def test_values_of_earlier_exports_stay(tmp_path: Path) -> None:
    for day, value in (("2026-10-01", "100"), ("2026-11-01", "120"), ("2026-11-20", "140")):
        (tmp_path / "okrs.csv").write_text(as_csv(FIVE).replace("140.0", value))
        synced = Synced(tmp_path, "goals_csv", {"path": "okrs.csv", "taken": day}, {})
        synced.sync()
    graph = synced.graph()
    assert [r.value for r in graph.readings[graph.index["goals_csv:105"]]] == [100.0, 120.0, 140.0]


def test_an_order_says_what_is_below_what(tmp_path: Path) -> None:
    records = read(tmp_path, ORDERED, taken="2026-11-20")
    above = {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}
    assert above == {
        ("goals_csv:open_in_the_north", "goals_csv:win_the_cities"),
        ("goals_csv:revenue", "goals_csv:open_in_the_north"),
        ("goals_csv:people_love_us", "goals_csv:win_the_cities"),
    }
    (target,) = [r for r in records if isinstance(r, Target) and r.target is not None]
    assert (target.baseline, target.target, target.weight) == (1000.0, 2000.0, 2.0)  # as 1.400,5 beside them shows
    assert (target.start, target.due) == (date(2026, 10, 1), date(2026, 12, 31))
    assert [(r.day, r.value) for r in records if isinstance(r, Reading)] == [(date(2026, 11, 20), 1400.5)]
    ended = [r.objective for r in records if isinstance(r, Objective) and r.state == "ended"]
    assert ended == ["goals_csv:closed_already"]
    assert next(r for r in records if isinstance(r, Node)).owner == "City team"
    assert any("no column of ids" in r.message for r in records if isinstance(r, Gap))


def test_rows_of_work_are_deliverables(tmp_path: Path) -> None:
    records = read(tmp_path, "Order,Type,Title,Status\n1,Objective,A,\n1.1,Milestone,B,Done\n")
    assert [(r.deliverable, r.done) for r in records if isinstance(r, Deliverable)] == [("goals_csv:b", True)]


def test_a_parent_may_be_named_by_its_title(tmp_path: Path) -> None:
    records = read(tmp_path, "id,title,parent\nx1,Grow,\nx2,Sales,Grow\n")
    assert [(r.upstream, r.downstream) for r in records if isinstance(r, Edge)] == [("goals_csv:x2", "goals_csv:x1")]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    text = "id,title,target value,due date\n1,A,many,31.12.2026\n2,,5,\n3,C,4,2026-02-30\n"
    messages = [r.message for r in read(tmp_path, text) if isinstance(r, Gap)]
    assert any("1 cells that should be numbers" in m for m in messages)
    assert any("2 days cannot be read" in m for m in messages)
    assert any("have no title" in m and "line 3" in m for m in messages)


def told(records: Sequence[Any]) -> str:
    """What could not be read, a line each."""
    return "\n".join(r.message for r in records if isinstance(r, Gap))


@pytest.mark.parametrize("said", ["2026-11-99999999999", "9" * 5_000])
def test_what_no_calendar_has_is_counted(tmp_path: Path, said: str) -> None:
    records = read(tmp_path, f"id,title,due date,target\n1,A,{said},{said}\n")
    assert "okrs.csv: 1 days cannot be read" in told(records)


def numbers(records: Sequence[Any]) -> list[tuple[float | None, float | None]]:
    return [(r.baseline, r.target) for r in records if isinstance(r, Target)]


def test_one_plain_number_says_how_all_of_a_file_are_written(tmp_path: Path) -> None:
    records = read(tmp_path, "id;title;start value;target\n1;A;1.000;2.000\n2;B;0,5;1,250\n")
    assert numbers(records) == [(1000.0, 2000.0), (0.5, 1.25)]
    assert "two ways" not in told(records)


@pytest.mark.parametrize(
    ("cells", "options", "found", "count"),
    [
        ("1.000;2.000", {}, (1.0, 2.0), 2),
        ("1.000;2.000", {"decimal": ","}, (1000.0, 2000.0), 0),
        ("1,000;2,000", {}, (1000.0, 2000.0), 0),
        ("1,000;2,000", {"decimal": ","}, (1.0, 2.0), 0),
        ("1,000;2,000\n2;B;0,5;0.7", {}, (1000.0, 2000.0), 2),
    ],
)
def test_numbers_that_may_be_others_are_said(
    tmp_path: Path, cells: str, options: Mapping[str, str], found: Any, count: int
) -> None:
    records = read(tmp_path, f"id;title;start value;target\n1;A;{cells}\n", **options)
    assert numbers(records)[0] == found
    assert (f"{count} numbers may be read in two ways" in told(records)) is bool(count)


@pytest.mark.parametrize(
    ("cells", "found", "said"),
    [
        ("0.2;40%", (20.0, 40.0), True),
        ("20;40%", (20.0, 40.0), False),
        ("0;40%", (0.0, 40.0), False),
        ("14%;0.07", (14.0, 7.0), True),
        ("1;40%", (1.0, 40.0), True),
        ("0.2;0.4", (0.2, 0.4), False),
        ("0.2%;40%", (0.2, 40.0), False),
    ],
)
def test_a_row_is_in_percent_or_not(tmp_path: Path, cells: str, found: Any, said: bool) -> None:
    records = read(tmp_path, f"id;title;start value;target\n1;A;{cells}\n")
    assert numbers(records) == [found]
    assert ("1 rows have a percent sign at some of their numbers only" in told(records)) is said


def test_a_period_that_is_none_is_counted_where_it_matters(tmp_path: Path) -> None:
    text = "id,title,period,start date,due date\n1,A,someday,,\n2,B,someday,2026-01-01,2026-02-01\n3,C,Q1 2026,,\n"
    assert "okrs.csv: 1 periods are none that is known" in told(read(tmp_path, text))


BELOW = {
    "objective": "Objective,Key result,Target\n{0}Grow,Revenue,5\n{1}Keep,Revenue,7\n",
    "parent": "title,parent,target\nGrow,,\nKeep,,\n{0}Revenue,Grow,5\n{1}Revenue,Keep,7\n",
    "order": "order,title,target\n1,Grow,\n{0}1.1,Revenue,5\n2,Keep,\n{1}2.1,Revenue,7\n",
}


@pytest.mark.parametrize("way", BELOW)
def test_key_results_of_one_title_are_told_apart_by_what_is_above_them(tmp_path: Path, way: str) -> None:
    text = BELOW[way].format("", "")
    head, *rows = text.splitlines(keepends=True)
    for order in (rows, rows[::-1]):
        records = read(tmp_path, head + "".join(order))
        found = {r.key_result: r.target for r in records if isinstance(r, Target)}
        assert found == {"goals_csv:grow.revenue": 5.0, "goals_csv:keep.revenue": 7.0}
        assert "title of another" not in told(records)


def test_titles_that_are_repeated_in_one_place_are_all_read_and_said(tmp_path: Path) -> None:
    records = read(tmp_path, "title,target\na,1\na,2\na 2,3\nb,4\n")
    assert [r.id for r in records if isinstance(r, Node) and r.kind == "objective"] == [
        "goals_csv:a", "goals_csv:a_3", "goals_csv:a_2", "goals_csv:b"
    ]  # fmt: skip
    assert "okrs.csv: 2 goals have the title of another one in the same place" in told(records)


def test_many_rows_of_one_title_take_no_longer_than_others(tmp_path: Path) -> None:
    records = read(tmp_path, "title\n" + "a\n" * 20_000)
    assert len({r.id for r in records if isinstance(r, Node)}) == 20_000


def test_an_order_that_is_there_twice_is_said_and_means_the_nearest_row(tmp_path: Path) -> None:
    records = read(tmp_path, "order,title\n1,A\n1.1,B\n1,C\n1.1,D\n2,E\n2,F\n")
    assert [(r.upstream, r.downstream) for r in records if isinstance(r, Edge)] == [
        ("goals_csv:b", "goals_csv:a"),
        ("goals_csv:d", "goals_csv:c"),
    ]
    assert "okrs.csv: 1 orders are there twice" in told(records)


@pytest.mark.parametrize("end", ["", '9,"Sales",5\n'])
def test_a_quote_that_swallows_other_goals_is_refused(tmp_path: Path, end: str) -> None:
    rows = "".join(f"{n},Goal {n},3\n" for n in range(3, 60))
    with pytest.raises(InputError, match=r"okrs\.csv:3: .*lines 3 to (60|61) cannot be read"):
        read(tmp_path, 'id,title,target\n1,A,2\n2,"Grow,3\n' + rows + end)


def test_a_prefix_is_part_of_the_ids(tmp_path: Path) -> None:
    records = read(tmp_path, "id,title,parent,target\n1,Grow,,\n2,Sales,1,5\n", prefix="city")
    assert [r.id for r in records if isinstance(r, Node)] == ["goals_csv:city.1", "goals_csv:city.2"]
    assert [(r.upstream, r.downstream) for r in records if isinstance(r, Edge)] == [
        ("goals_csv:city.2", "goals_csv:city.1")
    ]


def test_private_rows_are_read_when_asked(tmp_path: Path) -> None:
    assert any(isinstance(r, Node) and r.title == "Buy out a rival" for r in read(tmp_path, as_csv(FIVE), private=True))


@pytest.mark.parametrize(
    "said", ["Only me", "confidential", "Private goal", "yes", "x", "TRUE", "1", "Restricted", "-", "geheim"]
)
def test_a_row_is_private_unless_it_says_that_everybody_may_see_it(tmp_path: Path, said: str) -> None:
    records = read(tmp_path, f"id,title,visibility\n1,Buy out a rival,{said}\n2,Grow,\n")
    assert [r.title for r in records if isinstance(r, Node)] == ["Grow"]
    assert "1 private goal of okrs.csv left out" in [r.message for r in records if isinstance(r, Gap)]
    assert "rival" not in str(records)


@pytest.mark.parametrize("said", ["", "no", "False", "0", "n", "Public", "Everyone", "whole  company", "Shared"])
def test_a_row_that_everybody_may_see_is_read(tmp_path: Path, said: str) -> None:
    records = read(tmp_path, f"id,title,private\n1,Grow,{said}\n")
    assert [r.title for r in records if isinstance(r, Node)] == ["Grow"]


def test_a_private_row_that_is_archived_is_not_named(tmp_path: Path) -> None:
    records = read(tmp_path, "id,title,private,archived,status\n1,Buy out a rival,yes,yes,\n2,A ruse,yes,,Archived\n")
    assert "2 private goals of okrs.csv left out" in [r.message for r in records if isinstance(r, Gap)]
    assert "rival" not in str(records)
    assert "ruse" not in str(records)


def test_a_mapping_goes_before_names(tmp_path: Path) -> None:
    records = read(tmp_path, "a,b\n1,Grow\n", columns={"id": "a", "title": "b"})
    assert [(r.id, r.title) for r in records if isinstance(r, Node)] == [("goals_csv:1", "Grow")]


@pytest.mark.parametrize(
    ("dates", "said", "day"),
    [
        ("iso", "2026-12-05", date(2026, 12, 5)),
        ("dmy", "05/12/26", date(2026, 12, 5)),
        ("mdy", "12/05/2026", date(2026, 12, 5)),
        ("dmy", "2026-12-05", date(2026, 12, 5)),
    ],
)
def test_days(tmp_path: Path, dates: str, said: str, day: date) -> None:
    records = read(tmp_path, f"id,title,due date\n1,A,{said}\n", dates=dates)
    assert [r.end for r in records if isinstance(r, Objective)] == [day]


def test_columns_are_proposed_once_each() -> None:
    found = propose(
        ["Order*", "Type*", "Summary*", "Owner*", "Current value*", "Target value*", "Start value*", "Other"]
    )
    assert found == {
        "order": "Order*", "type": "Type*", "title": "Summary*", "owner": "Owner*", "current": "Current value*",
        "target": "Target value*", "baseline": "Start value*",
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"path": "x", "dates": "ymd"},
        {"path": "x", "decimal": ";"},
        {"path": "x", "prefix": "a:b"},
        {"path": "x", "columns": {"colour": "a"}},
        {"path": "x", "taken": "y"},
    ],
)
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        GoalsCsv(options, Context("/", NOW))


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'z' for title"):
        read(tmp_path, "a\n1\n", columns={"title": "z"})


def ids(records: Sequence[Any]) -> list[str]:
    return [r.id for r in records if isinstance(r, Node)]


def test_what_stands_below_a_private_or_archived_goal_is_left_out_with_it(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        "title,type,parent,target,private,status\n"
        "Lay off people,Objective,,,yes,\n"
        "Costs,Key result,Lay off people,5,,\n"
        "Grow,Objective,,,no,\n"
        "Costs,Key result,Grow,6,no,\n"
        "Old,Objective,,,,Archived\n"
        "Past,Key result,Old,6,,\n",
    )
    assert ids(records) == ["goals_csv:grow", "goals_csv:costs"]
    assert "2 private goals" in told(records)
    assert "2 archived goals (Old, Past) of okrs.csv left out" in told(records)
    assert "ay off" not in repr(records)


def test_a_row_of_an_objective_counts_wherever_it_stands_beside_its_key_results(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        "objective,key result,target,private,owner\nGrow,Cut,5,no,\nGrow,,,,ceo-team\nHide,A,1,,\nHide,,,yes,\n",
    )
    assert ids(records) == ["goals_csv:grow", "goals_csv:cut"]
    assert next(r.owner for r in records if isinstance(r, Node)) == "ceo-team"


def test_a_key_result_that_was_dropped_is_named_and_does_not_count(tmp_path: Path) -> None:
    rows = "Grow,Objective,,,\nOld plan,Key result,Grow,100,Dropped\nNew,Key result,Grow,1,Done\n"
    records = read(tmp_path, f"title,type,parent,target,status\n{rows}")
    assert ids(records) == ["goals_csv:grow", "goals_csv:new"]
    assert "1 dropped key result (Old plan) of okrs.csv left out" in told(records)


def test_years_of_two_digits_come_first_in_no_day(tmp_path: Path) -> None:
    text = "title,start date,due date\nA,01.10.26,31.12.26\nB,2026-12-31,2026-10-01\n"
    assert "2 days cannot be read" in told(read(tmp_path, text))
    records = read(tmp_path, text)
    assert {(o.start, o.end) for o in records if isinstance(o, Objective)} == {(None, None)}
    assert "1 goals end before they begin" in told(records)
    (first, *_) = [o for o in read(tmp_path, text, dates="dmy") if isinstance(o, Objective)]
    assert (first.start, first.end) == (date(2026, 10, 1), date(2026, 12, 31))


def test_a_start_at_the_target_is_no_way_to_go(tmp_path: Path) -> None:
    records = read(tmp_path, "title,parent,start value,current,target\nGrow,,,,\nFlat,Grow,5,3,5\n")
    (target,) = [t for t in records if isinstance(t, Target)]
    assert (target.baseline, target.target) == (5.0, None)
    assert "'Flat' starts at its target in okrs.csv" in told(records)


def test_numbers_in_percent_have_that_unit_where_no_other_is_said(tmp_path: Path) -> None:
    text = "title,parent,target,unit\nGrow,,,\nChurn,Grow,2.6%,\nShare,Grow,40%,pct\nCount,Grow,7,\n"
    units = [t.unit for t in read(tmp_path, text) if isinstance(t, Target)]
    assert units == ["%", "pct", ""]
