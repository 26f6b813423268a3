"""Bindings in a goals file: what they may say, and that the connector keeps its promises with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headway.connectors.goals.connector import Goals
from headway.connectors.goals.reader import read
from headway.errors import GoalsError
from headway.testing import ConnectorConformance

FILE = """\
objectives:
  - {id: grow, title: Grow, same_as: "asana:1"}
bindings:
  - {goal: "asana:2", metric: revenue, shown_on: [board], note: agreed}
  - {goal: "asana:3", model: orders, expression: count(*), time: day, baseline: 1, target: 3, unit: orders}
  - {goal: "asana:4", sql: select 1 from shop.orders}
"""


class TestConformance(ConnectorConformance):
    """A goals file that binds goals of another tool."""

    connector = Goals
    declared_elsewhere = ("asana:",)
    tolerated = {"truncated": "half a file may be a file", "empty": "a file without goals is none yet"}  # noqa: RUF012

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "goals.yml").write_text(FILE)
        return {"path": "goals.yml"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('bindings: [{goal: "a:1"}]', "a binding has neither metric nor model nor sql nor shown_on"),
        ("bindings: [{metric: m}]", "a binding needs a goal"),
        ('bindings: [{goal: "a:1", metric: m, sql: select 1}]', "one of metric, model or sql"),
        ('bindings: [{goal: "a:1", metric: m}, {goal: "a:1", metric: n}]', "a:1 is bound twice"),
        ('bindings: [{goal: "a:1", expression: count(*), shown_on: b}]', "nothing to apply to without model"),
        ('bindings: [{id: "a:1", metric: m}]', "did you mean goal?"),
    ],
)
def test_what_a_binding_cannot_say(text: str, said: str) -> None:
    with pytest.raises(GoalsError) as raised:
        read([("goals.yml", text.encode())])
    assert said in str(raised.value)
