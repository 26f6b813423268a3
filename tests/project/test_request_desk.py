"""The request desk on a project: filing, deciding, importing and exporting, from right and wrong files."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from headway.cli.main import run
from headway.errors import HeadwayError, InputError, UnknownName, UsageError
from headway.graph.requests import content
from headway.project import Project
from headway.project.request_forms import LABELS, NO_GOAL, answers, form
from headway.project.requests import Imported, decide, exported, file, import_file, requests_of, the_request
from shop import GOALS, write_shop

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return Project.open(write_shop(tmp_path))


def ids(project: Project) -> list[str]:
    return [request.id for request in requests_of(project)]


# ---------------------------------------------------------------------- filing and deciding


def test_a_request_goes_from_filed_to_built_and_everything_is_kept(shop: Project) -> None:
    filed = file(
        shop, by="sales-team", text="Revenue by city", key_result="revenue", due="2026-12-24", kind="dashboard"
    )
    name = filed.request.id
    assert filed.advice.verdict == "extend"
    decide(shop, name, "accepted", by="data-team", reason="before Christmas", cost="small")
    done = decide(shop, name.lower(), "built", by="data-team", asset="sales_board")
    assert (done.state, done.cost, done.asset) == ("built", "small", "dbt:exposure.shop.sales_board")
    assert [(a.act, a.by, a.reason) for a in done.acts] == [
        ("filed", "sales-team", ""),
        ("accepted", "data-team", "before Christmas"),
        ("built", "data-team", ""),
    ]
    assert shop.ask("built").records()[0]["request"] == name


def test_a_question_gets_the_requests_of_the_store(shop: Project) -> None:
    assert shop.ask("requests").totals["requests"] == 0
    file(shop, by="sales-team", text="Parking places", key_result="grow.revenue", decision="rent")
    assert shop.ask("requests").headline == "1 request is waiting, 1 to be decided: recommended are 1 to accept."
    assert shop.ask("answered-by", text="parking place", key_result="revenue").totals["verdict"] == "decline"


def test_files_alone_know_no_requests(tmp_path: Path) -> None:
    write_shop(tmp_path)
    file(Project.open(tmp_path), by="a", text="Parking places")
    project = Project.stateless(manifest=tmp_path / "target/manifest.json", directory=tmp_path)
    assert project.ask("requests").totals["requests"] == 0


def test_the_same_again_is_refused_and_filed_anyway_when_meant(shop: Project) -> None:
    first = file(shop, by="a", text="Parking places", key_result="revenue").request
    with pytest.raises(UsageError, match=f"{first.id} asks for the same since"):
        file(shop, by="b", text="parking place", key_result="revenue")
    decide(shop, first.id, "declined", by="lead", reason="the city publishes it")
    with pytest.raises(UsageError, match=r"was declined on .* by lead: the city publishes it \(if something has"):
        file(shop, by="b", text="parking place", key_result="revenue")
    assert file(shop, by="b", text="parking place", key_result="happiness").request.state == "open"
    assert file(shop, by="b", text="parking place", key_result="revenue", anyway=True).request.state == "open"
    assert len(ids(shop)) == 3


def test_what_is_declined_remembers_for_which_objective(shop: Project) -> None:
    name = file(shop, by="a", text="Parking places", key_result="revenue").request.id
    decide(shop, name, "declined", by="lead", reason="no")
    assert the_request(shop, name).acts[-1].objective == "goal:objective.grow"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ""}, "it does not say what is asked for"),
        ({"text": "x" * 301}, "text has 301 characters, at most 300"),
        ({"text": "x", "kind": "submarine"}, "kind 'submarine' is none of dashboard"),
        ({"text": "x", "due": "soon"}, "due 'soon' is no date"),
        ({"text": "x", "cost": "huge"}, "cost 'huge' is none of small"),
        ({"text": "x", "colour": "red"}, "a request has no field colour"),
        ({"text": "x", "key_result": "grow"}, "'grow' is an objective"),
    ],
)
def test_what_cannot_be_filed_says_why_and_leaves_nothing(shop: Project, fields: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        file(shop, by="a", **fields)
    assert ids(shop) == []


def test_an_author_is_needed_and_an_unknown_key_result_is_none(shop: Project) -> None:
    with pytest.raises(UsageError, match="needs 'by'"):
        file(shop, by=" ", text="x")
    with pytest.raises(UnknownName, match=r"no key result called 'revenu' \(did you mean revenue\?\)"):
        file(shop, by="a", text="x", key_result="revenu")
    assert ids(shop) == []


def test_text_is_kept_on_one_line_and_steers_no_terminal(shop: Project) -> None:
    request = file(shop, by="a", text="Red\x1b[31m\nboard\u202e", decision="one\n\ntwo").request
    assert (request.text, request.decision) == ("Red [31m board", "one two")


@pytest.mark.parametrize(
    ("act", "more", "message"),
    [
        ("declined", {}, "a decision needs a reason"),
        ("pointed", {"reason": "r"}, "which asset"),
        ("accepted", {"reason": "r", "asset": "orders"}, "accepted takes no asset"),
        ("extended", {"reason": "r", "asset": "nothing_such"}, "there is no asset called 'nothing_such'"),
        ("built", {"asset": "orders"}, "is open: what is built was accepted first"),
        ("accepted", {"reason": "r" * 2001}, "a reason of 2,001 characters is too long"),
        ("accepted", {"reason": "r", "cost": "free"}, "cost 'free' is none of"),
    ],
)
def test_what_cannot_be_decided_says_why(shop: Project, act: Any, more: dict[str, str], message: str) -> None:
    name = file(shop, by="a", text="Parking places").request.id
    with pytest.raises(UsageError, match=message):
        decide(shop, name, act, by="lead", **more)
    assert the_request(shop, name).state == "open"


def test_a_decision_may_be_changed_but_not_made_twice_and_what_ended_stays(shop: Project) -> None:
    name = file(shop, by="a", text="Parking places").request.id
    decide(shop, name, "declined", by="lead", reason="no")
    with pytest.raises(UsageError, match=f"{name} was declined on .* by lead: no"):
        decide(shop, name, "declined", by="lead", reason="no!")
    assert decide(shop, name, "pointed", by="lead", reason="it is there", asset="sales_board").state == "pointed"
    decide(shop, name, "withdrawn", by="a", reason="found it")
    with pytest.raises(UsageError, match=r"was withdrawn .*file it again"):
        decide(shop, name, "accepted", by="lead", reason="after all")


def test_an_unknown_id_names_the_nearest(shop: Project) -> None:
    name = file(shop, by="a", text="Parking places").request.id
    with pytest.raises(UnknownName, match=name):
        the_request(shop, name[:-1] + "2" if name[-1] != "2" else name[:-1] + "3")
    assert the_request(shop, name[2:]).id == name


FILE = """
import sys
from headway.project import Project
from headway.project.requests import file
project = Project.open(sys.argv[1])
for number in range(10):
    print(file(project, by=sys.argv[2], text=f"{sys.argv[2]} {number} " + "abcdefghij"[number] * 5).request.id)
