"""The command line as its users meet it: what is on stdout, what on stderr, and the exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headway.cli.main import run
from headway.questions.registry import questions
from shop import GOALS, USAGE, write_shop

NOTHING_UNKNOWN = {
    "built",
    "declined",
    "deprecated-upstream",
    "goals",
    "lost-purpose",
    "readings",
    "run-order",
    "requests",
    "standing",
    "trust",
    "unknown",
    "unmeasured",
    "unowned",
    "why",
    "without",
}
"""Questions about the shop that touch no gap."""

Run = Callable[..., tuple[int, str, str]]

ARGUMENTS = {
    "why": ["orders"],
    "answered-by": ["sales by city"],
    "without": ["grow"],
    "readings": ["grow.happiness"],
    "usage": ["orders"],
    "drivers": ["grow.revenue"],
    "diff": ["2026-11-22"],
}
"""What a question cannot be asked without."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop")


@pytest.fixture
def headway(shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_first_page_says_it_in_one_sentence(headway: Run) -> None:
    code, out, err = headway("summary")
    assert (code, err) == (0, "")
    sentence = out.partition("\n\n")[0]
    assert sentence.startswith("0 of 1 objective on pace; 80% of 5 assets serve an objective; 1 serves nothing")
    assert "Grow sales" in out
    assert "\x1b" not in out


def test_why_prints_the_shortest_path_as_a_chain_computes_and_informs_apart(headway: Run) -> None:
    _, out, _ = headway("why", "raw_orders")
    assert out.startswith(
        "raw_orders serves 1 objective: Grow sales. It computes 1 key result and informs 1 key result."
    )
    chain = [line.strip("└─ ") for line in out.partition("informs ·")[2].splitlines()[1:7]]
    assert chain == [
        "source raw_orders",
        "model orders",
        "metric revenue",
        "dashboard sales_board",
        "key result Revenue",
        "objective Grow sales",
    ]


def test_what_is_copied_from_an_answer_in_markdown_can_be_given_back(headway: Run) -> None:
    _, out, _ = headway("triage", "--format", "md")
    copied = next(cell for cell in out.split(" | ") if "@" in cell).removeprefix("| ").split()[-1]
    assert not copied.removeprefix("@").isalnum()
    code, _, err = headway("decide", "keep", copied, "--by", "data-team", "--reason", "wanted")
    assert code == 0
    assert err.startswith("Kept: ")


@pytest.mark.parametrize("name", ["why", "without", "readings", "usage", "answered-by"])
def test_a_question_without_what_it_needs_says_what_is_missing(name: str, headway: Run) -> None:
    code, out, err = headway(name)
    assert (code, out) == (2, "")
    assert "Missing argument" in err


@pytest.mark.parametrize("name", list(questions()))
@pytest.mark.parametrize("style", ["table", "json", "csv", "md"])
def test_every_question_answers_in_every_format(name: str, style: str, headway: Run) -> None:
    code, out, err = headway(name, *ARGUMENTS.get(name, []), "--format", style)
    assert code == 0
    if style == "json":
        answer = json.loads(out)
        assert (answer["question"], answer["code"]) == (name, questions()[name].code)
        assert answer["as_of"] == "2026-11-22"
    elif style == "csv":
        rows = list(csv.reader(io.StringIO(out)))
        assert all(len(row) == len(rows[0]) for row in rows)
        assert ("What we do not know" in err) == (name not in NOTHING_UNKNOWN)
    else:
        assert err == ""
        assert len(out.splitlines()[0]) > 10


def test_json_carries_the_rows_the_proof_and_what_is_not_known(headway: Run) -> None:
    answer = json.loads(headway("zombies", "-f", "json")[1])
    assert [(r["asset"], r["order"], r["cost_per_month"]) for r in answer["rows"]] == [("forgotten", 1, 0.5)]
    assert any("main.gone" in gap["message"] for gap in answer["gaps"])
    proof = json.loads(headway("why", "orders", "-f", "json")[1])["rows"][0]["path"]
    assert [step["node"] for step in proof][-2:] == ["goal:key_result.grow.revenue", "goal:objective.grow"]


def test_a_price_list_turns_costs_into_other_money_and_marks_them(headway: Run) -> None:
    before = json.loads(headway("cost", "-f", "json")[1])["totals"]
    written = Path("headway.yml").read_text()
    Path("headway.yml").write_text(written + "prices: {EUR: {amount: 1.5e0, unit: USD}}\n")
    answer = json.loads(headway("cost", "-f", "json")[1])
    assert before["unit"] == "EUR"
    assert answer["totals"]["unit"] == "USD"
    assert answer["totals"]["total_micros"] == before["total_micros"] * 3 // 2
    assert answer["totals"]["converted_micros"] == {"EUR": answer["totals"]["total_micros"]}
    assert "USD, converted" in headway("cost")[1]
    assert "USD a month, converted" in " ".join(headway("zombies")[1].split())


def test_cost_is_split_by_what_is_asked_for(headway: Run) -> None:
    assert "--by" in headway("cost", "--help")[1]
    code, out, err = headway("cost", "--by", "colour")
    assert (code, out) == (2, "")
    assert "'colour' is not one of" in err
    answer = json.loads(headway("cost", "--by", "kind", "-f", "json")[1])
    assert sum(answer["totals"]["parts_micros"].values()) == answer["totals"]["total_micros"] > 0


def test_usage_of_one_asset_and_what_nobody_uses(headway: Run) -> None:
    assert headway("usage", "sales_board")[1].startswith("sales_board was read ")
    code, _, err = headway("unused", "--kind", "dashbord")
    assert code == 2
    assert "there is no kind of asset called 'dashbord' (did you mean dashboard?)" in err
    answer = json.loads(headway("unused", "--kind", "model", "-f", "json")[1])
    assert [(r["asset"], r["serves"]) for r in answer["rows"]] == [("forgotten", False)]


def test_a_limit_turns_findings_into_exit_code_1(headway: Run) -> None:
    assert headway("zombies", "--limit", "1")[0] == 0
    code, out, err = headway("zombies", "--limit", "0", "-f", "json")
    assert code == 1
    assert json.loads(out)["rows"]
    assert err == "1 finding, more than the limit of 0.\n"


def test_where_nobody_knows_no_limit_is_kept(headway: Run, shop: Path) -> None:
    (shop / "target/run_results.json").unlink(missing_ok=True)
    assert headway("trust")[0] == 0
    code, out, err = headway("trust", "--limit", "0")
    assert (code, err) == (2, "It is not known, so no limit is kept.\n")
    assert "not known" in out


def test_selecting_limits_the_rows(headway: Run) -> None:
    answer = json.loads(headway("orphans", "--select", "path:nowhere", "-f", "json")[1])
    assert answer["rows"] == []


def test_files_alone_are_enough(headway: Run, tmp_path: Path) -> None:
    away = tmp_path / "elsewhere"
    away.mkdir()
    (away / "g.yml").write_text(GOALS)
    (away / "u.csv").write_text(USAGE)
    manifest = str(Path("target/manifest.json").resolve())
    options = ["--manifest", manifest, "--goals", str(away / "g.yml"), "--usage", str(away / "u.csv")]
    code, out, _ = headway("summary", *options, "--project-dir", str(away), "--as-of", "2026-11-22", "-f", "json")
    assert code == 0
    assert json.loads(out)["totals"]["aligned"] == 4
    assert not (away / ".headway").exists()


def test_a_manifest_alone_is_enough_for_a_first_answer(headway: Run) -> None:
    Path("goals.yml").unlink()
    Path("headway.yml").unlink()
    code, out, _ = headway("summary")
    assert code == 0
    assert out.startswith("No goals are known yet, so nothing can be said about what 5 assets are for. headway init")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["why", "ordrs"], "Error: there is no asset called 'ordrs' (did you mean orders?)\n"),
        (["why", "grow"], "Error: 'grow' is an objective, not an asset (headway goals grow)\n"),
        (["without", "shrink"], "Error: there is no objective called 'shrink'\n"),
        (["goals", "grwo"], "Error: there is no objective called 'grwo' (did you mean grow?)\n"),
        (["orphans", "--select", "colour:red"], "Error: there is no selector method 'colour'"),
        (["summary", "--manifest", "nowhere.json"], "nowhere.json"),
        (["summary", "--project-dir", "nowhere"], "Error: there is no folder nowhere"),
        (["summary", "--as-of", "yesterday"], "'yesterday' is not a date; write YYYY-MM-DD"),
        (["sumary"], "There is no command 'sumary'. Did you mean summary?"),
        (["sync", "lookre"], "Error: there is no source called lookre"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence_on_stderr_and_exit_code_2(
    arguments: list[str], says: str, headway: Run
) -> None:
    code, out, err = headway(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gaols: goals.yml\n", "headway.yml:1:1: unknown key gaols (did you mean goals?)"),
        ("goals: [\n", "headway.yml:2:1: this is not valid YAML"),
        ("- a\n", "headway.yml:1:1: headway.yml must be a mapping"),
        ("policy: {grace_days: -1}\n", "headway.yml:1:10: policy.grace_days must be a whole number of at least 0"),
        ("policy: {grace_dasy: 1}\n", "unknown key policy.grace_dasy (did you mean grace_days?)"),
        ("protected: 7\n", "protected must be a list of texts"),
        ("as_of: soon\n", "as_of must be a day such as 2026-11-22, found 'soon'"),
        ("store: ${NO_SUCH_VARIABLE}\n", "store names the environment variable NO_SUCH_VARIABLE, which is not set"),
        ("protected: ['colour:red']\n", "protected: there is no selector method 'colour'"),
        ("observations: [{path: usage.csv, covers: 'a:b'}]\n", "covers of usage.csv: there is no selector method 'a'"),
        ("prices: 3\n", "headway.yml: prices must be a mapping, found int"),
        ("prices: {EUR: 3}\n", "headway.yml:1:10: prices.EUR must be a mapping such as {amount: 3.0, unit: EUR}"),
        ("prices: {EUR: {amuont: 3}}\n", "unknown key prices.EUR.amuont (did you mean amount?)"),
        ("prices: {EUR: {unit: USD}}\n", "prices.EUR.amount must be a number above 0"),
        ("prices: {EUR: {amount: yes, unit: USD}}\n", "prices.EUR.amount must be a number above 0"),
        ("prices: {EUR: {amount: .inf, unit: USD}}\n", "prices.EUR.amount must be a number above 0"),
        ("prices: {EUR: {amount: -1, unit: USD}}\n", "prices.EUR.amount must be a number above 0"),
        ("prices: {EUR: {amount: 1}}\n", "prices.EUR.unit must be what the amount is in, such as EUR"),
        (
            "prices: {bytes: {amount: 1, unit: credits}, credits: {amount: 3, unit: EUR}}\n",
            "headway.yml:1:10: prices.bytes is in credits, which has a price itself: give it in money",
        ),
        ("connectors: [{url: x}]\n", "each of connectors needs a name"),
        ("connectors: [{name: nothing}]\n", "there is no connector called 'nothing'"),
        ("goals: \xff\n", "not UTF-8"),
        ("a: " + "[" * 2000 + "\n", "not valid YAML"),
    ],
)
def test_settings_that_cannot_be_are_named_with_their_place(text: str, says: str, headway: Run) -> None:
    Path("headway.yml").write_bytes(text.encode("latin-1"))
    code, out, err = headway("zombies")
    assert (code, out) == (2, "")
    assert says in err


def test_a_broken_goals_file_lists_every_problem_and_the_answer_is_no_answer(headway: Run) -> None:
    Path("goals.yml").write_text(GOALS.replace("target: 200", "target: many").replace("owner:", "ownr:"))
    code, out, err = headway("summary")
    assert (code, out) == (2, "")
    assert "goals.yml:7:" in err
    assert "goals.yml:14:" in err


def test_help_lists_every_question_with_its_sentence(headway: Run) -> None:
    _, out, _ = headway("--help")
    for question in questions().values():
        assert question.name in out
    assert "Which assets serve no objective, and never did?" in " ".join(out.split())


def headway_process(*arguments: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headway", *arguments]
    return subprocess.run(command, cwd=cwd, text=True, capture_output=True, check=False, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def test_a_reader_that_has_seen_enough_is_no_error(shop: Path) -> None:
    # A pipe whose reader is gone before anything is written, as after `| head -0`.
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "headway", "summary"]
    done = subprocess.run(command, cwd=shop, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_version_and_module(shop: Path) -> None:
    done = headway_process("--version", cwd=shop)
    assert done.stdout.startswith("headway, version ")
    assert done.returncode == 0
