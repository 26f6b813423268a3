"""`headway export openmetadata` on a shop: dry by default, what changed since, whole after a kill, and no secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shop import GOALS, SETTINGS, write_shop

sys.path.insert(0, str(Path(__file__).resolve().parent))

from openmetadata_server import TOKEN, OpenMetadataServer

from headway.cli.main import run
from headway.project import Project
from headway.project.ledger import entries

TABLES = ("duck.default.main.orders", "duck.default.raw.raw_orders")
MORE = """\
  - id: care
    title: Care for customers
    owner: support-team
    period: 2026-Q4
    key_results:
      - {id: orders, title: Orders without complaint, model: orders, expression: count(*), baseline: 0, target: 5}
"""


@pytest.fixture
def there() -> Iterator[OpenMetadataServer]:
    with OpenMetadataServer() as server:
        server.add("teams", "sales-team", teamType="Group")
        yield server


@pytest.fixture
def shop(tmp_path: Path, there: OpenMetadataServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENMETADATA_JWT_TOKEN", TOKEN)
    settings = f"{SETTINGS}catalogs:\n  openmetadata: {{url: '{there.url}', service: duck}}\n"
    return write_shop(tmp_path, goals=GOALS + MORE, settings=settings)


def export(shop: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["export", "openmetadata", "--project-dir", str(shop), *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def known(shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Put the tables there that the shop has: what it asks for, as a connector of OpenMetadata found them."""
    out = export(shop, "--output", "-", capsys=capsys)[1]
    for line in out.splitlines():
        path = json.loads(line)["path"]
        if path.startswith("/api/v1/tables/name/"):
            there.add("tables", path.removeprefix("/api/v1/tables/name/"))
    assert there.things["tables"]