"""


def test_two_processes_that_file_at_once_get_ids_of_their_own(tmp_path: Path) -> None:
    write_shop(tmp_path)
    file(Project.open(tmp_path), by="a", text="first")
    command = [sys.executable, "-c", FILE, str(tmp_path)]
    running = [subprocess.Popen([*command, who], stdout=subprocess.PIPE, text=True) for who in ("one", "two")]
    given = [line for process in running for line in process.communicate(timeout=120)[0].split()]
    assert len(set(given)) == 20
    assert set(given) < set(ids(Project.open(tmp_path)))


# ---------------------------------------------------------------------- import


ROWS = [
    {"id": 7, "text": "Revenue by city", "key_result": "grow.revenue", "by": "sales-team", "asked": "2026-10-01"},
    {"id": "A-8", "text": "Margin", "kind": "Metric", "due": "2026-12-24", "cost": "large", "decision": "prices"},
]


def test_an_import_comes_in_once(shop: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(ROWS))
    first = import_file(shop, path, by="lead")
    assert (len(first.new), first.changed, first.same) == (2, (), 0)
    assert import_file(shop, path, by="other") == Imported((), (), 2, ())
    one, two = requests_of(shop)
    assert (one.by, str(one.asked), one.external, one.key_result) == (
        "sales-team",
        "2026-10-01",
        "file:7",
        "grow.revenue",
    )
    assert (two.by, two.kind, two.cost, str(two.due)) == ("lead", "metric", "large", "2026-12-24")


def test_what_changed_in_the_file_is_an_edit_and_a_decision_stays(shop: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(ROWS))
    name, other = import_file(shop, path, by="lead").new
    decide(shop, name, "accepted", by="lead", reason="yes", cost="small")
    path.write_text(json.dumps([{**ROWS[0], "text": "Revenue by city and week"}, {**ROWS[1], "due": ""}]))
    assert import_file(shop, path, by="lead").changed == (name, other)
    assert import_file(shop, path, by="lead").same == 2
    one = the_request(shop, name)
    assert (one.text, one.state, one.cost) == ("Revenue by city and week", "accepted", "small")
    assert the_request(shop, other).due is None


def test_the_numbers_of_two_trackers_are_kept_apart(shop: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(ROWS))
    import_file(shop, path, by="lead", source="jira:SALES")
    import_file(shop, path, by="lead", source="jira:OPS")
    assert len(set(ids(shop))) == 4


def test_two_who_import_at_once_write_the_same_requests(shop: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(ROWS))
    import_file(shop, path, by="lead")
    with shop.store() as store:  # what the other one wrote who had not seen the first
        twice = [e for e in store.entries("request") if e.act == "imported"]
        store.record_all(twice)
    assert len(ids(shop)) == 2


def test_csv_as_people_send_it(shop: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    text = "ID;Title;Key Result;Wanted_by;colour\n7;Umsatz nach Städten;revenue;2026-12-24;red\n;;;;\n8;'=SUM(A1);;;\n"
    path.write_bytes(text.encode("utf-8-sig"))
    import_file(shop, path, by="lead")
    one, two = requests_of(shop)
    assert (one.text, one.key_result, str(one.due)) == ("Umsatz nach Städten", "revenue", "2026-12-24")
    assert two.text == "=SUM(A1)"


def bad(tmp_path: Path, name: str, data: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


HOSTILE: list[tuple[str, str, bytes | str, str]] = [
    ("empty", "r.json", b"", "this is not JSON"),
    ("cut off", "r.json", '[{"id": 1, "text": "x"', "this is not JSON"),
    ("no list", "r.json", '"requests"', "this is no list of requests"),
    ("null", "r.json", "null", "this is no list of requests"),
    ("newer", "r.json", '{"version": 2, "requests": []}', "version 2 is not known"),
    ("nested", "r.json", "[" * 100_000 + "]" * 100_000, "this is not JSON: it is nested too deeply"),
    ("binary", "r.json", b"\x00\xff\xfe" * 100, "this is not JSON"),
    ("not a mapping", "r.json", '[1, "x", null]', "item 1: it is no mapping of fields"),
    ("no id", "r.json", '[{"text": "x"}]', "item 1: it has no id"),
    ("list as id", "r.json", '[{"id": [1], "text": "x"}]', "item 1: it has no id"),
    ("no text", "r.json", '[{"id": 1}]', "item 1: it does not say what is asked for"),
    ("text is a list", "r.json", '[{"id": 1, "text": ["x"]}]', "item 1: text is no text"),
    ("twice", "r.json", '[{"id": 1, "text": "x"}, {"id": "1", "text": "y"}]', "item 2: its id is that of item 1 too"),
    ("bad date", "r.json", '[{"id": 1, "text": "x", "due": "2026-02-30"}]', "item 1: due '2026-02-30' is no date"),
    ("odd number", "r.json", '[{"number": "1; drop", "title": "x", "body": ""}]', "its number is no number"),
    ("csv without id", "r.csv", "text\nx\n", "r.csv:1: there is no column 'id'"),
    ("csv of bytes", "r.csv", b"id,text\n1,\xff\xfe\n", "is not UTF-8 text"),
    ("csv with nul", "r.csv", b"id,text\n1,\x00\n", "byte 10 is zero"),
    ("csv with an open quote", "r.csv", 'id,text\n1,"x\n', "r.csv:2"),
    ("csv row", "r.csv", "id,text,due\n1,x,\n2,,soon\n", "r.csv:3: due 'soon' is no date"),
    ("workbook", "r.csv", b"PK\x03\x04" + b"0" * 50, "an Excel workbook"),
]


@pytest.mark.parametrize(("name", "data", "message"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_hostile_files_are_one_sentence_and_leave_nothing(
    shop: Project, tmp_path: Path, name: str, data: bytes | str, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        import_file(shop, bad(tmp_path, name, data), by="lead")
    assert message in str(raised.value)
    assert ids(shop) == []


def test_every_bad_row_is_named_and_no_good_one_comes_in(shop: Project, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": n, "text": "fine"} for n in range(5)]
    rows[1]["kind"], rows[3]["due"], rows[3]["cost"] = "boat", "x", "y"
    with pytest.raises(InputError) as raised:
        import_file(shop, bad(tmp_path, "r.json", json.dumps(rows)), by="lead")
    lines = str(raised.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["item 2", "item 4", "item 4"]
    assert ids(shop) == []


def test_a_thousand_bad_rows_are_not_a_thousand_lines(shop: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"and 950 more; nothing was imported"):
        import_file(shop, bad(tmp_path, "r.json", json.dumps([{}] * 1000)), by="lead")
    with pytest.raises(InputError, match="more than 10,000 rows"):
        import_file(shop, bad(tmp_path, "r.json", json.dumps([{}] * 10_001)), by="lead")


def test_a_missing_file_and_a_folder_say_so(shop: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        import_file(shop, tmp_path / "none.json", by="lead")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="directory"):
        import_file(shop, tmp_path / "folder.csv", by="lead")


# ---------------------------------------------------------------------- trackers


def issue(number: int, body: str, **more: Any) -> dict[str, Any]:
    facts = {"number": number, "title": "Revenue by city", "author": {"login": "sales-lead"}}
    return {**facts, "createdAt": "2026-10-01T08:00:00Z", "body": body, **more}


FILLED = """### Which decision will it serve?

