"""Goals in Excel workbooks: what cells say, which sheet is meant, merged cells, formulas, and files that mean harm."""

from __future__ import annotations

import csv
import io
import sys
import tracemalloc
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from goal_five import FIVE, Synced, changed, check_five, check_followed
from test_goals_csv import as_csv
from workbooks import PARTS, of_parts, of_rows, text_row, workbook

from headway.connectors import workbook as reader
from headway.connectors.goals_csv import GoalsCsv
from headway.connectors.protocol import Context
from headway.errors import InputError, MissingExtra
from headway.graph.model import Deliverable, Edge, Gap, Node, Objective, Reading, Target
from headway.project.pages.key_result import key_result
from headway.testing import ConnectorConformance

pytest.importorskip("openpyxl", reason="openpyxl is not installed")

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def five(rows: Any = FIVE) -> bytes:
    """The tree as a workbook, its numbers as numbers."""
    lines = list(csv.reader(io.StringIO(as_csv(rows))))
    return of_rows([[float(c) if c.replace(".", "").isdigit() else c for c in line] for line in lines])


def read(folder: Path, data: bytes, **options: Any) -> list[Any]:
    (folder / "okrs.xlsx").write_bytes(data)
    return list(GoalsCsv({"path": "okrs.xlsx", **options}, Context(str(folder), NOW)).records())


def titles(records: list[Any]) -> list[str]:
    return [r.title for r in records if isinstance(r, Node)]


def gaps(records: list[Any]) -> str:
    return "\n".join(r.message for r in records if isinstance(r, Gap))


