"""The table on a terminal: what it says, how wide it is, and what it lets through."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_specimens import AS_OF, EMPTY, EVERYTHING, HOSTILE, PATHS, SYNCED, hostile
from rich.cells import cell_len

from headway.answer import Answer, Column, Finding, Gap, Step
from headway.render.formats import RenderOptions, render_as
from headway.render.values import NOTHING, number, percent, safe, shown

CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)
OUR_STYLES = re.compile("\x1b\\[(0|1|2|3[0-7])(;[0-9]+)*m")


def draw(answer, **options):
    return render_as("table", answer, RenderOptions(**options))


def answer_of(*rows, columns=("Asset",), **more):
    made = tuple(c if isinstance(c, Column) else Column(c.lower(), c) for c in columns)
    found = tuple(Finding(row) for row in rows)
    return Answer(
        **({"question": "q", "code": "HW1", "headline": "h", "as_of": AS_OF, "columns": made, "rows": found} | more)
    )


def test_the_sentence_comes_first_and_an_empty_answer_is_only_that():
    assert draw(EMPTY) == "Every asset serves an objective.\n"
    assert draw(EVERYTHING).startswith(EVERYTHING.headline + "\n\n")


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("answer", [EVERYTHING, PATHS])
def test_no_line_is_wider_than_the_screen(answer, width):
    for line in draw(answer, width=width, verbose=True, limit=0).splitlines():
        assert cell_len(line) <= width or " " not in line.strip(), line


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_the_data_steers_the_terminal(name, width):
    text = draw(hostile(name), width=width, verbose=True)
    assert not CONTROL.search(text)
    coloured = draw(hostile(name), width=width, verbose=True, colour=True)
    assert not CONTROL.search(OUR_STYLES.sub("", coloured))
    assert OUR_STYLES.sub("", coloured).split() == text.split()
    for line in text.splitlines():
        assert cell_len(line) <= width or len(line.split()) == 1


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=60), st.integers(30, 130), st.booleans())
def test_no_text_at_all_steers_the_terminal_or_leaves_the_screen(name, width, colour):
    text = draw(hostile(name), width=width, verbose=True, colour=colour)
    assert not CONTROL.search(OUR_STYLES.sub("", text))
    text.encode()
    for line in OUR_STYLES.sub("", text).splitlines():
        assert cell_len(line) <= width or len(line.split()) == 1


def test_hidden_characters_are_made_visible_and_markup_is_text():
    assert safe("a\x1b[31mb\u202ec\ud800\U000e0041") == "a\\x1b[31mb\\u202ec\\ud800\\U000e0041"
    assert safe("one\r\n\ttwo\u2028three") == "one two three"
    joined = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d👩"
    assert safe(joined) == joined
    assert "[red]x[/red] :smile:" in draw(answer_of(("[red]x[/red] :smile:",)), colour=True)


def test_colour_only_when_asked_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "30")
    assert "\x1b" not in draw(EVERYTHING, width=120)
    assert "\x1b[1m" in draw(EVERYTHING, width=120, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[33mbehind" in draw(EVERYTHING, width=120, colour=True)


def test_rows_are_cut_and_counted():
    answer = answer_of(*((f"row {i}",) for i in range(244)))
    text = draw(answer)
    assert "row 29\nand 214 more; --format json has them all\n" in text
    assert "row 30" not in text
    assert "row 243" in draw(answer, limit=0)
    assert "more" not in draw(answer_of(*((f"row {i}",) for i in range(30))))


def test_secondary_columns_go_first_and_names_are_shortened_in_the_middle():
    columns = (Column("a", "Asset"), Column("b", "Owner", secondary=True), Column("c", "Reads", "number"))
    name = "stg_" + "x" * 60 + "_final"
    answer = answer_of((name, "Finance", 12), columns=columns)
    assert draw(answer, width=90).splitlines()[2:] == [
        f"{'Asset':<70}  Owner    Reads",
        f"{'─' * 70}  ───────  ─────",
        f"{name}  Finance     12",
    ]
    squeezed = draw(answer, width=50)
    assert "stg_" in squeezed
    assert "…" in squeezed
    assert "_final" in squeezed
    assert "Finance" in squeezed
    narrow = draw(answer, width=30)
    assert "Finance" not in narrow
    assert "not shown at this width: Owner" in narrow


def test_prose_is_broken_at_words_and_cut_after_four_lines_unless_verbose():
    words = " ".join(f"word{i:02}" for i in range(30))
    text = draw(answer_of(("x", words), columns=("Asset", "Why")), width=40)
    assert "word00 word01" in text
    assert "…" in text
    assert "word29" not in text
    assert "word29" in draw(answer_of(("x", words), columns=("Asset", "Why")), width=40, verbose=True)


def test_words_that_a_person_copies_are_left_whole_outside_tables():
    path = "/very/long/path/" + "folder/" * 12 + "file.csv"
    text = draw(answer_of(gaps=(Gap(topic="usage", message=f"{path} is missing"),)), width=60)
    assert path in text


def test_numbers_stand_right_and_wide_characters_keep_the_columns_straight():
    text = draw(answer_of(("語語", 5), ("ab", 1_000), columns=("Asset", Column("n", "N", "number"))))
    rows = text.splitlines()[4:]
    assert [cell_len(row) for row in rows] == [cell_len(rows[0])] * 2
    assert rows == ["語語       5", "ab     1,000"]


def test_headings_are_broken_into_two_lines_at_most_before_anything_is_dropped():
    columns = (Column("a", "Asset"), Column("c", "Cost a month", "money"), Column("o", "Owner", secondary=True))
    text = draw(answer_of(("x" * 20, 5, "Finance"), columns=columns), width=40)
    assert text.splitlines()[2:4] == [f"{'Asset':<20}  Cost a  Owner", f"{'':<20}   month"]
    assert text.splitlines()[5] == f"{'x' * 20}       5  Finance"


def test_gaps_take_turns_by_topic_and_are_counted():
    gaps = tuple(Gap(topic="usage", message=f"usage {i}") for i in range(20))
    gaps += (Gap(topic="trust", message="trust 0", hint="run dbt"), Gap(topic="usage", message="usage 0"))
    text = draw(answer_of(gaps=gaps))
    assert text.count("usage 0") == 1
    assert "usage 6" in text
    assert "usage 7" not in text
    assert "  trust\n    trust 0\n      run dbt\n  and 13 more: headway unknown\n" in text
    assert "usage 19" in draw(answer_of(gaps=gaps), verbose=True)


def test_gaps_of_sections_come_once_at_the_end():
    gap = Gap(topic="usage", message="nobody knows")
    inner = answer_of(gaps=(gap,), headline="Inner.")
    text = draw(answer_of(gaps=(gap,), sections=(inner, inner)))
    assert text.count("nobody knows") == 1
    assert text.index("Inner.") < text.index("What we do not know")


def test_paths_show_how_each_edge_is_known_unless_declared():
    text = draw(PATHS, width=80)
    assert (
        "    source raw.orders\n    └─ model stg_orders\n       └─ model fct_orders  parsed  6 columns used\n" in text
    )
    assert "             └─ key result Net revenue of 1.2 M\n" in text
    assert "objective Grow in Europe  accepted\n" in text
    assert "declared" not in text
    assert text.count("\nGrow in Europe\n") == 1
    assert "Serve partners\n\nWhat we" in text


def test_a_path_of_two_hundred_steps_stays_on_the_screen():
    path = tuple(Step(f"n{i}", "model", f"model_{i}_with_a_rather_long_name", "parsed") for i in range(200))
    answer = answer_of(layout="paths", rows=(Finding(("x",), path=path),))
    lines = draw(answer, width=60).splitlines()
    assert sum("└─" in line for line in lines) == 199
    assert max(map(cell_len, lines)) <= 60


def test_a_table_shows_its_proof_only_when_asked():
    assert "└─" not in draw(EVERYTHING)
    assert "└─ model stg_orders" in draw(EVERYTHING, verbose=True)
    assert "HW199 as of 22 Nov 2026, sources read 22 Nov 06:15 UTC" in draw(EVERYTHING, verbose=True)


def test_a_screen_without_unicode_gets_plain_signs():
    text = draw(EVERYTHING, width=120, encoding="ascii", verbose=True)
    assert text.isascii()
    assert "`- model stg_orders" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_204_000, "1,204,000"),
        (115.4286, "115.43"),
        (115.5, "115.5"),
        (654_321.5, "654,322"),
        (2.0, "2"),
        (2.50, "2.5"),
        (0.01234, "0.0123"),
        (-0.5, "-0.5"),
        (0, "0"),
        (1e20, "1e+20"),
        pytest.param(10**5000, "1.8e+308", id="huge"),
        pytest.param(-(10**5000), "-1.8e+308", id="huge below zero"),
        (Decimal("12.340"), "12.34"),
        (float("nan"), NOTHING),
        (Decimal("sNaN"), NOTHING),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.54, "54%"),
        (0, "0%"),
        (1, "100%"),
        (1.25, "125%"),
        (-0.053, "-5%"),
        (-0.001, "0%"),
        (0.004, "<1%"),
        (0.996, ">99%"),
        (12.5, "1,250%"),
        (1e300, "1e+300 times"),
        (float("inf"), NOTHING),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("style", "values", "texts"),
    [
        ("money", [812.5, Decimal("0.4"), None, 3], ["812.50", "0.40", NOTHING, "3.00"]),
        ("money", [81_200.5, 0.4, -0.4, 0, 12], ["81,200", "<1", ">-1", "0", "12"]),
        ("money", [5, 7], ["5", "7"]),
        ("money", [float("nan"), "unknown", 1e20], [NOTHING, "unknown", "1e+20"]),
        (
            "date",
            [date(2026, 11, 2), date(2025, 11, 2), "2026-01-09", "soon", None],
            ["2 Nov", "2 Nov 2025", "9 Jan", "soon", NOTHING],
        ),
        ("date", [datetime(2026, 11, 2, 23, 59, tzinfo=UTC), "2026-01-09T10:00:00"], ["2 Nov", "9 Jan"]),
        (
            "text",
            [SYNCED, True, {"a": 1}, ["x", None, 2], set(), b"\xff"],
            ["22 Nov 06:15 UTC", "yes", '{"a":1}', f"x, {NOTHING}, 2", NOTHING, "b'\\xff'"],
        ),
        ("bool", [True, False, None], ["yes", "no", NOTHING]),
        ("percent", [0.5, "unknown", None], ["50%", "unknown", NOTHING]),
    ],
)
def test_values_as_people_read_them(style, values, texts):
    assert shown(values, Column("x", "X", style), AS_OF) == texts


# ---------------------------------------------------------------------- the screen


@pytest.fixture
def terminal():
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 133, 0, 0))
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as stream:
        yield stream


def test_a_terminal_has_colour_and_its_own_width(terminal):
    seen = RenderOptions.for_stream(terminal, {"TERM": "xterm"}, limit=5, verbose=True)
    assert seen == RenderOptions(width=133, colour=True, limit=5, verbose=True, encoding=terminal.encoding)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour(terminal, environment):
    assert not RenderOptions.for_stream(terminal, environment).colour
    assert RenderOptions.for_stream(terminal, {"NO_COLOR": ""}).colour


@pytest.mark.parametrize(
    ("columns", "width"), [("72", 72), ("", 100), ("wide", 100), ("0", 100), ("-5", 100), ("٣", 100), ("9" * 40, 100)]
)
def test_a_pipe_has_no_colour_and_the_width_of_columns_or_100(tmp_path, columns, width):
    with (tmp_path / "out").open("w", encoding="utf-8") as stream:
        assert RenderOptions.for_stream(stream, {"COLUMNS": columns}) == RenderOptions(width=width, encoding="utf-8")


def test_a_stream_that_is_closed_or_only_in_memory():
    assert RenderOptions.for_stream(io.StringIO(), {}) == RenderOptions()
    closed = io.StringIO()
    closed.close()
    assert not RenderOptions.for_stream(closed, {}).colour


def test_a_huge_answer_is_cut_before_it_is_laid_out():
    huge = msgspec.structs.replace(EVERYTHING, rows=EVERYTHING.rows * 100_000, sections=())
    assert "and 499,970 more" in draw(huge)


def test_a_column_that_no_row_has_anything_for_is_left_out_of_the_table_and_kept_in_json() -> None:
    import json
    from datetime import date

    from headway.answer import Answer, Column, Finding
    from headway.render.formats import RenderOptions, render_as

    columns = (Column("asset", "Asset"), Column("cost", "Cost a month", "money"), Column("use", "Use"))
    rows = (Finding(values=("orders", None, None)), Finding(values=("users", None, "used")))
    answer = Answer(question="q", code="HW1", headline="Two.", columns=columns, rows=rows, as_of=date(2026, 11, 22))
    table = render_as("table", answer, RenderOptions())
    assert "Cost a month" not in table
    assert "Use" in table
    assert json.loads(render_as("json", answer))["rows"][0]["cost"] is None