Where to open
a shop

### Which key result is it for?

Revenue (grow.revenue)

### What kind of asset?

Dashboard

### Who will use it, and how often?

us

### By when?

_No response_
"""


def test_a_form_that_was_filled_in_is_read_back(shop: Project, tmp_path: Path) -> None:
    url = "https://github.com/acme/data/issues/42"
    rows = [issue(42, FILLED.replace("\n", "\r\n"), url=url), issue(43, "The build is red"), issue(44, "")]
    done = import_file(shop, bad(tmp_path, "issues.json", json.dumps(rows)), by="lead")
    assert done.passed_over == ("#43", "#44")
    (one,) = requests_of(shop)
    assert content(one) == {
        "text": "Revenue by city",
        "decision": "Where to open a shop",
        "key_result": "grow.revenue",
        "kind": "dashboard",
        "readers": "us",
    }
    assert (one.by, str(one.asked), one.external) == ("sales-lead", "2026-10-01", "github:acme/data#42")
    assert shop.ask("requests").sections[0].records()[0]["key_result"] == "Revenue"


@pytest.mark.parametrize(
    "body",
    [
        "### a" + " " * 50_000 + "b",
        "### " + "# " * 50_000,
        "<!--" * 50_000,
        "(" * 50_000,
        "a" + "\n" * 200_000 + "b",
        "- [x] " * 20_000,
        "(a)" + " " * 50_000,
    ],
    ids=["blanks", "hashes", "comments", "brackets", "lines", "boxes", "handle"],
)
def test_a_body_that_is_made_to_be_slow_is_not(body: str) -> None:
    """With a pattern that goes back and forth, each of these would take minutes to hours."""
    assert answers(body) == {}
    said = answers(f"### {LABELS['key_result']}\n\n{body}\n\n## {LABELS['kind']} ##\n\nChart")
    assert said.get("kind", "") in {"chart", ""}
    assert "key_result" in said


def test_an_issue_that_is_wrong_is_named_by_its_number(shop: Project, tmp_path: Path) -> None:
    wrong = FILLED.replace("_No response_", "next week")
    with pytest.raises(InputError, match=r"issue #42: due 'next week' is no date as YYYY-MM-DD"):
        import_file(shop, bad(tmp_path, "i.json", json.dumps([issue(42, wrong)])), by="lead")
    for author in (None, "x", {"login": 7}, {}):
        import_file(shop, bad(tmp_path, "i.json", json.dumps([issue(1, FILLED, author=author)])), by="lead")
    assert [r.by for r in requests_of(shop)] == ["lead"]


def test_the_form_of_github_has_the_open_key_results_and_comes_back_as_it_was(tmp_path: Path) -> None:
    hostile = GOALS.replace("title: Revenue", 'title: "No: \\"#\\" [x] {y} (z) --> \\u2028 on"')
    graph = Project.open(write_shop(tmp_path, goals=hostile)).graph()
    read = YAML(typ="safe").load(form(graph, "github"))
    asked = read["body"][1:]  # the first one says what the title is for
    assert [part["attributes"]["label"] for part in asked] == list(LABELS.values())
    choices = asked[1]["attributes"]["options"]
    assert choices[1:] == ["Happy customers (grow.happiness)", NO_GOAL]
    assert len(set(choices)) == 3
    body = "\n\n".join(f"### {LABELS[n]}\n\n{v}" for n, v in {"key_result": choices[0], "kind": "Chart"}.items())
    assert answers(body) == {"key_result": "grow.revenue", "kind": "chart"}
    assert answers(f"### {LABELS['key_result']}\n\n{NO_GOAL}") == {"key_result": ""}


def test_ended_objectives_are_not_offered(tmp_path: Path) -> None:
    project = Project.open(write_shop(tmp_path, goals=GOALS.replace("2026-12-31", "2026-10-31")))
    assert "grow.revenue" not in form(project.graph(), "github")


def test_the_template_of_gitlab_is_ticked_and_read_back(tmp_path: Path, shop: Project) -> None:
    graph = Project.open(write_shop(tmp_path, goals=GOALS.replace("title: Revenue", "title: '<!-- x'"))).graph()
    text = form(graph, "gitlab")
    assert answers(text) == {"decision": "", "key_result": "", "kind": "", "readers": "", "due": ""}
    ticked = text.replace("- [ ] Happy", "- [x] Happy").replace("- [ ] Table", "- [X] Table")
    item = {"iid": 5, "title": "NPS by country", "description": ticked, "created_at": "2026-10-01T08:00:00.000Z"}
    item |= {"author": {"username": "care-team"}, "web_url": "https://gitlab.example/g/sub/p/-/issues/5"}
    import_file(shop, bad(tmp_path, "i.json", json.dumps([item])), by="lead")
    (one,) = requests_of(shop)
    assert (one.key_result, one.kind, one.external) == ("grow.happiness", "table", "gitlab:g/sub/p#5")


# ---------------------------------------------------------------------- export


def test_what_is_exported_comes_back_to_itself(shop: Project, tmp_path: Path) -> None:
    for number, text in enumerate(("Parking places", "=HYPERLINK(1)")):
        file(shop, by="a", text=text, decision="d", due="2026-12-24", readers="us", cost="small", at=NOON)
        assert len(ids(shop)) == number + 1
    decide(shop, ids(shop)[0], "declined", by="lead", reason="no", at=NOON)
    for style in ("json", "csv"):
        text = exported(requests_of(shop), style)  # type: ignore[arg-type]
        path = bad(tmp_path, f"out.{style}", text)
        assert import_file(shop, path, by="other") == Imported((), (), 2, ())
        again = Project.open(write_shop(tmp_path / style))
        assert len(import_file(again, path, by="other").new) == 2
        assert [content(r) for r in requests_of(again)] == [content(r) for r in requests_of(shop)]
        assert ids(again) == ids(shop)
    row = next(csv.DictReader(io.StringIO(exported(requests_of(shop), "csv"))))
    assert (row["state"], row["decided_on"], row["reason"]) == ("declined", "2026-11-22", "no")
    document = json.loads(exported(requests_of(shop)))
    assert [a["act"] for a in document["requests"][0]["history"]] == ["filed", "declined"]


# ---------------------------------------------------------------------- commands


def test_the_desk_from_the_command_line(shop: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["--project-dir", str(tmp_path)]
    assert run(["request", "ask", "sales revenue board", "--key-result", "revenue", *here]) == 0
    assert "Recommended: point to Sales board" in capsys.readouterr().out
    assert not ids(shop)
    assert run(["request", "file", "Parking\x1b[2J places", "--key-result", "revenue", "--by", "a", *here]) == 0
    out, err = capsys.readouterr()
    (name,) = ids(shop)
    assert out == f"{name}\n"
    assert "Rank: " in err
    assert run(["request", "file", "parking places 2J", "--key-result", "revenue", "--by", "b", *here]) == 2
    assert f"{name} asks for the same" in capsys.readouterr().err
    assert run(["request", "decline", name, "--reason", "the city has it", "--by", "lead", *here]) == 0
    assert run(["request", "show", name, *here]) == 0
    out = capsys.readouterr().out
    assert "declined by lead: the city has it" in out
    assert "\x1b" not in out
    assert run(["declined", *here]) == 0
    assert "the city has it" in capsys.readouterr().out
    assert run(["request", "accept", name, "--reason", "they stopped", "--cost", "small", "--by", "lead", *here]) == 0
    assert run(["request", "built", name, "--asset", "sales_board", "--by", "lead", *here]) == 0
    assert run(["built", *here]) == 0
    assert run(["requests", "--limit", "0", *here]) == 0
    assert run(["request", "show", "R-NONE22", *here]) == 2


def test_an_open_request_is_shown_with_what_is_recommended(
    shop: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = file(shop, by="a", text="Parking places").request.id
    assert run(["request", "show", name, "--project-dir", str(tmp_path)]) == 0
    assert "Recommended: decline\n    It names no key result" in capsys.readouterr().out


def test_import_export_and_template_from_the_command_line(
    tmp_path: Path, shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--project-dir", str(tmp_path), "--by", "lead"]
    path = bad(tmp_path, "i.json", json.dumps([issue(42, FILLED), issue(7, "no form")]))
    assert run(["request", "import", str(path), *here]) == 0
    out, err = capsys.readouterr()
    assert out == f"{ids(shop)[0]}\n"
    assert err == "1 new, 0 changed, 0 as before.\n1 issue without the form's headings passed over: #7.\n"
    assert run(["request", "import", str(bad(tmp_path, "x.json", "[{}]")), *here]) == 2
    assert "item 1" in capsys.readouterr().err
    assert run(["request", "export", "-f", "csv", *here[:2]]) == 0
    assert capsys.readouterr().out.startswith("id,text,decision")
    assert run(["request", "template", "github", *here[:2]]) == 0
    out, err = capsys.readouterr()
    assert "grow.revenue" in out
    assert ".github/ISSUE_TEMPLATE/data-request.yml" in err


def test_no_error_of_the_desk_is_anything_but_headways_own(shop: Project, tmp_path: Path) -> None:
    """A store that cannot be written is said in one sentence too."""
    (tmp_path / ".headway").mkdir(exist_ok=True)
    (tmp_path / ".headway" / "headway.db").write_bytes(b"not a database" * 100)
    with pytest.raises(HeadwayError):
        file(shop, by="a", text="x")
