"""Goals given to OpenMetadata over its API: only our own parts change, and what people wrote there survives."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from openmetadata_server import TOKEN, OpenMetadataServer, Refusal, patched

from headway.errors import ConfigError, ServiceError
from headway.graph.model import Node
from headway.sinks.catalog import CatalogAsset, CatalogGoal, CatalogLink, Change, Head
from headway.sinks.openmetadata import OpenMetadata
from headway.sinks.openmetadata_changes import asset_wanted
from headway.sinks.openmetadata_items import ENDED, Asset, Goal, Label, Ours, item_of, said
from headway.sinks.openmetadata_statements import KEY_RESULTS, OBJECTIVES
from headway.sinks.protocol import Delivered, Setting

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ORDERS = "duck.shop.main.orders"
BY_HAND = {"source": "Glossary", "labelType": "Manual", "state": "Confirmed"}


def goal(name: str, **more: Any) -> CatalogGoal:
    kind = "key_result" if "." in name else "objective"
    told = {"title": f"The goal {name}", "description": f"About {name}: now 4 of 10", "owner": "sales-team"}
    above = {"objective": f"goal:objective.{name.partition('.')[0]}"} if kind == "key_result" else {}
    return CatalogGoal(**{"id": f"goal:{kind}.{name}", "kind": kind, "name": name, **told, **above, **more})


def asset(name: str, *goals: CatalogGoal, kind: str = "model", **more: Any) -> CatalogAsset:
    node = Node(id=f"dbt:{kind}.shop.{name}", kind=kind, name=name, relation=f"shop.main.{name}", **more)
    return CatalogAsset(
        node=node,
        ids=(node.id,),
        objectives=tuple(g.id for g in goals if g.kind == "objective"),
        key_results=tuple(g.id for g in goals if g.kind == "key_result"),
    )


GROW = goal("grow", url="https://headway.shop.example/goals/grow")
MRR = goal("grow.mrr", links=(CatalogLink("The plan [1]", "https://tracker.shop.example/7"),))
CARE = goal("care", owner="")
NPS = goal("care.nps", owner="nobody-here")
HEAD = Head((GROW, MRR, CARE, NPS), (asset("orders", GROW, MRR), asset("forgotten")))


@pytest.fixture
def there() -> Iterator[OpenMetadataServer]:
    with OpenMetadataServer() as server:
        server.add("teams", "sales-team", teamType="Group")
        server.add("teams", "everybody", teamType="Organization")
        server.add("tables", ORDERS)
        yield server


def sink(there: OpenMetadataServer, **options: Any) -> OpenMetadata:
    setting = Setting(".", NOW, {"OPENMETADATA_JWT_TOKEN": TOKEN})
    told = {"url": there.url, "service": "duck", "services": {"superset": "bi"}, **options}
    return OpenMetadata(told, setting, sleep=lambda _: None)


def changes(one: OpenMetadata, head: Head, before: Head | None = None) -> list[Change]:
    """What the caller would make of the head, after the head before was sent."""
    old = {s.key: s for s in one.statements(before)} if before else {}
    new = one.statements(head)
    found = [Change(s.key, s.title, s.said, (old[s.key].said,) if s.key in old else ()) for s in new]
    keys = {s.key for s in new}
    return found + [Change(k, s.title, None, (s.said,)) for k, s in reversed(old.items()) if k not in keys]


def tell(
    there: OpenMetadataServer, head: Head, before: Head | None = None, *, dry_run: bool = False, **options: Any
) -> dict[str, Delivered]:
    one = sink(there, **options)
    return {done.key: done for done in one.deliver(changes(one, head, before), dry_run=dry_run)}


def outcomes(told: dict[str, Delivered]) -> Counter[str]:
    return Counter(done.outcome for done in told.values())


# ---------------------------------------------------------------------- what is made


def test_goals_become_terms_below_their_objective_with_owner_and_page(there: OpenMetadataServer) -> None:
    told = tell(there, HEAD)
    assert outcomes(told) == {"sent": 8}
    terms = there.things["glossaryTerms"]
    assert list(terms) == [
        "Company goals.grow",
        "Company goals.grow.grow_mrr",
        "Company goals.care",
        "Company goals.care.care_nps",
    ]
    grow, mrr = terms["Company goals.grow"], terms["Company goals.grow.grow_mrr"]
    assert (grow["displayName"], grow["description"]) == ("The goal grow", "About grow: now 4 of 10")
    assert [owner["name"] for owner in grow["owners"]] == ["sales-team"]
    assert grow["references"] == [{"name": "Headway", "endpoint": "https://headway.shop.example/goals/grow"}]
    assert mrr["parent"]["id"] == grow["id"]
    assert mrr["synonyms"] == ["grow.mrr"]
    assert mrr["references"] == [{"name": "The plan [1]", "endpoint": "https://tracker.shop.example/7"}]
    assert terms["Company goals.care.care_nps"]["owners"] == []


def test_assets_get_labels_of_a_tool_with_a_reason_and_properties_that_link_to_the_goals(
    there: OpenMetadataServer,
) -> None:
    tell(there, HEAD)
    orders = there.things["tables"][ORDERS]
    assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow.grow_mrr"]
    assert {(label["labelType"], label["state"]) for label in orders["tags"]} == {("Automated", "Confirmed")}
    assert all(label["reason"].startswith("Headway") for label in orders["tags"])
    assert orders["extension"] == {
        OBJECTIVES: "- [The goal grow](https://headway.shop.example/goals/grow)",
        KEY_RESULTS: "- The goal grow.mrr",
    }


def test_a_dry_run_writes_nothing_and_says_the_same_as_what_is_then_done(there: OpenMetadataServer) -> None:
    before = there.state()
    planned = tell(there, HEAD, dry_run=True)
    assert outcomes(planned) == {"would be sent": 8}
    assert there.writes == []
    assert there.state() == before
    done = tell(there, HEAD)
    assert list(done) == list(planned)
    assert planned[f"table {ORDERS}"].sentence == "orders: would change: gets grow, grow_mrr; properties"
    assert done[f"table {ORDERS}"].sentence == "orders: changed: gets grow, grow_mrr; properties"


def test_sent_twice_nothing_is_written_the_second_time_whether_or_not_it_is_known_what_was_sent(
    there: OpenMetadataServer,
) -> None:
    tell(there, HEAD)
    written, state = len(there.writes), there.state()
    assert outcomes(tell(there, HEAD, HEAD)) == {"same": 8}
    assert outcomes(tell(there, HEAD)) == {"same": 8}
    assert len(there.writes) == written
    assert there.state() == state


@pytest.mark.parametrize("shape", ["tags", "domains"])
def test_goals_can_be_tags_or_domains_with_their_links_in_the_description(
    there: OpenMetadataServer, shape: str
) -> None:
    told = tell(there, HEAD, **{"as": shape})
    assert set(outcomes(told)) == {"sent"}
    assert there.things["glossaryTerms"] == {}
    grow = there.things[shape]["Company goals.grow" if shape == "tags" else "grow"]
    assert grow["description"] == "About grow: now 4 of 10\n\n[Headway](https://headway.shop.example/goals/grow)"
    orders = there.things["tables"][ORDERS]
    if shape == "tags":
        mrr = there.things["tags"]["Company goals.grow_mrr"]
        assert mrr["description"].endswith(r"[The plan \[1\]](https://tracker.shop.example/7)")
        assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow_mrr"]
        assert {label["source"] for label in orders["tags"]} == {"Classification"}
    else:
        assert list(there.things["domains"]) == ["grow", "care"]
        assert [one["fullyQualifiedName"] for one in orders["domains"]] == ["grow"]
        assert orders["tags"] == []
    assert outcomes(tell(there, HEAD, HEAD, **{"as": shape})) == {"same": len(told)}
    less = Head((GROW, MRR, CARE, NPS), (asset("orders"),))
    tell(there, less, HEAD, **{"as": shape})
    assert there.things["tables"][ORDERS]["domains"] == there.things["tables"][ORDERS]["tags"] == []


def test_another_shape_takes_the_earlier_one_back(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    new, old = sink(there, **{"as": "tags"}), sink(there)
    before = {s.key: s for s in old.statements(HEAD)}
    now = new.statements(HEAD)
    todo = [Change(s.key, s.title, s.said, (before[s.key].said,) if s.key in before else ()) for s in now]
    keys = {s.key for s in now}
    todo += [Change(k, s.title, None, (s.said,)) for k, s in before.items() if k not in keys]
    assert not [d for d in new.deliver(todo, dry_run=False) if d.outcome not in {"sent", "same"}]
    assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow_mrr"]
    assert {label["source"] for label in there.things["tables"][ORDERS]["tags"]} == {"Classification"}
    assert {term["entityStatus"] for term in there.things["glossaryTerms"].values()} == {"Deprecated"}


def test_labels_may_be_those_of_objectives_alone(there: OpenMetadataServer) -> None:
    tell(there, HEAD, key_results=False)
    assert there.labels("tables", ORDERS) == ["Company goals.grow"]
    assert set(there.things["tables"][ORDERS]["extension"]) == {OBJECTIVES, KEY_RESULTS}


# ---------------------------------------------------------------------- what people wrote


def test_what_people_put_on_an_asset_stays(there: OpenMetadataServer) -> None:
    tier = {"tagFQN": "Tier.Tier1", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
    pii = {"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Automated", "state": "Suggested"}
    orders = there.things["tables"][ORDERS]
    tell(there, HEAD)
    orders = there.things["tables"][ORDERS]
    care = {"tagFQN": "Company goals.care", **BY_HAND}
    orders["tags"] = [tier, *orders["tags"], care, pii]
    orders["owners"] = [{"id": "9d1c0c3e-5a3c-4f3a-9df2-0a33f5a4f0aa", "type": "user"}]
    orders["extension"]["costCenter"] = "4711"
    orders["description"] = "Orders, by hand"
    there.things["metadata/types"]["table"]["customProperties"].append({"name": "costCenter"})
    less = Head((GROW, MRR, CARE, NPS), (asset("orders", GROW),))
    tell(there, less, HEAD)
    assert there.labels("tables", ORDERS) == [
        "Tier.Tier1",
        "Company goals.grow",
        "Company goals.care",
        "PII.Sensitive",
    ]
    none = Head((GROW, MRR, CARE, NPS), ())
    assert tell(there, none, less)[f"table {ORDERS}"].sentence == "orders: changed: loses grow; properties"
    orders = there.things["tables"][ORDERS]
    assert orders["tags"] == [tier, care, pii]
    assert orders["extension"] == {"costCenter": "4711"}
    assert (orders["description"], len(orders["owners"])) == ("Orders, by hand", 1)


def test_a_label_of_a_goal_that_somebody_put_there_before_is_not_ours_to_take(there: OpenMetadataServer) -> None:
    tell(there, Head((GROW, MRR), ()))
    there.things["tables"][ORDERS]["tags"] = [{"tagFQN": "Company goals.grow", **BY_HAND}]
    with_orders = Head((GROW, MRR), HEAD.assets)
    tell(there, with_orders)
    assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow.grow_mrr"]
    tell(there, Head((GROW, MRR), ()), with_orders)
    assert there.labels("tables", ORDERS) == ["Company goals.grow"]


def test_a_text_that_somebody_rewrote_is_left_alone_and_named(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["glossaryTerms"]["Company goals.grow"]["description"] = "What we mean by growth, by hand"
    later = goal("grow", url=GROW.url, description="About grow: now 5 of 10")
    told = tell(there, Head((later, MRR, CARE, NPS), HEAD.assets), HEAD)
    one = told["glossaryTerms Company goals.grow"]
    assert (one.outcome, one.sentence) == ("left alone", "The goal grow: somebody else wrote its description")
    assert there.things["glossaryTerms"]["Company goals.grow"]["description"] == "What we mean by growth, by hand"
    renamed = goal("grow", url=GROW.url, title="Growth", description="About grow: now 6 of 10")
    one = tell(there, Head((renamed, MRR), ()), Head((later, MRR), ()))["glossaryTerms Company goals.grow"]
    assert one.sentence == "Growth: changed: title (its description is somebody else's and stays)"
    assert there.things["glossaryTerms"]["Company goals.grow"]["displayName"] == "Growth"


def test_a_text_that_openmetadata_lays_out_otherwise_is_still_ours(there: OpenMetadataServer) -> None:
    first = goal("grow", description="Sales & profit\n\n- a\n- b")
    tell(there, Head((first,), ()))
    there.things["glossaryTerms"]["Company goals.grow"]["description"] = "Sales &amp; profit\n- a\n- b\n"
    assert outcomes(tell(there, Head((first,), ()), Head((first,), ()))) == {"same": 2}
    second = goal("grow", description="Sales & loss")
    tell(there, Head((second,), ()), Head((first,), ()))
    assert there.things["glossaryTerms"]["Company goals.grow"]["description"] == "Sales & loss"


def test_synonyms_references_owners_and_reviewers_of_people_stay(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    mrr = there.things["glossaryTerms"]["Company goals.grow.grow_mrr"]
    mrr["synonyms"] = ["recurring revenue", *mrr["synonyms"]]
    mrr["references"].insert(0, {"name": "Wiki", "endpoint": "https://wiki.shop.example/mrr"})
    mrr["reviewers"] = [{"id": "9d1c0c3e-5a3c-4f3a-9df2-0a33f5a4f0aa", "type": "user"}]
    there.add("teams", "finance-team", teamType="Group")
    moved = goal("grow.mrr", owner="finance-team", links=(CatalogLink("New plan", "https://tracker.shop.example/8"),))
    head = Head((GROW, moved, CARE, NPS), HEAD.assets)
    told = tell(there, head, HEAD)["glossaryTerms Company goals.grow.grow_mrr"]
    assert told.sentence == "The goal grow.mrr: changed: references; owner finance-team"
    mrr = there.things["glossaryTerms"]["Company goals.grow.grow_mrr"]
    assert mrr["synonyms"] == ["recurring revenue", "grow.mrr"]
    assert [one["name"] for one in mrr["references"]] == ["Wiki", "New plan"]
    assert [one["name"] for one in mrr["owners"]] == ["finance-team"]
    assert len(mrr["reviewers"]) == 1
    mrr["owners"] = [{"id": "9d1c0c3e-5a3c-4f3a-9df2-0a33f5a4f0aa", "type": "user", "name": "somebody"}]
    assert outcomes(tell(there, HEAD, head))["failed"] == 0
    assert [one["name"] for one in there.things["glossaryTerms"]["Company goals.grow.grow_mrr"]["owners"]] == [
        "somebody"
    ]


@pytest.mark.parametrize("owner", ["ann@shop.example", "@ann"])
def test_an_owner_that_looks_like_a_person_is_neither_looked_for_nor_kept(
    there: OpenMetadataServer, owner: str
) -> None:
    head = Head((goal("grow", owner=owner),), ())
    tell(there, head)
    assert "ann" not in json.dumps([one.said for one in sink(there).statements(head)])
    assert not [path for _, path, _ in there.requests if "teams" in path]


def test_a_team_of_codeowners_is_the_team(there: OpenMetadataServer) -> None:
    tell(there, Head((goal("grow", owner="@shop/sales-team"),), ()))
    assert [one["name"] for one in there.things["glossaryTerms"]["Company goals.grow"]["owners"]] == ["sales-team"]


def test_an_objective_says_what_it_supports_and_its_period(there: OpenMetadataServer) -> None:
    below = goal("more", objective=GROW.id, period="2026-Q4", description="About more")
    tell(there, Head((GROW, below), ()))
    assert there.things["glossaryTerms"]["Company goals.more"]["description"] == (
        "About more\n\nSupports: [The goal grow](https://headway.shop.example/goals/grow) · Period: 2026-Q4"
    )


def test_only_a_team_that_may_own_becomes_the_owner(there: OpenMetadataServer) -> None:
    told = tell(there, Head((goal("grow", owner="everybody"),), ()))
    assert outcomes(told) == {"sent": 2}
    assert there.things["glossaryTerms"]["Company goals.grow"]["owners"] == []


def test_an_asset_in_a_domain_of_peoples_stays_there(there: OpenMetadataServer) -> None:
    finance = there.add("domains", "Finance")
    there.things["tables"][ORDERS]["domains"] = [
        {"id": finance["id"], "type": "domain", "fullyQualifiedName": "Finance"}
    ]
    told = tell(there, HEAD, **{"as": "domains"})[f"table {ORDERS}"]
    assert told.sentence == "orders: changed: properties (its domain is somebody else's and stays)"
    assert [one["fullyQualifiedName"] for one in there.things["tables"][ORDERS]["domains"]] == ["Finance"]


def test_a_domain_that_an_asset_inherits_is_no_obstacle(there: OpenMetadataServer) -> None:
    finance = there.add("domains", "Finance")
    inherited = {"id": finance["id"], "type": "domain", "fullyQualifiedName": "Finance", "inherited": True}
    there.things["tables"][ORDERS]["domains"] = [inherited]
    tell(there, HEAD, **{"as": "domains"})
    assert [one["fullyQualifiedName"] for one in there.things["tables"][ORDERS]["domains"]] == ["grow"]


def test_what_came_in_between_is_never_taken_out_in_place_of_ours() -> None:
    ours = {"tagFQN": "Company goals.grow", "source": "Glossary", "labelType": "Automated", "reason": "Headway: ..."}
    tier = {"tagFQN": "Tier.Tier1", "source": "Classification", "labelType": "Manual"}
    before = Asset(kind="table", places=[ORDERS], labels=[Label("Company goals.grow", "Glossary")])
    wanted = asset_wanted({"tags": [ours]}, Asset(kind="table", places=[ORDERS]), Ours([said(before)]), (), "")
    assert patched({"tags": [ours, tier]}, wanted.patch) == {"tags": [tier]}
    with pytest.raises(Refusal):
        patched({"tags": [tier, ours]}, wanted.patch)


# ---------------------------------------------------------------------- what is no longer so


def test_a_goal_that_ended_is_marked_and_not_deleted_and_comes_back(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    less = Head((CARE, NPS), ())
    told = tell(there, less, HEAD)
    assert told["glossaryTerms Company goals.grow"].sentence == "The goal grow: changed: marked as ended"
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["description"]) == ("Deprecated", f"{ENDED}\n\nAbout grow: now 4 of 10")
    assert there.things["glossaryTerms"]["Company goals.care"]["entityStatus"] == "Approved"
    assert there.labels("tables", ORDERS) == []
    state = there.state()
    assert outcomes(tell(there, less, HEAD))["sent"] == 0
    assert there.state() == state
    tell(there, HEAD, less)
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["description"]) == ("Approved", "About grow: now 4 of 10")
    assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow.grow_mrr"]


def test_a_term_that_people_deprecated_stays_so(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["glossaryTerms"]["Company goals.grow"]["entityStatus"] = "Deprecated"
    assert outcomes(tell(there, HEAD, HEAD)) == {"same": 8}
    assert there.things["glossaryTerms"]["Company goals.grow"]["entityStatus"] == "Deprecated"


def test_the_text_of_an_ended_goal_that_people_rewrote_is_not_touched(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["glossaryTerms"]["Company goals.grow"]["description"] = "By hand"
    tell(there, Head((CARE, NPS), ()), HEAD)
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["description"]) == ("Deprecated", "By hand")


def come_back(there: OpenMetadataServer, *, receipt: bool = True, **more: Any) -> Delivered:
    """What becomes of the goal `grow` that had ended, as a goal with another text and what else is said."""
    told = {s.key: s.said for s in sink(there).statements(Head((GROW,), ()))}
    key = "glossaryTerms Company goals.grow"
    now = next(
        s for s in sink(there).statements(Head((goal("grow", description="Now 6 of 10", **more),), ())) if s.key == key
    )
    change = Change(key, now.title, now.said, taken=(told[key],), receipt={"ended": True} if receipt else {})
    (done,) = sink(there).deliver([change], dry_run=False)
    return done


def end(there: OpenMetadataServer) -> dict[str, Any]:
    """The goal `grow`, which was told and has ended."""
    tell(there, HEAD)
    done = tell(there, Head((CARE, NPS), ()), HEAD)["glossaryTerms Company goals.grow"]
    assert (done.outcome, done.receipt) == ("sent", {"ended": True})
    found: dict[str, Any] = there.things["glossaryTerms"]["Company goals.grow"]
    return found


def test_an_ended_goal_that_people_described_anew_comes_back_with_their_text(there: OpenMetadataServer) -> None:
    end(there)["description"] = "By hand"
    done = come_back(there, title="Growth")
    assert done.sentence == (
        "Growth: changed: in force again; title; references (its description is somebody else's and stays)"
    )
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["displayName"], grow["description"]) == ("Approved", "Growth", "By hand")


def test_an_ended_goal_comes_back_with_the_text_of_now(there: OpenMetadataServer) -> None:
    end(there)
    come_back(there)
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["description"]) == ("Approved", "Now 6 of 10")


@pytest.mark.parametrize("below", ["\n\nWhat we learned, by hand", " What we learned, by hand"])
def test_what_people_wrote_below_the_line_of_an_ended_goal_stays(there: OpenMetadataServer, below: str) -> None:
    end(there)["description"] = ENDED + below
    come_back(there)
    grow = there.things["glossaryTerms"]["Company goals.grow"]
    assert (grow["entityStatus"], grow["description"]) == ("Approved", "What we learned, by hand")


def test_a_goal_that_people_deprecated_before_it_ended_stays_deprecated(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["glossaryTerms"]["Company goals.grow"]["entityStatus"] = "Deprecated"
    done = tell(there, Head((CARE, NPS), ()), HEAD)["glossaryTerms Company goals.grow"]
    assert (done.outcome, done.receipt) == ("same", {})
    come_back(there, receipt=False)
    assert there.things["glossaryTerms"]["Company goals.grow"]["entityStatus"] == "Deprecated"


def test_a_property_that_people_rewrote_is_not_taken_back(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["tables"][ORDERS]["extension"][OBJECTIVES] = "What we grow with, by hand"
    tell(there, Head(HEAD.goals, ()), HEAD)
    assert there.things["tables"][ORDERS]["extension"] == {OBJECTIVES: "What we grow with, by hand"}


def test_taking_back_what_is_gone_there_as_well_is_no_failure(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    there.things["glossaryTerms"].clear()
    del there.things["tables"][ORDERS]
    assert outcomes(tell(there, Head((), ()), HEAD)) == {"same": 8}


def test_what_people_deleted_is_made_again(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    del there.things["glossaryTerms"]["Company goals.grow.grow_mrr"]
    assert outcomes(tell(there, HEAD, HEAD)) == {"sent": 1, "same": 7}


def test_a_key_result_that_moves_is_a_new_term_although_the_old_one_keeps_its_name(there: OpenMetadataServer) -> None:
    def head(above: str) -> Head:
        key_result = CatalogGoal(
            id="asana:1204", kind="key_result", name="asana:1204", title="T", description="D", objective=above
        )
        return Head((GROW, CARE, key_result), ())

    first, second = head(GROW.id), head(CARE.id)
    tell(there, first)
    assert outcomes(tell(there, second, first))["failed"] == 0
    terms = there.things["glossaryTerms"]
    assert terms["Company goals.grow.grow_asana:1204"]["entityStatus"] == "Deprecated"
    assert terms["Company goals.care.care_asana:1204"]["entityStatus"] == "Approved"


# ---------------------------------------------------------------------- what goes wrong


def test_assets_that_openmetadata_does_not_know_are_told_of_and_not_made(there: OpenMetadataServer) -> None:
    told = tell(there, Head(HEAD.goals, (asset("elsewhere", GROW),)))["table duck.shop.main.elsewhere"]
    assert (told.outcome, told.sentence) == (
        "left alone",
        "elsewhere: OpenMetadata has no table duck.shop.main.elsewhere",
    )
    assert list(there.things["tables"]) == [ORDERS]


def test_a_table_is_found_in_the_case_of_its_warehouse(there: OpenMetadataServer) -> None:
    there.things["tables"]["duck.SHOP.MAIN.ORDERS"] = there.things["tables"].pop(ORDERS)
    assert tell(there, HEAD)[f"table {ORDERS}"].outcome == "sent"
    assert there.labels("tables", "duck.SHOP.MAIN.ORDERS") == ["Company goals.grow", "Company goals.grow.grow_mrr"]


@pytest.mark.parametrize("status", [400, 403, 409])
def test_what_is_refused_of_one_thing_does_not_stop_the_others(there: OpenMetadataServer, status: int) -> None:
    there.refusals = [("PUT", "glossaryTerms", status)]
    told = tell(there, HEAD)
    # the key result below what was refused cannot be there either
    assert outcomes(told) == {"sent": 5, "failed": 3}
    assert told["glossaryTerms Company goals.grow"].outcome == "failed"
    assert told["glossaryTerms Company goals.care.care_nps"].outcome == "sent"
    assert outcomes(tell(there, HEAD, HEAD)) == {"sent": 3, "same": 5}
    assert there.labels("tables", ORDERS) == ["Company goals.grow", "Company goals.grow.grow_mrr"]


def test_a_term_that_people_moved_is_told_of_and_not_made_twice(there: OpenMetadataServer) -> None:
    tell(there, HEAD)
    terms = there.things["glossaryTerms"]
    terms["Company goals.care.grow_mrr"] = terms.pop("Company goals.grow.grow_mrr")
    told = tell(there, HEAD, HEAD)
    assert told["glossaryTerms Company goals.grow.grow_mrr"].sentence == (
        "The goal grow.mrr: OpenMetadata refuses what was to be written (400); "
        "is a term called grow_mrr elsewhere in Company goals?"
    )
    there.things["tables"][ORDERS]["tags"] = []
    assert tell(there, HEAD, HEAD)[f"table {ORDERS}"].sentence == (
        "orders: OpenMetadata does not have what it belongs to, or is labelled with (404)"
    )


def test_what_means_later_is_tried_again(there: OpenMetadataServer) -> None:
    there.refusals = [("PUT", "glossaryTerms", 503), ("PATCH", "tables", 429), ("GET", "system/version", 502)]
    assert outcomes(tell(there, HEAD)) == {"sent": 8}


def test_a_server_that_keeps_failing_is_not_asked_for_ever(there: OpenMetadataServer) -> None:
    many = Head(tuple(goal(f"g{n}") for n in range(20)), ())
    there.refusals = [("PUT", "glossaryTerms", 500)] * 4 * 20
    with pytest.raises(ServiceError, match="failed with status 500"):
        tell(there, many)
    # the glossary, and four attempts for each of five goals
    assert len(there.writes) == 1 + 4 * 5


def test_a_property_of_another_type_is_not_written_and_the_asset_is_tried_again(there: OpenMetadataServer) -> None:
    of = {"name": OBJECTIVES, "propertyType": {"name": "string"}}
    there.things["metadata/types"]["table"]["customProperties"] = [of]
    told = tell(there, HEAD)
    assert told[f"property table {OBJECTIVES}"].outcome == "failed"
    assert "is there already, but not of markdown" in told[f"property table {OBJECTIVES}"].sentence


def test_an_asset_whose_properties_cannot_be_there_gets_its_labels_and_is_tried_again(
    there: OpenMetadataServer,
) -> None:
    there.refusals = [("PUT", "metadata/types", 403), ("PUT", "metadata/types", 403)]
    told = tell(there, HEAD)[f"table {ORDERS}"]
    assert told.outcome == "failed"
    assert told.sentence == (
        f"orders: changed: gets grow, grow_mrr, but there is no custom property {OBJECTIVES} and "
        f"no custom property {KEY_RESULTS}"
    )
    assert tell(there, HEAD, HEAD)[f"table {ORDERS}"].outcome == "sent"


def test_an_asset_whose_domain_could_not_be_made_is_tried_again(there: OpenMetadataServer) -> None:
    there.refusals = [("PUT", "domains", 403)]
    told = tell(there, HEAD, **{"as": "domains"})
    assert told[f"table {ORDERS}"].outcome == "failed"
    tell(there, HEAD, HEAD, **{"as": "domains"})
    assert [one["fullyQualifiedName"] for one in there.things["tables"][ORDERS]["domains"]] == ["grow"]


def test_a_wrong_token_ends_it_and_is_in_no_sentence(there: OpenMetadataServer) -> None:
    secret = "eyJhbGciOiJ-very-secret"
    one = OpenMetadata({"url": there.url}, Setting(".", NOW, {"OPENMETADATA_JWT_TOKEN": secret}))
    with pytest.raises(ServiceError, match="credentials are wrong") as error:
        list(one.deliver(changes(one, HEAD), dry_run=False))
    assert secret not in f"{error.value} {error.value.hint}"
    assert there.requests == []


def test_a_token_that_expires_on_the_way_ends_it(there: OpenMetadataServer) -> None:
    there.refusals = [("PUT", "glossaryTerms", 401)]
    with pytest.raises(ServiceError, match="credentials are wrong"):
        tell(there, HEAD)
    assert len(there.writes) == 2


@pytest.mark.parametrize(("version", "why"), [("1.9.3", "1.12 or newer"), ("", "does not say which version")])
def test_a_server_that_is_too_old_or_none_is_told_of(version: str, why: str) -> None:
    with OpenMetadataServer(version=version) as there, pytest.raises((ConfigError, ServiceError), match=why):
        tell(there, HEAD)
    assert len(there.requests) == 1


def test_nothing_answers() -> None:
    with OpenMetadataServer() as there:
        pass
    with pytest.raises(ServiceError, match="nothing answers there"):
        tell(there, HEAD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tags", "none"),
        ("tags", [None, 5, "Company goals.grow", {"tagFQN": None}]),
        ("extension", ["x"]),
        ("extension", None),
        ("domains", {"id": 3}),
    ],
)
def test_an_asset_in_an_odd_state_is_given_what_it_is_to_have(there: OpenMetadataServer, name: str, value: Any) -> None:
    wanted = asset_wanted(
        {"id": "1", name: value},
        Asset(
            kind="table", places=[ORDERS], labels=[Label("g.a", "Glossary")], properties={"p": "x"}, prints={"p": "1"}
        ),
        Ours([]),
        ("p",),
        "",
    )
    after = patched({"id": "1", name: value}, wanted.patch)
    assert "g.a" in [one["tagFQN"] for one in after["tags"] if isinstance(one, dict)]
    assert after["extension"] == {"p": "x"}


@pytest.mark.parametrize(
    "garbage", [{}, {"what": "goal"}, {"what": "x"}, {"what": "asset", "kind": "table"}, {"a": [1]}]
)
def test_what_no_version_of_headway_wrote_into_the_ledger_is_nobodys(
    there: OpenMetadataServer, garbage: dict[str, Any]
) -> None:
    assert item_of(garbage) is None
    one = sink(there)
    odd = [Change(c.key, c.title, c.said, (garbage,)) for c in changes(one, HEAD)]
    odd.append(Change("glossaryTerms Company goals.x", "x", None, (garbage,)))
    assert Counter(d.outcome for d in one.deliver(odd, dry_run=False)) == {"sent": 8, "same": 1}


# ---------------------------------------------------------------------- a file


def test_the_requests_of_a_file_are_taken_as_they_are(there: OpenMetadataServer) -> None:
    one = sink(there)
    for line in one.written(changes(one, HEAD)).splitlines():
        request = json.loads(line)
        if request["method"] == "PUT":
            path = request["path"].removeprefix("/api/v1/")
            assert there.answer("PUT", path, {}, request["content_type"], request["body"])[0] == 201
        else:
            assert request["path"] == "/api/v1/tables/name/duck.shop.main.orders"
            made = patched(there.things["tables"][ORDERS], request["body"])
            assert [label["tagFQN"] for label in made["tags"]] == ["Company goals.grow", "Company goals.grow.grow_mrr"]
    assert list(there.things["glossaryTerms"])[-1] == "Company goals.care.care_nps"


def test_a_file_says_of_a_goal_that_it_has_ended(there: OpenMetadataServer) -> None:
    one = sink(there)
    last = [json.loads(line) for line in one.written(changes(one, Head((CARE,), ()), HEAD)).splitlines()][-1]
    assert last["path"] == "/api/v1/glossaryTerms/name/Company%20goals.grow"
    assert last["body"] == [{"op": "add", "path": "/entityStatus", "value": "Deprecated"}]


def test_a_goal_is_plain_data_that_comes_back_as_it_was(there: OpenMetadataServer) -> None:
    for one in sink(there).statements(HEAD):
        assert json.loads(json.dumps(one.said)) == one.said
        found = item_of(one.said)
        assert found is not None
        assert said(found) == one.said
        if isinstance(found, Goal):
            assert set(found.prints) == {"displayName", "description"}
