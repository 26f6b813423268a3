"""The file and the folder of pages: what is in them, and what is taken out before any page is made."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from headway.cli.main import run
from headway.errors import UnknownName, UsageError
from headway.project import Project
from headway.project.site import Wanted, one_file, trimmed
from headway.project.site_folder import MARKER, file_of, write_folder
from shop import write_shop

AS_OF = date(2026, 11, 22)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_shop(tmp_path)
    return Project.open(tmp_path, as_of=AS_OF)


def test_the_file_is_one_document_that_asks_for_nothing(shop: Project) -> None:
    text = one_file(shop, Wanted())
    assert text.startswith("<!doctype html>")
    assert re.findall(r"(?:src|href)=\"(?!#|data:|https?:)[^\"]+\"", text) == []
    assert "default-src 'none'" in text
    assert "unsafe-inline' data" not in text
    assert one_file(shop, Wanted()) == text


def test_an_objective_is_chosen_by_name_or_by_id(shop: Project) -> None:
    graph = shop.graph()
    first = next(n for n in graph.nodes if n.kind == "objective")
    by_name = trimmed(shop, Wanted(objectives=(first.name,))).graph()
    by_id = trimmed(shop, Wanted(objectives=(first.id,))).graph()
    assert {n.id for n in by_name.nodes} == {n.id for n in by_id.nodes}
    assert all(by_name.served[i] for i in by_name.assets)
    assert len(by_name.assets) < len(graph.assets)
    with pytest.raises(UnknownName, match="objective"):
        trimmed(shop, Wanted(objectives=("nothing",)))
    with pytest.raises(UnknownName, match="owner"):
        trimmed(shop, Wanted(department="nobody"))


def test_without_cost_no_record_of_it_is_left(shop: Project) -> None:
    assert any(o.measure == "cost" for o in shop.graph().observations)
    assert {o.measure for o in trimmed(shop, Wanted(cost=False)).graph().observations} & {"cost", "bytes"} == set()


def test_what_is_left_out_is_said() -> None:
    assert Wanted().words() == "People are teams and counts."
    assert Wanted(people=True).words() == ""
    assert "cost is left out" in Wanted(cost=False).words()
    assert "some of the objectives" in Wanted(department="a").words()


@pytest.mark.parametrize(
    "node", ["dbt:model.x.orders", "bi:../../etc/passwd", "goal:objective.<b>", "x" * 900, "\u202e", "."]
)
def test_the_file_of_a_node_is_a_plain_name(node: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{1,57}\.html", file_of(node))
    assert file_of(node) != file_of(node + "2")


def test_the_folder_is_written_and_written_again(shop: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    count = write_folder(shop, Wanted(), out)
    assert count == sum(p.is_file() for p in out.rglob("*")) - 1
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert write_folder(shop, Wanted(), out) == count
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    (out / MARKER).write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        write_folder(shop, Wanted(), out)


def test_the_command_refuses_what_it_cannot_write(
    shop: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    at = ["--project-dir", str(shop.config.root)]
    assert run(["site", str(tmp_path / "a.html"), *at]) == 0
    assert run(["site", str(tmp_path), *at]) == 2
    assert "name a folder that is new or empty" in capfd.readouterr().err
    assert run(["site", str(tmp_path / "none" / "a.html"), *at]) == 2
    assert "cannot be written" in capfd.readouterr().err
