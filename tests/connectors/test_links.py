"""The connector of decisions: what people wrote about links, in a file that may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.connectors.links import Links, decisions
from headway.errors import InputError
from headway.graph.model import Decision, Gap
from headway.testing import ConnectorConformance

DECIDED = """\
# decided on Mondays
- accept: prod.marts.orders_v1 means orders
  upstream: table:prod.marts.orders_v1
  as: dbt:model.shop.orders
  by: data-team
  on: 2026-11-22
  note: renamed in March
- decline: Sales board shows Revenue
  upstream: superset:dashboard.3
  downstream: goal:key_result.grow.revenue
- accept:
  upstream: superset:dashboard.3
  downstream: superset:dashboard.4
"""


class TestLinks(ConnectorConformance):
    """Decisions."""

    connector = Links
    declared_elsewhere: ClassVar[tuple[str, ...]] = ("dbt:", "goal:", "superset:")
    tolerated: ClassVar[Mapping[str, str]] = {
        "truncated": "what is cut off is a gap, and the entries before it are whole",
        "empty": "nothing has been decided yet",
    }

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "links.yml").write_text(DECIDED)
        return {"path": "links.yml"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "a mapping": b"accept: x\n",
            "many aliases": b"- &a [x]\n" + b"- [*a, *a, *a, *a, *a, *a, *a, *a]\n" * 50,
            "a tag": b"- !!python/object/apply:os.system [ls]\n",
            "a number beyond all": b"- accept: x\n  upstream: [" + b"9" * 5000 + b"]\n",
            "two documents": b"- accept: x\n---\n- accept: y\n",
        }


def test_entries_become_decisions_in_order_with_their_lines() -> None:
    first, second, third = decisions(DECIDED.encode(), "links.yml")
    assert isinstance(first, Decision)
    assert (first.upstream, first.downstream, first.target) == (
        "ref:table/prod.marts.orders_v1",
        "",
        "dbt:model.shop.orders",
    )
    assert (first.accepted, first.role, first.by, first.on, first.note) == (
        True,
        "feeds",
        "data-team",
        date(2026, 11, 22),
        "renamed in March",
    )
    assert isinstance(second, Decision)
    assert (second.accepted, second.role, second.on) == (False, "shows", None)
    assert isinstance(third, Decision)
    assert (third.accepted, third.role) == (True, "feeds")
    assert [str(d.origin) for d in (first, second, third)] == ["links.yml:2", "links.yml:8", "links.yml:11"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("- just text", "links.yml:4: an entry is a mapping with accept: or decline:"),
        ("- upstream: a\n  downstream: b", "links.yml:4: an entry says either accept: or decline:"),
        ("- accept: x\n  decline: y\n  upstream: a\n  downstream: b", "an entry says either accept: or decline:"),
        ("- accept: x\n  downstream: b", "links.yml:4: an entry needs upstream:"),
        ("- accept: x\n  upstream: 'table:'", "an entry needs upstream:"),
        ("- accept: x\n  upstream: a", "an entry needs downstream:"),
        ("- accept: x\n  upstream: a\n  downstream: table:b", "a table cannot be downstream"),
        ("- accept: x\n  upstream: a\n  downstream: b\n  as: c", "as: says which node a table means"),
        ("- accept: x\n  upstream: a\n  downsteam: b", "links.yml:6: unknown key 'downsteam'"),
        ("- accept: x\n  upstream: a\n  upstream: b", "links.yml:6: upstream: is there twice"),
        ("- accept: x\n  upstream: [a]\n  downstream: b", "links.yml:5: upstream: must be text"),
        ("- accept: x\n  upstream: a\n  downstream: b\n  on: 2026-02-30", "on: must be a day such as 2026-11-22"),
        ("- accept: x\n  upstream: a\n  downstream: b\n  role: eats", "role: is feeds or shows, not 'eats'"),
        ('- accept: "\\e[31m"\n  upstream: a\n  downstream: b', "links.yml:4: accept: is longer than"),
        (f"- accept: {'x' * 3000}\n  upstream: a\n  downstream: b", "links.yml:4: accept: is longer than"),
        ("- [accept]: x", "links.yml:4: unknown key"),
    ],
)
def test_an_entry_that_cannot_be_is_a_gap_with_its_line_and_the_others_count(entry: str, sentence: str) -> None:
    good = "- accept: x\n  upstream: a\n  downstream: b\n"
    decision, gap = decisions(f"{good}{entry}\n".encode(), "links.yml")
    assert isinstance(decision, Decision)
    assert isinstance(gap, Gap)
    assert sentence in gap.message
    assert gap.origin.line >= 4
    with pytest.raises(InputError, match=r"links\.yml:1"):
        decisions(f"{entry}\n".encode(), "links.yml")


def test_what_is_decided_twice_is_said_and_the_later_one_comes_later() -> None:
    text = "- accept: x\n  upstream: a\n  downstream: b\n- decline: x\n  upstream: a\n  downstream: b\n"
    first, gap, second = decisions(text.encode(), "links.yml")
    assert isinstance(gap, Gap)
    assert gap.message == "links.yml:4: decides again what line 1 decided; the later one counts"
    assert isinstance(first, Decision)
    assert isinstance(second, Decision)
    assert (first.accepted, second.accepted) == (True, False)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]", "~", "\ufeff"])
def test_nothing_decided_is_nothing(text: str) -> None:
    assert decisions(text.encode(), "links.yml") == []


@given(st.binary(max_size=200))
def test_any_bytes_are_decisions_or_refused_with_the_file(data: bytes) -> None:
    try:
        found = decisions(b"- " + data, "links.yml")
    except InputError as error:
        assert "links.yml" in str(error)  # noqa: PT017 - it may also be read
    else:
        assert all(isinstance(one, Decision | Gap) for one in found)
