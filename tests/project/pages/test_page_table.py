"""The table of pages: addresses, parameters, twins, days."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import msgspec
import pytest

from browser import worlds
from headway.errors import UsageError
from headway.project import Project
from headway.project.pages.page import Page
from headway.project.pages.table import BY_NAME, PAGES, TABS, PageRow, address, resolve
from headway.project.pages.view import look, shell_of
from shop import write_shop

IDS = [row.name for row in PAGES]


@pytest.mark.parametrize("row", PAGES, ids=IDS)
def test_each_row_names_a_builder_with_its_parameters_and_a_template(row: PageRow) -> None:
    module, _, name = row.builder.partition(":")
    builder = getattr(import_module(module), name)
    given = signature(builder).parameters
    asked = {"project", *([row.key] if row.key else []), *(p.argument or p.name for p in row.parameters)}
    others = any(p.kind is Parameter.VAR_KEYWORD for p in given.values())
    named = {name for name, p in given.items() if p.kind is not Parameter.VAR_KEYWORD}
    assert named <= asked if others else named == asked
    returned = import_module(module).__dict__[str(builder.__annotations__["return"])]
    assert issubclass(returned, Page)
    assert row.tab in {"", *TABS}


def test_names_and_addresses_are_unique() -> None:
    assert len(set(IDS)) == len(PAGES) == len({row.address for row in PAGES})


@pytest.mark.parametrize("key", ["dbt:model.shop.orders", "a/b c?d#e%f", "\u202e\U0001f9ea", "x.json", '"><'])
def test_a_key_comes_back_from_its_address(key: str) -> None:
    to = BY_NAME["key_result"].to(key)
    assert not set(' ?#"<>') & set(to)
    assert resolve(to) == (BY_NAME["key_result"], key)


def test_addresses_leave_out_what_is_empty_and_unknown_pages() -> None:
    assert address("objectives", sort="worst", department="") == "/?sort=worst"
    assert address("no-such-page") == ""
    assert resolve("/no-such-page") is None
    assert resolve("/key-result/") is None


def test_values_that_cannot_be_are_refused_and_others_passed_over() -> None:
    row, project = BY_NAME["objectives"], worlds.company()
    assert msgspec.json.encode(row.build(project, "", {"utm_source": "mail"})) == msgspec.json.encode(
        row.build(project)
    )
    with pytest.raises(UsageError, match="sort cannot be 'best'"):
        row.build(project, "", {"sort": "best"})
    with pytest.raises(UsageError, match="longer than"):
        row.build(project, "", {"department": "x" * 501})


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "2027-01-01", "9" * 600])
def test_days_that_cannot_be_looked_at_are_refused(at: str) -> None:
    with pytest.raises(UsageError):
        look(BY_NAME["objectives"], worlds.company(), given={"at": at})


def test_an_earlier_day_is_looked_at_as_it_was_and_the_shell_says_so(tmp_path: Path) -> None:
    write_shop(tmp_path)
    project = Project.open(tmp_path, as_of=date(2026, 11, 22))
    first = dataclasses.replace(project, now=project.now - timedelta(days=30))
    first.sync(evaluate=False)
    day = first.now.date()
    project = dataclasses.replace(Project.open(tmp_path), as_of=project.now.date())
    viewed = look(BY_NAME["objectives"], project, given={"at": day.isoformat()})
    assert viewed.at == viewed.page.as_of == day
    shell = shell_of(viewed, project)
    assert shell.historic == f"{day.day} {day:%b}"
    assert shell.today == "/?at="
    with pytest.raises(UsageError, match="nothing"):
        look(BY_NAME["objectives"], project, given={"at": (day - timedelta(days=9)).isoformat()})


def test_a_late_sync_is_told_and_a_fresh_one_is_not() -> None:
    project = worlds.company()
    viewed = look(BY_NAME["objectives"], project)
    assert shell_of(viewed, project).stale == ""
    later = dataclasses.replace(project, now=project.now + timedelta(days=3)).with_graph(project.graph())
    assert shell_of(viewed, later).stale == "as of 3 days ago"
    assert shell_of(viewed, project).as_of == "as of 22 Nov, 06:00"
