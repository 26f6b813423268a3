"""What holds for every format, and the particulars of JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt
from render_specimens import AS_OF, COLUMNS, EVERYTHING, HOSTILE, LONG_ID, PATHS, ROWS, hostile

from headway.answer import Answer, Column, Finding, Gap
from headway.errors import UnknownName, UsageError
from headway.render.as_csv import cell
from headway.render.as_json import schema
from headway.render.formats import FORMATS, RenderOptions, aside, render_as

ALL = RenderOptions(width=80, limit=0, verbose=True)
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "docs/answer.schema.json"


def many(layout):
    """An answer with tokens in every row and gap, also of its sections."""

    def part(name, sections=()):
        rows = tuple(Finding((f"{name}-row-{i:03}", f"{name}-why-{i:03}")) for i in range(40))
        gaps = tuple(
            Gap(topic=f"topic{i % 3}", message=f"{name}-gap-{i:03}", hint=f"{name}-hint-{i:03}") for i in range(20)
        )
        columns = (Column("asset", "Asset"), Column("why", "Why", secondary=True))
        return Answer(
            question=name, code="HW1", headline=name, columns=columns, rows=rows, gaps=gaps, as_of=AS_OF,
            layout=layout, sections=sections,
        )  # fmt: skip

    return part("top", (part("one", (part("deep"),)), part("two")))


@pytest.mark.parametrize("layout", ["table", "paths"])
@pytest.mark.parametrize("style", FORMATS)
def test_every_format_carries_every_row_and_gap(style, layout):
    text = render_as(style, many(layout), ALL) + aside(style, many(layout), ALL)
    for name in ("top", "one", "deep", "two"):
        for i in range(40):
            assert f"{name}-row-{i:03}" in text
            assert f"{name}-why-{i:03}" in text
        for i in range(20):
            assert f"{name}-gap-{i:03}" in text
            assert f"{name}-hint-{i:03}" in text


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_is_deterministic_and_ends_in_one_newline(style):
    text = render_as(style, EVERYTHING)
    assert text == render_as(style, EVERYTHING)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize(
    "name", [*HOSTILE, "".join(map(chr, [*range(32), *range(0x7F, 0xA0), 0x200B, 0x2028, 0xE0041]))]
)
def test_no_format_lets_a_control_character_through(style, name):
    text = render_as(style, hostile(name), ALL)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "\U000e0041" not in text


def test_json_says_the_hidden_characters_as_escapes():
    name = "a\x1b\x9b\u202e\U000e0041b"
    assert strict(render_as("json", hostile(name)))["rows"][0]["asset"] == name


def test_only_csv_leaves_something_aside():
    assert "What we do not know" in aside("csv", EVERYTHING)
    assert aside("csv", msgspec.structs.replace(EVERYTHING, gaps=(), sections=())) == ""
    assert [aside(style, EVERYTHING) for style in FORMATS if style != "csv"] == ["", "", ""]


def test_a_format_that_there_is_not():
    with pytest.raises(UnknownName, match="no format called 'xml'"):
        render_as("xml", EVERYTHING)


@pytest.mark.parametrize("style", FORMATS)
def test_a_row_that_does_not_fit_its_columns_is_one_sentence(style):
    broken = msgspec.structs.replace(EVERYTHING, rows=(Finding(("only",)),), sections=())
    with pytest.raises(UsageError, match="inventory answered a row of 1 values for 10 columns"):
        render_as(style, broken)


@pytest.mark.parametrize("style", ["json", "csv", "md"])
def test_formats_load_nothing_heavy(style):
    code = (
        "import sys; from headway.render.formats import render_as\n"
        "heavy = {'rich', 'click', 'sqlalchemy', 'ruamel', 'csv', 'headway.render.table', 'headway.render.as_json'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from headway.answer import Answer; from datetime import date\n"
        f"render_as({style!r}, Answer(question='q', code='c', headline='h', as_of=date(2026, 1, 1)))\n"
        "assert 'rich' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------- JSON


def strict(text):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_json_has_the_published_shape():
    document = strict(render_as("json", EVERYTHING))
    assert list(document) == [
        "question",
        "code",
        "headline",
        "as_of",
        "synced_at",
        "rows",
        "totals",
        "gaps",
        "sections",
    ]
    assert list(document["rows"][0]) == [*(c.key for c in COLUMNS), "code", "node", "path", "counts"]
    assert document["rows"][0]["path"][1] == {
        "node": "dbt:model.shop.stg_orders",
        "kind": "model",
        "name": "stg_orders",
        "evidence": "parsed",
        "note": "",
    }
    assert document["rows"][3]["reads"] is None
    assert document["rows"][4]["shown_on"] == ["a", "b"]
    assert document["rows"][4]["share"] == 0.9999
    assert document["totals"] == {"assets": 5, "saves": 0.4, "since": "2025-02-03", "nothing": None}
    assert document["sections"][0]["rows"][0]["now"] == 654321.5


@pytest.mark.parametrize("answer", [EVERYTHING, PATHS, *map(hostile, HOSTILE)])
def test_json_keeps_the_schema(answer):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(strict(render_as("json", answer)), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("headline"),
        lambda d: d.update(extra=1),
        lambda d: d["rows"][0].pop("node"),
        lambda d: d["rows"][0]["path"][0].update(extra=1),
        lambda d: d["gaps"][0].pop("hint"),
        lambda d: d["sections"][0].pop("rows"),
    ],
)
def test_the_schema_sees_what_is_wrong(spoil):
    document = strict(render_as("json", EVERYTHING))
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema(), jsonschema.Draft202012Validator)


def test_the_published_schema_is_the_one_in_the_code():
    """Written anew with: python -m pytest with HEADWAY_UPDATE_SNAPSHOTS=1."""
    import os

    text = json.dumps(schema(), indent=2) + "\n"
    if os.environ.get("HEADWAY_UPDATE_SNAPSHOTS") == "1":
        SCHEMA_FILE.write_text(text, encoding="utf-8")
    assert SCHEMA_FILE.read_text(encoding="utf-8") == text


def test_a_column_named_like_a_row_key_or_another_column_gets_an_underscore():
    columns = tuple(Column(key, key) for key in ("node", "cost", "cost", "path", "section"))
    answer = Answer(
        question="q",
        code="c",
        headline="h",
        columns=columns,
        rows=(Finding((1, 2, 3, 4, 5), node="n"),),
        as_of=AS_OF,
    )
    (row,) = strict(render_as("json", answer))["rows"]
    assert row == {
        "node_": 1,
        "cost": 2,
        "cost_": 3,
        "path_": 4,
        "section": 5,
        "code": "",
        "node": "n",
        "path": [],
        "counts": True,
    }
    assert render_as("csv", answer).splitlines()[0] == "node,cost,cost_,path,section"
    outer = msgspec.structs.replace(answer, sections=(answer,))
    assert render_as("csv", outer).splitlines()[0] == "section,node,cost,cost_,path,section_"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e300, "1e300"),
        (Decimal("12.50"), "12.5"),
        (Decimal("3.00"), "3"),
        (Decimal("NaN"), "null"),
        (Decimal("1e999"), "null"),
        (10**30, "1" + "0" * 30),
        pytest.param(10**5000, "null", id="huge"),
        (float("-inf"), "null"),
        (True, "true"),
        (date(2026, 1, 2), '"2026-01-02"'),
        ({"b": {1: float("nan")}}, '{"b":{"1":null}}'),
        (Gap(topic="t", message="m"), None),
    ],
)
def test_json_values(value, text):
    answer = Answer(
        question="q", code="c", headline="h", columns=(Column("x", "X"),), rows=(Finding((value,)),), as_of=AS_OF
    )
    document = render_as("json", answer)
    strict(document)
    if text:
        assert f'"x":{text},' in "".join(document.split())


def test_values_nested_without_end_are_cut():
    deep = []
    for _ in range(5000):
        deep = [deep]
    answer = Answer(question="q", code="c", headline="h", as_of=AS_OF, totals={"deep": deep})
    assert "nested too deeply" in render_as("json", answer)


# ---------------------------------------------------------------------- CSV


def test_csv_reads_back():
    flat = msgspec.structs.replace(EVERYTHING, sections=())
    rows = list(csv.DictReader(io.StringIO(render_as("csv", flat))))
    assert [row["asset"] for row in rows] == [r.values[0] for r in ROWS]
    assert rows[0]["shown_on"] == "Revenue; Board pack"
    assert (rows[0]["reads"], rows[0]["share"], rows[0]["last_used"]) == ("1204000", "0.544", "2026-11-20")
    assert rows[0]["protected"] == "true"
    assert rows[2]["reads"] == rows[3]["reads"] == ""
    assert rows[1]["asset"] == LONG_ID
    assert rows[4]["cost"] == "-12.25"


def test_csv_has_a_first_column_section_only_with_sections():
    assert render_as("csv", PATHS).startswith("objective,key_result,")
    rows = list(csv.reader(io.StringIO(render_as("csv", EVERYTHING))))
    assert rows[0][0] == "section"
    assert [row[0] for row in rows[1:]] == [""] * 5 + ["Grow in Europe: 54%, behind, Finance"] * 2
    assert {len(row) for row in rows} == {15}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),  # noqa: RUF001
        (["=1", "b"], "'=1; b"),
        (-1, "-1"),
        (-1.5, "-1.5"),
        ("a=1", "a=1"),
        ('say "hi", twice', 'say "hi", twice'),
        ("two\r\nlines", "two\nlines"),
        ("\x1b[31m", "\\x1b[31m"),
        (None, ""),
        (False, "false"),
        ([None, 1, [2]], "; 1; [2]"),
    ],
)
def test_csv_cells_are_no_formulas_and_survive_quoting(value, text):
    assert cell(value) == text
    answer = Answer(
        question="q", code="c", headline="h", columns=(Column("x", "X"), Column("y", "Y")),
        rows=(Finding((value, "end")),), as_of=AS_OF,
    )  # fmt: skip
    assert list(csv.reader(io.StringIO(render_as("csv", answer), newline="")))[1] == [text, "end"]


@pytest.mark.parametrize("name", HOSTILE)
def test_csv_of_hostile_names_keeps_its_shape(name):
    rows = list(csv.reader(io.StringIO(render_as("csv", hostile(name)), newline="")))
    assert len(rows) == 3
    assert len({len(row) for row in rows}) == 1
    for text in (text for row in rows for text in row):
        assert not text.startswith(("=", "+", "-", "@"))


# ---------------------------------------------------------------------- Markdown


def tokens(text):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    flat = parser.parse(text)
    return flat, [child for token in flat for child in token.children or ()]


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_takes_nothing_in_the_data_for_markup(name):
    blocks, inline = tokens(render_as("md", hostile(name), ALL))
    assert not {t.type for t in inline} & {"html_inline", "link_open", "image", "code_inline", "s_open", "hardbreak"}
    assert not {t.type for t in blocks} & {
        "html_block",
        "fence",
        "code_block",
        "blockquote_open",
        "ordered_list_open",
        "hr",
    }
    headings = [t.tag for t in blocks if t.type == "heading_open"]
    assert headings == ["h2", "h3", "h3"]
    assert sum(t.type == "td_open" for t in blocks) == 3
    assert sum(t.type == "th_open" for t in blocks) == 3


@pytest.mark.parametrize("name", [n for n in HOSTILE if n.strip() == n and n.isprintable() and n])
def test_markdown_shows_the_name_as_it_is(name):
    _, inline = tokens(render_as("md", hostile(name), ALL))
    shown = "".join(t.content for t in inline).replace("\u2060", "")
    assert shown.count(name) >= 10


@pytest.mark.parametrize("fact", ["- x", "+ x", "* x", "1. x", "23) x", "# x", "> x", "```", "---", "[ ] x"])
def test_markdown_facts_begin_no_list_or_heading_of_their_own(fact):
    answer = Answer(
        question="q", code="c", headline=f"Use C #{'#' * 3}", columns=(Column("a", "A"), Column("b", "B")),
        rows=(Finding(("x", fact)),), as_of=AS_OF, layout="paths",
    )  # fmt: skip
    blocks, inline = tokens(render_as("md", answer))
    assert sum(t.type == "list_item_open" for t in blocks) == 2
    assert next(t.content for t in blocks if t.type == "inline").replace("\\", "") == answer.headline
    assert fact in "".join(t.content for t in inline)


def test_markdown_mentions_nobody():
    text = render_as("md", hostile("@team see #12, https://example.invalid"), ALL)
    for bait in ("@team", "#12", "https://"):
        assert bait not in text


def test_markdown_table_and_nested_list():
    blocks, _ = tokens(render_as("md", EVERYTHING, RenderOptions(limit=2)))
    assert sum(t.type == "th_open" for t in blocks) == len(COLUMNS) + 4
    assert sum(t.type == "td_open" for t in blocks) == 2 * len(COLUMNS) + 2 * 4
    assert "and 3 more; --format json has them all" in render_as("md", EVERYTHING, RenderOptions(limit=2))
    depth = deepest = 0
    for token in tokens(render_as("md", PATHS))[0]:
        depth += (token.type == "bullet_list_open") - (token.type == "bullet_list_close")
        deepest = max(depth, deepest)
    assert deepest == 2 + 6
