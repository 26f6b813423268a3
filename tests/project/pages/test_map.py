"""The Map as data: its counts are those of the graph, its lenses say what is known, its order holds."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
import pytest
from picture_cases import project_of

from browser import worlds
from case_graph import graph_of
from desk import desk
from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph
from headway.graph.model import Node
from headway.project import Project
from headway.project import triage as deciding
from headway.project.pages import bands, figures, goal_words, map_payload
from headway.project.pages import map as map_module
from headway.project.pages.list_ import list_page
from headway.project.pages.map import MapPage, map_page
from headway.project.pages.map_payload import NOBODY, SERVES, UNKNOWN, USED
from headway.project.pages.triage import open_decisions

COMPANY = """
source raw_orders
source raw_unused
model stg_orders < raw_orders        cost=2
model int_orders < stg_orders        cost=30
model fct_orders < int_orders        cost=1
model fct_forgotten < int_orders     cost=400
metric revenue < fct_orders
dashboard board < revenue
dashboard shadow < fct_orders
objective company "The company" 2026-10-01..2026-12-31
objective grow "Grow sales" 2026-10-01..2026-12-31 parent=company owner=sales-team
key_result grow.revenue < revenue shown_on=board from=0 to=10
key_result grow.bare words
objective old "An old one" 2026-01-01..2026-06-30
reading grow.revenue 2026-11-20 7
covers "kind:source kind:model kind:dashboard" 2026-08-01..2026-11-21
views shadow 12 on 2026-11-20 person=a
views shadow 12 on 2026-11-19 person=b
views board 3 on 2026-11-20 person=a
check stg_orders not_null fail since 2026-11-12 "3 rows"
check fct_forgotten unique pass
"""


@pytest.fixture
def company() -> Project:
    return project_of(COMPANY)


def names(page: MapPage, state: int) -> set[str]:
    return {n for n, s in zip(page.payload.names, page.payload.state, strict=True) if s == state}


def test_every_asset_has_one_place_and_its_state(company: Project) -> None:
    page = map_page(company)
    data = page.payload
    assert len(data.names) == len(company.graph().assets) == 9
    serving = {"raw_orders", "stg_orders", "int_orders", "fct_orders", "revenue", "board"}
    assert names(page, SERVES) == serving
    assert names(page, USED) == {"shadow"}
    assert names(page, NOBODY) == {"fct_forgotten", "raw_unused"}
    assert page.sentence[0].text == "67% of 9 assets serve an objective"


def test_the_legend_counts_are_those_of_the_payload_the_list_and_the_twin(company: Project) -> None:
    page = map_page(company)
    twin = msgspec.json.decode(msgspec.json.encode(page))
    for lens in page.lenses:
        for row in lens.legend:
            if not row.to:
                continue
            query = dict(part.split("=") for part in row.to.partition("?")[2].split("&"))
            found = list_page(company, **{k: v.replace("%3A", ":") for k, v in query.items()})
            assert found.total == row.count, (lens.name, row.words)
            assert len(found.rows) == row.count
    state = Counter(twin["payload"]["state"])
    legend = {row["words"]: row["count"] for row in twin["lenses"][0]["legend"]}
    assert legend["Serves an objective"] == state[SERVES]
    assert sum(c for c in legend.values() if c is not None) == len(twin["payload"]["names"])
    assert sum(band["assets"] for band in twin["bands"]) == len(twin["payload"]["names"])


@pytest.mark.parametrize("objective", ["goal:objective.grow", "goal:objective.company"])
def test_selecting_an_objective_is_what_the_masks_say(company: Project, objective: str) -> None:
    """An objective is served by what serves it or what supports it; `why` says the same of every asset."""
    graph, page = company.graph(), map_page(company, objective=objective)
    data = page.payload
    under = set(data.objectives[page.selected].under)
    shown = {k for k, s in enumerate(data.goals) if under & set(data.goal_sets[s])}
    mask = graph.goal_mask(graph.index[objective])
    base = map_payload.base(graph, {}, map_payload.heads_of(graph))
    assert {base.nodes[k] for k in shown} == {i for i in graph.assets if graph.served[i] & mask}
    for k, i in enumerate(base.nodes):
        answer = company.ask("why", asset=graph.nodes[i].id)
        steps = {step.node for row in answer.rows if row.values[4] != "ended" for step in row.path}
        assert (k in shown) == (objective in steps)


def test_the_head_has_ports_and_what_they_are_bound_to(company: Project) -> None:
    data = map_page(company).payload
    assert [o.t for o in data.objectives] == ["The company", "Grow sales"]
    bound = {port.id: {data.names[k] for k in port.links} for port in data.key_results}
    assert bound == {"goal:key_result.grow.revenue": {"revenue", "board"}, "goal:key_result.grow.bare": set()}


def test_worth_a_look_is_from_the_answers(company: Project) -> None:
    worth = map_page(company).worth
    assert any("shadow goal?" in item.note and "2 people" in item.note for item in worth)
    assert any(item.note == "Key result with nothing underneath it" for item in worth)
    assert any("€400 a month" in item.note for item in worth)
    assert len(worth) <= 4


def test_nothing_is_said_of_what_is_not_known() -> None:
    text = "\n".join(x for x in COMPANY.splitlines() if not x.startswith(("views", "covers", "cost ", "check")))
    text = re.sub(r"cost=\d+", "", text)
    page = map_page(project_of(text))
    assert {lens.name for lens in page.lenses if lens.disabled} == {"use", "cost", "trust"}
    assert names(page, NOBODY) == names(page, USED) == set()
    assert not any("nobody" in row.words for row in page.lenses[0].legend)
    assert [item.note for item in page.worth] == ["Key result with nothing underneath it"]
    assert page.decisions is None
    assert set(page.payload.use) == {-1}
    assert set(page.payload.cost) == {-1.0}
    assert set(page.payload.trust) == {0}
    assert map_page(project_of(text), colour="trust").colour == "align", "a lens without data is not shown"


def test_without_goals_it_says_what_was_read_and_what_to_do() -> None:
    page = map_page(project_of("source raw\nmodel a < raw\nmodel b < a"))
    assert page.headless
    assert page.sentence[0].text == "3 assets, and none of them has a goal yet"
    assert page.read.startswith("Headway read 2 models and 1 source. It found no metrics, dashboards and no goals.")
    assert "nothing is called unused" in page.read
    more = map_page(project_of("model a\ndashboard d < a\nchart c < a\nchart e < a")).read
    assert more.startswith(
        "Headway read 1 model, 0 sources, 2 charts and 1 dashboard. It found no metrics and no goals."
    )
    assert len(page.steps) == 3
    assert page.worth == ()
    assert [b.name for b in page.bands if not b.assets] == ["Intermediate", "Metrics", "Dashboards"]


def test_a_filter_keeps_every_place(company: Project) -> None:
    whole, part = map_page(company).payload, map_page(company, department="sales-team").payload
    assert part.kept is not None
    assert {part.names[k] for k in part.kept} == names(map_page(company), SERVES)
    assert msgspec.structs.replace(part, kept=None) == whole
    assert map_page(company, department="sales-team").sentence[0].text == "100% of 6 assets serve an objective"
    page = map_page(company, department="sales-team", colour="cost")
    assert page.sentence[0].text == "€33 of €33 a month serves an objective"
    assert not any("shadow goal" in item.note or "reader" in item.title for item in page.worth), "only of what is shown"
    with pytest.raises(UsageError, match="no team is called"):
        map_page(company, department="nobody-we-know")


def test_an_asset_is_found_by_its_place_for_as_long_as_the_snapshot_holds(company: Project) -> None:
    data = map_page(company).payload
    k = data.names.index("int_orders")
    page = map_page(company, asset=f"@{data.snapshot}/{k}")
    assert page.selected_asset == k
    for wrong in (f"@000000000000/{k}", f"@{data.snapshot}/999999", f"@{data.snapshot}/-1", "@", "@x/y"):
        with pytest.raises(UnknownName):
            map_page(company, asset=wrong)


def test_a_position_by_kind_and_by_what_stands_around() -> None:
    graph = graph_of(COMPANY)
    found = {graph.nodes[i].id.rpartition(":")[2]: bands.NAMES[b] for i, b in enumerate(bands.bands(graph, {}))}
    by_name = {name.rpartition(".")[2]: band for name, band in found.items()}
    assert by_name["stg_orders"] == "Staging"
    assert by_name["int_orders"] == "Intermediate"
    assert by_name["fct_orders"] == by_name["fct_forgotten"] == "Marts"
    assert by_name["revenue"] in {"Metrics", "Key results"}


def test_layers_of_the_configuration_come_first() -> None:
    nodes = [
        Node(id="m:a", kind="model", name="a", path="models/staging/app/a.sql"),
        Node(id="m:b", kind="model", name="b", path="models/staging_old/b.sql"),
        Node(id="m:c", kind="model", name="c", path="models/x/base_c.sql"),
    ]
    graph = Graph(nodes, as_of=date(2026, 11, 22))
    layers = {"staging": ("models/staging/", "models/*/base_*"), "intermediate": ("models/staging_old",)}
    assert [bands.NAMES[b] for b in bands.bands(graph, layers)] == ["Staging", "Intermediate", "Staging"]
    assert [bands.NAMES[b] for b in bands.bands(graph, {})] == ["Marts", "Marts", "Marts"]


def test_labels_are_as_short_as_tells_them_apart() -> None:
    found = bands.labels(["models/marts/finance", "models/finance", "models/staging/app", "app"])
    assert found == {
        "models/marts/finance": "marts/finance",
        "models/finance": "models/finance",
        "models/staging/app": "staging/app",
        "app": "app",
    }


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (3.24, "3.2"),
        (0.044, "0.044"),
        (310.4, "310"),
        (999.7, "1.0k"),
        (8_240, "8.2k"),
        (121_000, "121k"),
        (2.5e6, "2.5m"),
    ],
)
def test_short_figures(amount: float, text: str) -> None:
    assert figures.short(amount) == text


def test_steps_come_from_the_data_and_hold_all_of_it() -> None:
    amounts = [0.0, 1, 2, 5, 9, 12, 40, 80, 200, 900]
    limits = figures.steps(amounts)
    assert limits[0] == 0
    assert list(limits) == sorted(set(limits))
    assert len(limits) <= 5
    assert sum(Counter(figures.step_of(limits, a) for a in amounts).values()) == len(amounts)
    assert len(figures.step_words(limits, "EUR")) == len(limits)
    assert figures.steps([]) == (0.0,)
    assert min(Counter(figures.step_of(limits, a) for a in amounts).values()) > 0
    assert figures.steps([5, 9, 12, 40, 80])[1] > 5, "no step below what there is"


def test_no_address_of_a_person_is_shown() -> None:
    assert figures.team("ana.lee@example.com") == "one person"
    assert figures.team("@shop/growth-team") == "growth-team"
    assert figures.team("growth-team") == "growth-team"


def test_a_goal_keeps_its_colour_whatever_is_added() -> None:
    one = 'objective a "A" 2026-01-01..2026-12-31\nobjective b "B" 2026-02-01..2026-12-31'
    before = graph_of(one)
    after = graph_of(f'objective c "C" 2026-03-01..2026-12-31\n{one}\nobjective z "Z" standing')
    then, now = ({g.nodes[i].name: c for i, c in goal_words.colours(g).items()} for g in (before, after))
    assert then.items() <= now.items()
    assert len(set(now.values())) == 4


def test_more_objectives_than_colours_are_counted() -> None:
    text = "\n".join(f'objective o{n} "Objective {n}" 2026-10-01..2026-12-31' for n in range(9))
    page = map_page(project_of(text + "\nmodel a"))
    assert page.payload.heads == 6
    assert len(page.payload.objectives) == 9
    assert len(page.objectives) == 6
    picked = map_page(project_of(text + "\nmodel a"), objective="goal:objective.o8")
    assert picked.payload.objectives[picked.selected].id == "goal:objective.o8"
    assert picked.selected < picked.payload.heads


def test_unknown_is_a_state_of_its_own(company: Project) -> None:
    text = COMPANY.replace('covers "kind:source kind:model kind:dashboard"', 'covers "kind:dashboard"')
    page = map_page(project_of(text))
    assert names(page, UNKNOWN)
    assert "fct_forgotten" in names(page, UNKNOWN)


def test_too_many_squares_are_not_drawn_and_the_page_says_so(company: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.project.pages.map.LIMIT", 8)
    page = map_page(company, colour="goal")
    assert page.too_large == "9 assets are too many to draw. Choose a department, or read them in the List."
    assert map_page(company, department="sales-team").too_large == ""


def test_a_filter_on_a_map_too_large_to_draw_leaves_only_its_part(
    company: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = map_page(company, department="sales-team").payload
    assert whole.places is None
    assert whole.kept
    monkeypatch.setattr("headway.project.pages.map.LIMIT", 8)
    map_module._kept.cache_clear()
    page = map_page(company, department="sales-team")
    part, places = page.payload, page.payload.places
    assert places is not None
    assert len(places) < len(whole.names)
    assert part.names == [whole.names[k] for k in places]
    assert [places[k] for k in part.kept or ()] == whole.kept
    assert all(len(getattr(part, name)) == len(places) for name in ("band", "group", "goals", "state", "cost", "trust"))
    assert [[places[k] for k in p.links] for p in part.key_results] == [p.links for p in whole.key_results]
    pairs = set(zip(whole.edges[::2], whole.edges[1::2], strict=True))
    kept = {(a, b) for a, b in pairs if a in places and b in places}
    ends = ((places[a], places[b]) for a, b in zip(part.edges[::2], part.edges[1::2], strict=True))
    assert set(ends) == kept
    outside = next(k for k in range(len(whole.names)) if k not in places)
    picked = map_page(company, department="sales-team", asset=f"@{whole.snapshot}/{outside}")
    assert picked.payload.names[picked.selected_asset] == whole.names[outside]


def test_the_map_and_the_tab_count_the_same_decisions(tmp_path: Path) -> None:
    shop = desk(tmp_path)
    page = map_page(shop)
    assert page.decisions == open_decisions(shop)
    deciding.keep(shop, ["buzz"], by="analytics", reason="the auditor reads it")
    assert map_page(shop).decisions == open_decisions(shop) == page.decisions - 1
    assert map_page(worlds.company()).decisions == open_decisions(worlds.company())