def test_by_default_it_only_says_what_would_change(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = export(shop, capsys=capsys)
    assert code == 0
    assert "would be sent  Grow sales: would be made\n" in out
    assert "Nothing was sent: --send does." in err
    assert there.writes == []


def test_it_is_sent_once_and_then_only_what_changed(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    known(shop, there, capsys)
    code, out, _ = export(shop, "--send", capsys=capsys)
    assert code == 0
    assert "sent           Grow sales: made\n" in out
    terms = there.things["glossaryTerms"]
    assert "now 46 (on pace)" in terms["Company goals.grow.grow_happiness"]["description"]
    before, asked = there.state(), len(there.requests)
    code, out, err = export(shop, "--send", capsys=capsys)
    assert (code, out) == (0, "")
    assert "same" in err
    # what was sent is known: nothing but the version is asked
    assert [path for _, path, _ in there.requests[asked:]] == ["system/version"]
    assert there.state() == before
    (shop / "goals.yml").write_text((GOALS + MORE).replace("title: Revenue", "title: Sales"), encoding="utf-8")
    written = len(there.writes)
    code, out, _ = export(shop, "--send", capsys=capsys)
    assert "sent           Sales: changed: title; description\n" in out
    labelled = [fqn for fqn, table in there.things["tables"].items() if table["tags"]]
    # the term, the objective that tells of it, and the property of each table that names it
    assert len(there.writes) - written == 2 + len(labelled)


def test_a_goal_that_is_gone_is_taken_back_from_all_that_carried_it(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    known(shop, there, capsys)
    export(shop, "--send", capsys=capsys)
    by_hand = {"tagFQN": "Company goals.care", "source": "Glossary", "labelType": "Manual", "state": "Confirmed"}
    fqn = next(fqn for fqn, table in there.things["tables"].items() if len(table["tags"]) == 4)
    tags = there.things["tables"][fqn]["tags"]
    there.things["tables"][fqn]["tags"] = [by_hand, *(tag for tag in tags if tag["tagFQN"] != "Company goals.care")]
    (shop / "goals.yml").write_text(GOALS, encoding="utf-8")
    assert export(shop, "--send", capsys=capsys)[0] == 0
    assert there.things["glossaryTerms"]["Company goals.care"]["entityStatus"] == "Deprecated"
    assert there.labels("tables", fqn) == [
        "Company goals.care",
        "Company goals.grow",
        "Company goals.grow.grow_revenue",
    ]
    assert there.things["tables"][fqn]["extension"]["headwayObjectives"] == "- Grow sales"


def test_a_goal_that_comes_back_is_in_force_again_although_people_described_it_anew(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    known(shop, there, capsys)
    export(shop, "--send", capsys=capsys)
    (shop / "goals.yml").write_text(GOALS, encoding="utf-8")
    export(shop, "--send", capsys=capsys)
    care = there.things["glossaryTerms"]["Company goals.care"]
    care["description"] = "By hand"
    (shop / "goals.yml").write_text(GOALS + MORE, encoding="utf-8")
    assert export(shop, "--send", capsys=capsys)[0] == 0
    care = there.things["glossaryTerms"]["Company goals.care"]
    assert (care["entityStatus"], care["description"]) == ("Approved", "By hand")
    care["entityStatus"] = "Deprecated"  # by people, from now on
    export(shop, "--send", "--all", capsys=capsys)
    assert there.things["glossaryTerms"]["Company goals.care"]["entityStatus"] == "Deprecated"


def test_what_failed_is_tried_again_and_says_so_in_the_exit_code(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    there.refusals = [("PUT", "glossaryTerms", 403)]
    code, out, _ = export(shop, "--send", capsys=capsys)
    assert code == 2
    assert "failed         Grow sales: OpenMetadata: api/v1/glossaryTerms is not allowed to this user (403)" in out
    code, out, _ = export(shop, "--send", capsys=capsys)
    assert code == 0
    assert "sent           Grow sales: made\n" in out


@pytest.mark.parametrize("after", [2, 5, 8])
def test_a_run_that_is_killed_is_finished_by_the_next_one(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str], after: int
) -> None:
    known(shop, there, capsys)
    there.silent_from = after
    command = [sys.executable, "-m", "headway", "export", "openmetadata", "--send", "--project-dir", str(shop)]
    going = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ})
    deadline = time.monotonic() + 60
    while len(there.writes) < after and going.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(there.writes) == after
    going.send_signal(signal.SIGKILL)
    going.communicate()
    assert going.returncode == -signal.SIGKILL
    there.silent_from = 0
    assert export(shop, "--send", capsys=capsys)[0] == 0
    finished = there.state()
    assert export(shop, "--send", "--all", capsys=capsys)[0] == 0
    assert there.state() == finished
    assert len(there.things["glossaryTerms"]) == 5
    for table in there.things["tables"].values():
        labels = [label["tagFQN"] for label in table["tags"]]
        assert len(labels) == len(set(labels)) > 0
    # what was sent by the killed run is ours as well: it can be changed and taken back
    (shop / "goals.yml").write_text(GOALS, encoding="utf-8")
    assert export(shop, "--send", capsys=capsys)[0] == 0
    for fqn in there.things["tables"]:
        assert not [name for name in there.labels("tables", fqn) if "care" in name]


def test_no_secret_is_in_what_is_said_or_kept(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(shop, there, capsys)
    said = ["".join(map(str, export(shop, "--send", capsys=capsys)))]
    there.refusals = [("GET", "system/version", 403)]
    said.append("".join(map(str, export(shop, "--send", capsys=capsys))))
    monkeypatch.setenv("OPENMETADATA_JWT_TOKEN", "eyJ-another-secret")
    said.append("".join(map(str, export(shop, "--send", capsys=capsys))))
    kept = b"".join(path.read_bytes() for path in (shop / ".headway").rglob("*") if path.is_file())
    for secret in (TOKEN, "eyJ-another-secret"):
        assert secret not in "".join(said)
        assert secret.encode() not in kept


def test_no_sql_and_no_literal_of_a_model_is_sent_or_kept(
    shop: Path, there: OpenMetadataServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "goals.yml").write_text(
        (GOALS + MORE).replace("count(*)", "sum(case when email = 'ann@shop.example' then 1 end)"), encoding="utf-8"
    )
    known(shop, there, capsys)
    export(shop, "--send", capsys=capsys)
    told = str(entries(Project.open(shop), "catalog"))
    assert "Care for customers" in told
    assert "ann@shop.example" not in told + json.dumps(there.requests)


def test_a_file_is_written_without_a_server_or_a_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENMETADATA_JWT_TOKEN", raising=False)
    shop = write_shop(tmp_path, settings=f"{SETTINGS}catalogs:\n  openmetadata: {{service: duck}}\n")
    code = export(shop, "--output", str(tmp_path / "goals.jsonl"), capsys=capsys)[0]
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "goals.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(one["method"], one["path"]) for one in lines[:2]] == [
        ("PUT", "/api/v1/glossaries"),
        ("PUT", "/api/v1/glossaryTerms"),
    ]
    assert {one["content_type"] for one in lines} == {"application/json", "application/json-patch+json"}


def test_without_a_section_it_says_what_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = export(write_shop(tmp_path), capsys=capsys)
    assert code == 2
    assert "the catalog openmetadata is not configured" in err
