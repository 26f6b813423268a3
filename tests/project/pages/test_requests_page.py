"""Requests as data: the backlog as the question ranks it, and what exists already for a wish."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import worlds
from desk import desk
from headway.errors import UnknownName
from headway.project import Project
from headway.project import requests as wishes
from headway.project.pages.requests import Wish, open_requests, page_of, requests


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return desk(tmp_path)


def goal(project: Project) -> str:
    graph = project.graph()
    return next(graph.nodes[g].id for g in graph.goals_in(graph.active) if g in graph.targets)


def test_an_empty_backlog_says_so(shop: Project) -> None:
    page = requests(shop)
    assert page.sentence[0].text == "No request has been filed yet."
    assert (page.groups, page.waiting, page.answer, open_requests(shop)) == ((), 0, None, 0)
    assert page.writes


def test_the_backlog_is_in_the_order_of_the_question_and_those_without_a_goal_come_last(shop: Project) -> None:
    wishes.file(shop, by="growth-team", text="Weekly numbers of something else")
    wishes.file(shop, by="ana@example.com", text="Orders by country", key_result=goal(shop))
    page = requests(shop)
    assert [g.name for g in page.groups][-1] == "Without a key result"
    rows = [r for g in page.groups for r in g.rows]
    assert [r.rank for r in rows] == [1, 2]
    assert rows[0].text == "Orders by country"
    assert rows[0].by == "one person"
    assert rows[0].points is not None
    assert rows[0].made_of
    assert all(r.why for r in rows)
    assert (page.waiting, page.count, open_requests(shop)) == (2, 2, 2)
    only = requests(shop, objective=shop.graph().nodes[shop.graph().objective_of(shop.graph().index[goal(shop)])].id)
    assert [r.text for g in only.groups for r in g.rows] == ["Orders by country"]


def test_a_wish_is_answered_as_the_question_answers_it(shop: Project) -> None:
    page = requests(shop, text="sales board", key_result=goal(shop))
    answer = shop.ask("answered-by", text="sales board", key_result=goal(shop))
    assert page.answer is not None
    assert page.answer.headline == answer.headline
    assert [a.id for a in page.answer.assets] == [row.node for row in answer.rows]
    assert page.answer.reasons


def test_a_key_result_that_is_gone_is_left_out_of_the_look(shop: Project) -> None:
    page = requests(shop, text="sales", key_result="goal:key_result.gone.k")
    assert page.answer is not None


def test_declined_and_built_are_kept_in_view(shop: Project) -> None:
    one = wishes.file(shop, by="growth-team", text="Cohorts of everything").request
    wishes.decide(shop, one.id, "declined", by="analytics", reason="nobody said what it is for")
    page = requests(shop)
    assert [(d.id, d.why) for d in page.declined] == [(one.id, "nobody said what it is for")]
    assert page.declined_words == "1 request was declined."
    assert page.groups == ()
    asked = requests(shop, text="Cohorts of everything").answer
    assert asked is not None
    assert [b.id for b in asked.before] == [one.id]


def test_what_is_not_there_is_refused_and_worlds_without_a_store_only_read() -> None:
    with pytest.raises(UnknownName):
        requests(worlds.company(), objective="no such objective")
    page = page_of(worlds.headless(), Wish())
    assert not page.writes
    assert page.headless
    assert open_requests(worlds.headless()) == 0