class TestConformance(ConnectorConformance):
    """The promises of a connector, of a workbook."""

    connector = GoalsCsv

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "okrs.xlsx").write_bytes(five())
        return {"path": "okrs.xlsx"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return BAD


# ---------------------------------------------------------------------- what cells say


def test_five_levels(tmp_path: Path) -> None:
    check_five(read(tmp_path, five()), "goals_csv")


def test_goals_are_followed_by_their_id(tmp_path: Path) -> None:
    synced = Synced(tmp_path, "goals_csv", {"path": "okrs.xlsx"}, {})
    check_followed(synced, lambda rows: (tmp_path / "okrs.xlsx").write_bytes(five(rows)), "goals_csv")


def test_a_changed_target_stands_on_the_page_of_the_key_result(tmp_path: Path) -> None:
    synced = Synced(tmp_path, "goals_csv", {"path": "okrs.xlsx"}, {})
    for rows in (FIVE, changed(FIVE, "105", numbers=(100.0, 250.0, 140.0))):
        (tmp_path / "okrs.xlsx").write_bytes(five(rows))
        synced.sync()
    (row,) = key_result(synced.project(), node="goals_csv:105").changes
    assert "200" in str(row)
    assert "250" in str(row)


def test_a_workbook_says_what_its_export_says(tmp_path: Path) -> None:
    (tmp_path / "okrs.csv").write_text(as_csv(FIVE))
    exported = list(GoalsCsv({"path": "okrs.csv"}, Context(str(tmp_path), NOW)).records())
    plain = str(exported).replace("okrs.csv", "okrs.xlsx")
    assert str(read(tmp_path, five())) == plain


def test_cells_are_days_numbers_and_shares(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.append(["id", "title", "parent", "start date", "due date", "baseline", "target", "current", "archived"])
        sheet.append([1, "Grow", None, date(2026, 1, 1), datetime(2026, 12, 31, 12, 30)])
        sheet.append([2, "Kept", 1, None, None, 0.07, 0.4, 0.125, False])
        for cell in ("F3", "G3", "H3"):
            sheet[cell].number_format = "0.0%"
        sheet.append([3, "Sold", 1, None, None, 1_000_000, 2_500_000.5, 1e15])
        sheet["F4"].number_format = '"50% of" #,##0'  # a sign in quotes is no share

    records = read(tmp_path, workbook(fill))
    (objective,) = [r for r in records if isinstance(r, Objective)]
    assert (objective.start, objective.end) == (date(2026, 1, 1), date(2026, 12, 31))
    assert [(r.baseline, r.target) for r in records if isinstance(r, Target)] == [(7.0, 40.0), (1e6, 2_500_000.5)]
    assert [r.value for r in records if isinstance(r, Reading)] == [12.5, 1e15]
    assert [r.id for r in records if isinstance(r, Node)] == ["goals_csv:1", "goals_csv:2", "goals_csv:3"]


def test_a_number_of_a_workbook_is_itself_however_its_texts_are_written(tmp_path: Path) -> None:
    rows = [["id", "title", "baseline", "target"], [1, "Grow", 12.125, 0.5], [2, "Keep", "1.400,5", "2.000"]]
    records = read(tmp_path, of_rows(rows))
    assert [(r.baseline, r.target) for r in records if isinstance(r, Target)] == [(12.125, 0.5), (1400.5, 2000.0)]


def test_a_title_above_the_names_of_the_columns_is_passed_over(tmp_path: Path) -> None:
    rows = [["OKRs of the city team"], [], ["as of 20 Nov"], ["id", "title", "target"], [1, "Grow", 5]]
    records = read(tmp_path, of_rows(rows))
    assert titles(records)[0] == "Grow"
    assert next(r for r in records if isinstance(r, Node)).origin.line == 5


def test_formulas_count_as_they_were_saved(tmp_path: Path) -> None:
    header = text_row(1, A="id", B="title", C="target", D="current")
    row = (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>1</t></is></c><c r="B2" t="str"><f>"Gr"&amp;"ow"</f><v>Grow</v></c>'
        '<c r="C2"><f>2*4</f><v>8</v></c><c r="D2"><f>SUM(E1:E9)</f></c></row>'
    )
    records = read(tmp_path, of_parts(header + row))
    assert titles(records) == ["Grow", "Grow"]  # the objective, and its number
    assert [r.target for r in records if isinstance(r, Target)] == [8.0]
    assert not [r for r in records if isinstance(r, Reading)]
    assert "okrs.xlsx: 1 formulas have no value in the file" in gaps(records)
    assert "(first D2)" in gaps(records)
    assert "SUM" not in str(records)


def test_errors_of_formulas_are_said(tmp_path: Path) -> None:
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>Grow</t></is></c><c r="B2" t="e"><v>#REF!</v></c></row>'
    records = read(tmp_path, of_parts(text_row(1, A="title", B="target") + row))
    assert "1 cells show an error such as #REF! (first B2)" in gaps(records)


# ---------------------------------------------------------------------- objectives beside key results


def beside(book: Any) -> None:
    """The way most people write OKRs: an objective merged over its key results."""
    sheet = book.active
    sheet.append(["Objective", "Key result", "Owner", "Target", "Current", "Type"])
    sheet.append(["Win the cities", "Revenue", "sales-team", 200, 140, None])
    sheet.append([None, "Stores", None, 12, 7, None])
    sheet.append([None, "Ship the site", "web-team", None, None, "Milestone"])
    sheet.append(["Keep people", "Churn", "care-team", 3, 5, None])
    sheet.append(["Win the cities", "Margin", "sales-team", 30, 20, None])
    sheet.merge_cells("A2:A4")
    sheet.merge_cells("C2:C3")


def test_objectives_beside_their_key_results(tmp_path: Path) -> None:
    records = read(tmp_path, workbook(beside))
    assert {(r.upstream.partition(":")[2], r.downstream.partition(":")[2]) for r in records if isinstance(r, Edge)} == {
        ("revenue", "win_the_cities"),
        ("stores", "win_the_cities"),
        ("ship_the_site", "win_the_cities"),
        ("margin", "win_the_cities"),
        ("churn", "keep_people"),
    }
    owners = {r.title: r.owner for r in records if isinstance(r, Node)}
    assert (owners["Stores"], owners["Churn"], owners["Win the cities"]) == ("sales-team", "care-team", "")
    assert [r.deliverable for r in records if isinstance(r, Deliverable)] == ["goals_csv:ship_the_site"]
    assert "no column of ids: a goal that is renamed" in gaps(records)


def test_the_same_of_text(tmp_path: Path) -> None:
    text = "Objective,Key result,Owner,Target,Private\nGrow,,board,,\n,Revenue,sales,5,\nSecret,Buy,,1,yes\n"
    (tmp_path / "okrs.csv").write_text(text)
    records = list(GoalsCsv({"path": "okrs.csv"}, Context(str(tmp_path), NOW)).records())
    assert {r.title: r.owner for r in records if isinstance(r, Node)} == {"Grow": "board", "Revenue": "sales"}
    assert "2 private goals" in gaps(records)  # an objective is, when all of its key results are
    assert "Secret" not in str(records)


def test_a_merged_title_is_one_goal(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        for row in (["id", "title", "notes"], [1, "Grow", "a"], [None, None, "b"], [2, "Keep", "c"]):
            book.active.append(row)
        book.active.merge_cells("A2:A3")
        book.active.merge_cells("B2:B3")

    records = read(tmp_path, workbook(fill))
    assert titles(records) == ["Grow", "Keep"]
    assert "1 rows have no title" in gaps(records)


# ---------------------------------------------------------------------- which sheet


def sheets(book: Any) -> None:
    book.active.title = "Read me"
    book.active.append(["How to fill this in"])
    for name, title in (("2026", "Grow"), ("2025", "Shrink"), ("Board only", "Buy out a rival")):
        sheet = book.create_sheet(name)
        sheet.append(["id", "title"])
        sheet.append([1, title])
    book["Board only"].sheet_state = "veryHidden"


def test_several_sheets_are_not_guessed_among(tmp_path: Path) -> None:
    data = workbook(sheets)
    with pytest.raises(InputError, match=r"has 2 sheets that could hold the goals.*sheet: 2026.*'2025'") as error:
        read(tmp_path, data)
    assert "Board" not in str(error.value)
    assert titles(read(tmp_path, data, sheet="2025")) == ["Shrink"]
    assert titles(read(tmp_path, data, sheet=" board ONLY")) == ["Buy out a rival"]
    with pytest.raises(InputError, match=r"has no sheet called '2024'.*'2026'"):
        read(tmp_path, data, sheet="2024")


def test_a_hidden_sheet_is_not_read_unless_named(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheets(book)
        book["2025"].sheet_state = "hidden"

    assert titles(read(tmp_path, workbook(fill))) == ["Grow"]


def test_text_has_no_sheets(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sheets"):
        read(tmp_path, b"id,title\n1,Grow\n", sheet="Goals")


def test_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = five()
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtra, match=r"headway\[xlsx\]"):
        read(tmp_path, data)


# ---------------------------------------------------------------------- files that are broken, or mean harm

_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "haha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12))
    + "]>"
)
_HEAD = text_row(1, A="id", B="title")
_SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
BAD: Mapping[str, bytes] = {
    "no titles": of_rows([["Row ID", "Points"], [1, 2]]),
    "no rows": of_rows([]),
    "old or locked": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "only a beginning": b"PK\x03\x04" + bytes(400),
    "another archive": of_parts(_HEAD).replace(b"xl/", b"yl/"),
    "no content": of_parts(_HEAD, **{"[Content_Types].xml": "<Types"}),
    "binary": of_parts(_HEAD, **{"xl/workbook.bin": b"x"}),
    "open document": of_parts(_HEAD, mimetype="application/vnd.oasis.opendocument.spreadsheet"),
    "half a sheet": of_parts(_HEAD, **{"xl/worksheets/sheet1.xml": _SHEET + '<row r="1"><c r="A1"'}),
    "entities": of_parts("", **{"xl/worksheets/sheet1.xml": _LAUGHS + _SHEET + text_row(1, A="&l;")}),
    "outside": of_parts(
        "",
        **{
            "xl/worksheets/sheet1.xml": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
            + _SHEET
            + text_row(1, A="title", B="id")
            + text_row(2, A="&f;", B="1")
            + "</sheetData></worksheet>"
        },
    ),
    "unpacks to much": of_parts("", **{"xl/worksheets/sheet1.xml": bytes(reader.MOST_SHEET + 1)}),
    "styles without end": of_parts(_HEAD, **{"xl/styles.xml": bytes(reader.MOST_PART + 1)}),
    "a row beyond the last": of_parts(_HEAD + text_row(99_999_999_999, A="1", B="Grow")),
    "column that is none": of_parts(_HEAD + '<row r="2"><c r="ZZZZZ9" t="inlineStr"><is><t>x</t></is></c></row>'),
    "strings that are not there": of_parts(_HEAD + '<row r="2"><c r="A2" t="s"><v>7</v></c></row>'),
    "deep": of_parts("<a>" * 200_000),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence_and_little_memory(tmp_path: Path, name: str) -> None:
    if name in {"entities", "outside", "unpacks to much", "deep"}:
        tracemalloc.start()
    try:
        with pytest.raises(InputError) as error:
            read(tmp_path, BAD[name])
        assert tracemalloc.get_traced_memory()[1] < 100 * 1024**2
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith("okrs.xlsx")
    assert "\n" not in str(error.value)


def test_a_size_that_is_a_lie(tmp_path: Path) -> None:
    """What a part says of its size is what is taken from it, however much there is."""
    data = bytearray(of_parts(_HEAD + text_row(2, A="1", B="Grow") + " " * 5_000_000))
    real = (5_000_000 + 100).to_bytes(4, "little")
    at = data.rfind(b"xl/worksheets/sheet1.xml") - 46 + 24
    assert abs(int.from_bytes(data[at : at + 4], "little") - int.from_bytes(real, "little")) < 1_000
    data[at : at + 4] = (300).to_bytes(4, "little")
    with pytest.raises(InputError, match="broken"):
        read(tmp_path, bytes(data))


def test_two_cells_in_opposite_corners_are_two_cells(tmp_path: Path) -> None:
    records = read(tmp_path, of_parts(_HEAD + text_row(2, A="1", B="Grow") + text_row(1_048_576, XFD="x")))
    assert titles(records) == ["Grow"]


def test_a_sheet_that_is_merged_into_one_cell(tmp_path: Path) -> None:
    merged = '</sheetData><mergeCells count="1"><mergeCell ref="B2:XFD1048576"/></mergeCells><sheetData>'
    records = read(tmp_path, of_parts(_HEAD + text_row(2, A="1", B="Grow") + text_row(9, A="2") + merged))
    assert titles(records) == ["Grow"]
    assert "1 rows have no title" in gaps(records)


def _typed(part: str, kind: str) -> str:
    """The content types of a workbook that calls one more of its parts something."""
    of = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    override = f'<Override PartName="/{part}" ContentType="{of}.{kind}+xml"/></Types>'
    return PARTS["[Content_Types].xml"].replace("</Types>", override)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("xl/media/s.xml", "sharedStrings"),
        ("xl/worksheets/s.xml", "template.main"),
        ("xl/charts/s.xml", "template.main"),
    ],
)
def test_no_part_is_larger_by_being_called_something_else(tmp_path: Path, part: str, kind: str) -> None:
    data = of_parts(
        _HEAD + text_row(2, A="1", B="Grow"),
        **{"[Content_Types].xml": _typed(part, kind), part: bytes(reader.MOST_PART + 1)},
    )
    with pytest.raises(InputError, match="unpacks to 4,194,305 bytes"):
        read(tmp_path, data)


def test_a_sheet_is_no_larger_for_being_a_picture(tmp_path: Path) -> None:
    relations = PARTS["xl/_rels/workbook.xml.rels"].replace("worksheets/sheet1.xml", "media/sheet1.xml")
    large = {"xl/_rels/workbook.xml.rels": relations, "xl/media/sheet1.xml": bytes(reader.MOST_PART + 1)}
    with pytest.raises(InputError, match="unpacks to 4,194,305 bytes"):
        read(tmp_path, of_parts(_HEAD, **large))


def test_pictures_and_charts_are_not_read_however_large(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.active.append(["id", "title"])
        book.active.append([1, "Grow"])
        book.create_chartsheet("A chart")

    data = io.BytesIO(workbook(fill))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/logo.png", bytes(reader.MOST_PART + 1))
    assert titles(read(tmp_path, data.getvalue())) == ["Grow"]


def test_a_text_that_is_in_every_cell(tmp_path: Path) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = f'<sst xmlns="{main}"><si><t>{"x" * 1_000_000}</t></si></sst>'
    types = PARTS["[Content_Types].xml"].replace(
        "</Types>",
        '<Override PartName="/xl/sharedStrings.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
    )
    rows = "".join(f'<row r="{n}"><c r="B{n}" t="s"><v>0</v></c></row>' for n in range(2, 1_000))
    with pytest.raises(InputError, match="holds more than"):
        read(tmp_path, of_parts(_HEAD + rows, **{"xl/sharedStrings.xml": strings, "[Content_Types].xml": types}))


def test_formulas_are_never_shown(tmp_path: Path) -> None:
    """What would run in somebody's spreadsheet is text like any other here, and a formula is not even that."""
    rows = [["id", "title"], [1, '=HYPERLINK("https://evil.example","x")'], [2, "+cmd|' /C calc'!A0"]]
    records = read(tmp_path, of_rows(rows))
    assert "HYPERLINK" not in str(records)
    assert titles(records) == ["+cmd|' /C calc'!A0"]
