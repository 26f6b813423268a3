"""What tools say of themselves, in the forms that were seen."""

from __future__ import annotations

import re

import pytest

from headway.warehouse.history.tags import NOTHING, VOLATILE, Tag, read

DBT = '/* {"app": "dbt", "dbt_version": "1.11.16", "profile_name": "shop", "node_id": "model.shop.fct_orders"} */'


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (DBT, Tag("dbt", node="model.shop.fct_orders")),
        ('-- {"app": "dbt", "node_id": "snapshot.shop.s"}', Tag("dbt", node="snapshot.shop.s")),
        ('/* {"app": "dbt", "node_id": "test.shop.unique_a.1f"} */', Tag("dbt")),
        ('/* {"app": "dbt", "connection_name": "master"} */', Tag("dbt")),
        ("-- Metabase:: userID: 12 queryType: MBQL queryHash: ab12", Tag("metabase", user="12")),
        ("-- Metabase:: userID: null queryType: native queryHash: ab12", Tag("metabase")),
        ("-- Metabase", Tag("metabase")),
        (
            '/* partner: "metabase", {"dashboard_id": 7, "chart_id": 9, "optional_user_id": 3} */',
            Tag("metabase", "3", "7", "9"),
        ),
        (
            """-- Looker Query Context '{"user_id":7,"history_slug":"ab","instance_slug":"cd"}'""",
            Tag("looker", user="7"),
        ),
        (
            '/* {"app": "superset", "user": "viewer1", "chart_id": 4, "dashboard_id": 3} */',
            Tag("superset", "viewer1", "3", "4"),
        ),
        ('-- {"app": "superset", "user": "viewer1", "chart_id": null}', Tag("superset", "viewer1")),
        (
            '-- Hex query metadata: {"project_id": "p-1", "project_name": "a {b}", "context": "SCHEDULED_RUN"}',
            Tag("hex", dashboard="p-1", scheduled=True),
        ),
        (
            '-- Hex query metadata: {"project_id": "p-1", "user_email": "a@b.c", "context": "LOGIC"}',
            Tag("hex", "a@b.c", "p-1"),
        ),
        (
            '-- {"user":"@x","email":"a@b.c","url":"https://app.mode.com/team/reports/0f1/runs/2"}',
            Tag("mode", "a@b.c", "0f1"),
        ),
        (
            '{"user_uuid": "u-1", "dashboard_uuid": "d-1", "chart_uuid": "c-1", "query_context": "dashboardView"}',
            Tag("lightdash", "u-1", "d-1", "c-1"),
        ),
        ('/* headway: {"key_result": "kr"} */', Tag("headway", ours=True)),
        ("-- a note of somebody", NOTHING),
        ('-- {"app": "dbt", "node_id": ', NOTHING),
        ("-- " + "{" * 20_000, NOTHING),
        ('-- {"app": "x; DROP TABLE"}', NOTHING),
    ],
)
def test_comments(comment: str, expected: Tag) -> None:
    assert read(comment, "", "") == expected


@pytest.mark.parametrize("hostile", ["a b", "x" * 65, "../..", "1'; --", "", None, {"a": 1}, True])
def test_ids_that_are_none_are_not_taken(hostile: object) -> None:
    import json

    tag = read("-- " + json.dumps({"app": "superset", "user": "v", "dashboard_id": hostile}), "", "")
    assert tag == Tag("superset", "v")


def test_labels_and_query_tags_say_the_same() -> None:
    assert read("", '{"app": "dbt", "node_id": "model.shop.m"}', "") == Tag("dbt", node="model.shop.m")
    assert read("", '{"@@dbt_model_name": "m", "@@dbt_project_name": "shop"}', "") == Tag("dbt", node="model.shop.m")
    assert read("", '{"@@dbt_model_name": "m"}', "") == Tag("dbt")
    assert read("", '{"app": "headway"}', "").ours
    assert read("-- Metabase", '{"app": "dbt"}', "") == Tag("metabase"), "the comment is nearer to the statement"


def test_clients_without_a_tag() -> None:
    assert read("", "", "Metabase v0.57 [abc]") == Tag("metabase")
    assert read("", "", "Tableau 2025.2") == Tag("tableau")
    assert read("", "", "headway").ours
    assert read("", "", "psql") == NOTHING


def test_a_looker_tag_keeps_its_user_when_what_differs_from_run_to_run_is_taken_out() -> None:
    comment = """-- Looker Query Context '{"user_id":7,"history_slug":"a1b2","instance_slug":"c3d4"}'"""
    assert read(re.sub(VOLATILE, "", comment), "", "") == Tag("looker", user="7")
