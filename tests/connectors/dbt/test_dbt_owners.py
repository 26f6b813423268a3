"""Who owns what, and the CODEOWNERS syntax."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_project import entry, gaps, node, project, read, table

from headway.connectors.dbt.codeowners import CodeOwners
from headway.errors import ConfigError

GROUP = {
    "unique_id": "group.shop.finance",
    "resource_type": "group",
    "name": "finance",
    "package_name": "shop",
    "owner": {"name": "Finance team", "email": "finance@example.com"},
}


def owned(folder: Path, model: dict[str, Any], files: dict[str, Any] | None = None, **options: Any) -> tuple[str, str]:
    found = node(read(folder, project(GROUP, model), files, **options), model["unique_id"])
    return found.owner, found.owner_origin


EVERYTHING = {
    "config": {"group": "finance", "meta": {"owner": "Meta team", "headway": {"owner": "Headway team"}}},
    "owner": {"name": "Exposure team"},
    "original_file_path": "models/x.yml",
}


def test_the_order_of_the_rules(tmp_path: Path) -> None:
    codeowners = {"CODEOWNERS": "* @code-team"}
    options = {"owners": {"models/": "Config team"}}
    stated = entry("exposure.shop.x", type="dashboard", **EVERYTHING)
    assert owned(tmp_path, stated, codeowners, **options) == ("Finance team", "group")
    stated["config"] = {"meta": EVERYTHING["config"]["meta"]}
    assert owned(tmp_path, stated, codeowners, **options) == ("Meta team", "meta")
    stated["config"] = {"meta": {"headway": {"owner": "Headway team"}}}
    assert owned(tmp_path, stated, codeowners, **options) == ("Headway team", "meta")
    stated["config"] = {}
    assert owned(tmp_path, stated, codeowners, **options) == ("Exposure team", "exposure")
    stated["owner"] = {}
    assert owned(tmp_path, stated, codeowners, **options) == ("@code-team", "codeowners")
    assert owned(tmp_path, stated, {"CODEOWNERS": ""}, **options) == ("Config team", "config")
    assert owned(tmp_path, stated, {"CODEOWNERS": ""}) == ("", "")


@pytest.mark.parametrize(
    ("meta", "owner"),
    [
        ("Data team", "Data team"),
        ({"name": "Data team", "email": "d@example.com"}, "Data team"),
        ({"email": "d@example.com"}, "d@example.com"),
        (["Data team", "Finance team"], "Data team, Finance team"),
        (5, ""),
        ({"name": 5}, ""),
        ("  ", ""),
    ],
)
def test_owner_in_meta(tmp_path: Path, meta: Any, owner: str) -> None:
    assert owned(tmp_path, table("model.shop.a", meta={"owner": meta}))[0] == owner


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({"email": "f@example.com"}, "f@example.com"),
        ({"name": None, "email": ["f@example.com", "g@example.com"]}, "f@example.com, g@example.com"),
        ({}, ""),
        (None, ""),
    ],
)
def test_owner_of_a_group(tmp_path: Path, owner: Any, expected: str) -> None:
    model = table("model.shop.a", group="finance")
    found = node(read(tmp_path, project({**GROUP, "owner": owner}, model)), "model.shop.a")
    assert (found.owner, found.group) == (expected, "finance")


def test_codeowners_of_the_repository_around_the_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/CODEOWNERS").write_text("/models/ @nobody\n/analytics/models/ @acme/data\n")
    inner = tmp_path / "analytics"
    model = table("model.shop.a", original_file_path="models/marts/a.sql")
    assert owned(inner, model, {"dbt_project.yml": ""}) == ("data", "codeowners")


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        ("CODEOWNERS", "/models/marts/ @acme/data"),
        (".github/CODEOWNERS", "/models/marts/ @acme/data"),
        ("../CODEOWNERS", "/analytics/models/marts/ @acme/data"),
        ("../.github/CODEOWNERS", "/analytics/models/marts/ @acme/data"),
        ("rules/OWNERS", "/analytics/models/marts/ @acme/data"),
    ],
)
def test_a_stated_file_counts_from_where_it_is_also_inside_another_repository(
    tmp_path: Path, file: str, rule: str
) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "analytics"
    inner.mkdir()
    path = inner / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"* @nobody\n{rule}\n")
    model = table("model.shop.a", original_file_path="models/marts/a.sql")
    assert owned(inner, model, {"dbt_project.yml": ""}, codeowners=file) == ("data", "codeowners")


def test_a_stated_codeowners_file_counts_and_a_missing_one_is_a_gap(tmp_path: Path) -> None:
    model = table("model.shop.a", original_file_path="models/a.sql")
    files = {"CODEOWNERS": "* @found", "rules/OWNERS": "* @stated"}
    assert owned(tmp_path, model, files, codeowners="rules/OWNERS") == ("@stated", "codeowners")
    records = read(tmp_path, project(model), codeowners="rules/GONE")
    assert gaps(records, "owners") == ["rules/GONE: there is no such file"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"* @caf\xe9", "CODEOWNERS: is not UTF-8 text at byte 6"),
        (
            "!secret @x\n!other @x",
            "CODEOWNERS: line 1: `!` has no meaning in CODEOWNERS; the line is ignored (and 1 more)",
        ),
        ("# x\n" * 1_500_000, "CODEOWNERS: is larger than 4,194,304 bytes"),
        ("x" * 1_001 + " @a", "CODEOWNERS: line 1: the pattern is longer than 1,000 characters; the line is ignored"),
    ],
)
def test_a_bad_codeowners_file_is_a_gap(tmp_path: Path, content: Any, said: str) -> None:
    assert gaps(read(tmp_path, project(table("model.shop.a")), {"CODEOWNERS": content}), "owners") == [said]


def test_packages_are_owned_where_dbt_installs_them(tmp_path: Path) -> None:
    rules = {"CODEOWNERS": "/models/ @us\n/dbt_packages/ @platform"}
    theirs = table("model.lib.a", original_file_path="models/a.sql")
    assert owned(tmp_path, theirs, rules)[0] == "@platform"
    assert owned(tmp_path, table("model.shop.a", original_file_path="models/a.sql"), rules)[0] == "@us"


@pytest.mark.parametrize(
    ("owners", "path", "expected"),
    [
        ({"models/finance": "F"}, "models/finance/a.sql", "F"),
        ({"finance/": "F"}, "models/finance/a.sql", "F"),
        ({"models/": "M", "models/finance/": "F"}, "models/finance/a.sql", "F"),
        ({"models/fin": "F"}, "models/finance/a.sql", ""),
        ({"models/a.sql": "A"}, "models/a.sql", "A"),
        ({"./models/": "M"}, "models/a.sql", "M"),
    ],
)
def test_owners_from_the_configuration(tmp_path: Path, owners: dict[str, str], path: str, expected: str) -> None:
    assert owned(tmp_path, table("model.shop.a", original_file_path=path), owners=owners)[0] == expected


@pytest.mark.parametrize("owners", [["x"], "x", {"models/": 5}, {5: "x"}, {"/": "x"}, {"models/": " "}])
def test_impossible_owners_in_the_configuration(tmp_path: Path, owners: Any) -> None:
    with pytest.raises(ConfigError, match="`owners` of the dbt source"):
        read(tmp_path, project(table("model.shop.a")), owners=owners)


# Patterns: the path, the pattern, and whether it fits


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("*", ["a.sql", "x/y/a.sql"], []),
        ("*.sql", ["a.sql", "x/a.sql"], ["a.sqlx", "a.yml"]),
        ("/*.sql", ["a.sql"], ["x/a.sql"]),
        ("docs/", ["docs/a.md", "x/docs/y/a.md"], ["docs", "xdocs/a.md"]),
        ("/docs/", ["docs/a.md", "docs/x/a.md"], ["x/docs/a.md"]),
        ("docs", ["docs", "docs/a.md", "x/docs/a.md"], ["docsx"]),
        ("/docs", ["docs", "docs/a/b.md"], ["x/docs"]),
        ("docs/*", ["docs/a.md"], ["docs/x/a.md", "x/docs/a.md"]),
        ("docs/**", ["docs/a.md", "docs/x/a.md"], ["docs"]),
        ("models/marts/", ["models/marts/a.sql"], ["x/models/marts/a.sql", "models/marts2/a.sql"]),
        ("models/marts", ["models/marts/a.sql", "models/marts"], ["models/marts2"]),
        ("**/logs", ["logs/a", "x/y/logs/a", "logs"], ["xlogs/a"]),
        ("models/**/fct_*.sql", ["models/fct_a.sql", "models/x/y/fct_b.sql"], ["models/dim_a.sql", "fct_a.sql"]),
        ("models/**/**/a.sql", ["models/a.sql", "models/x/y/z/a.sql"], ["models/b.sql"]),
        ("**/a/**/b/*.sql", ["a/b/x.sql", "x/a/a/y/b/b/x.sql"], ["b/a/x.sql", "a/x/b/y/x.sql"]),
        ("**/a/b/**/c", ["a/x/a/b/c", "a/b/a/b/x/c/d"], ["a/c/b", "a/b"]),
        ("models/*/a.sql", ["models/x/a.sql"], ["models/a.sql", "models/x/y/a.sql"]),
        ("models/st?_*", ["models/stg_a.sql", "models/stg_x/b.sql"], ["models/st_a.sql"]),
        ("*_a_*_b.sql", ["x_a_y_b.sql", "x_a_a_b_b.sql"], ["x_a_b.sql"]),
        (r"my\ models/", ["my models/a.sql"], ["my"]),
        (r"\#odd", ["#odd"], ["odd"]),
        ("a+b(c)/", ["a+b(c)/x"], ["aab(c)/x"]),
        ("/**/x/", ["x/a", "y/x/a"], ["y/z"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], not_fits: list[str]) -> None:
    rules = CodeOwners(f"{pattern} @team")
    assert rules.problems == []
    assert [path for path in fits if rules.owner_of(path) != "@team"] == []
    assert [path for path in not_fits if rules.owner_of(path)] == []


def test_the_last_rule_wins_whatever_its_form() -> None:
    rules = CodeOwners("* @a\n/models/ @b\n*.yml @c @d # why\n/models/marts/ @e\n/models/marts/open.sql\n")
    assert rules.owner_of("x.sql") == "@a"
    assert rules.owner_of("models/x.sql") == "@b"
    assert rules.owner_of("models/x.yml") == "@c, @d"
    assert rules.owner_of("models/marts/x.yml") == "@e"
    assert rules.owner_of("models/marts/open.sql") == ""


def test_a_team_of_a_company_has_the_name_that_others_call_it_by() -> None:
    rules = CodeOwners("* @acme/data-team @acme/web/shop @person a@acme.example @acme/\n")
    assert rules.owner_of("x.sql") == "data-team, shop, @person, a@acme.example, @acme/"


def test_sections_of_gitlab() -> None:
    rules = CodeOwners(
        "* @all\n[Data] @data\nmodels/\n!models/open/\nmodels/finance/ @finance\n^[Docs][2] @docs\n*.md\n[Empty]\n"
    )
    assert rules.owner_of("models/a.sql") == "@all, @data"
    assert rules.owner_of("models/finance/a.sql") == "@all, @finance"
    assert rules.owner_of("models/open/a.sql") == "@all"
    assert rules.owner_of("models/read.md") == "@all, @data, @docs"
    assert rules.problems == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*a*a*a*a*a*a*a*a*a*b", "a" * 900),
        ("/*a*a*a*a*a*a*a/" * 20 + "x", "aaaaaaaa/" * 100),
        ("**/a/**/a/**/a/**/b", "a/" * 450 + "a"),
        ("*.sql", "a/" * 5_000_000),
        ("?" * 900, "x" * 900 + "/y"),
    ],
)
def test_hostile_patterns_end(pattern: str, path: str) -> None:
    began = time.process_time()
    CodeOwners(f"{pattern} @x").owner_of(path)
    assert time.process_time() - began < 3


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?/\\ #[]^!@\n\té", max_size=60), st.text(alphabet="ab/é ", max_size=30))
def test_any_text_is_read(text: str, path: str) -> None:
    assert isinstance(CodeOwners(text).owner_of(path), str)
