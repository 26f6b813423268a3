"""Every page, one row each. Routes, JSON twins, the exported site and the tests are derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

import msgspec

from headway.errors import InputError, UsageError
from headway.project.pages.page import Page

if TYPE_CHECKING:
    from headway.project.workspace import Project

LONGEST_VALUE = 500
"""Most characters of one parameter of an address."""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of an address, behind the `?`. Values are text; '' is the same as leaving it out."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    """What it may be; anything when empty."""
    argument: str = ""
    """What the builder calls it, where its name is no name for Python."""


class PageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    name: str
    """Stable, lower case; what code calls it."""
    address: str
    """`/cost`, or `/asset/{node}` with one part that runs to the end of the address."""
    title: str
    template: str
    builder: str
    """`module:function`. Called with the project and every parameter by its name, the part in braces included."""
    parameters: tuple[Parameter, ...] = ()
    tab: str = ""
    """The tab that is marked; '' for none. The first row of a tab is where it leads."""
    count: str = ""
    """`module:function` of the project: the number behind the tab's name. None or 0 shows nothing."""
    twin: str = ""
    """Address of the JSON twin, where it is not the address with `.json` behind it."""
    sheets: tuple[str, ...] = ()
    """Style sheets beside base.css, without `.css`."""
    modules: tuple[str, ...] = ()
    """ES modules beside keys.js, with their ending."""
    picture: bool = False
    """Fills the window; only its parts scroll."""
    historic: bool = True
    """Can be asked about an earlier day with `at`."""

    @property
    def key(self) -> str:
        """Name of the part in braces; '' where there is none."""
        return self.address.partition("{")[2].rstrip("}")

    def to(self, key: str = "", **parameters: str) -> str:
        """The address of this page: `PAGE.to("dbt:model.shop.orders", steps="2")`. Empty parameters are left out."""
        path = self.address.partition("{")[0] + quote(key, safe=":@.") if self.key else self.address
        given = {name: value for name, value in parameters.items() if value}
        return f"{path}?{urlencode(given, quote_via=quote, safe=':,')}" if given else path

    def build(self, project: Project, key: str = "", given: Mapping[str, str] | None = None) -> Page:
        """The page for an address. What is not a parameter of it is passed over, as `utm_source` would be.

        Raises UsageError for a value that it cannot use, UnknownName for something that does not exist.
        """
        values: dict[str, Any] = {self.key: key} if self.key else {}
        for parameter in self.parameters:
            values[parameter.argument or parameter.name] = _checked(parameter, (given or {}).get(parameter.name, ""))
        page: Page = _function(self.builder)(project, **values)
        return page


AT = Parameter("at", "The day as which to look, YYYY-MM-DD.")

_TRIAGE = (
    Parameter("owner", "Only what a team owns, or was assigned."),
    Parameter("folder", "Only assets of a folder."),
    Parameter("sort", "What rows are sorted by; the dearest first without.", ("name", "owner", "folder")),
    Parameter("page", "Which page of two hundred rows."),
)

PAGES: tuple[PageRow, ...] = (
    PageRow(
        name="objectives",
        address="/",
        title="Objectives",
        template="objectives.html",
        builder="headway.project.pages.objectives:objectives",
        parameters=(
            Parameter("period", "Objectives of this period, ended ones included."),
            Parameter("department", "Objectives that this team owns."),
            Parameter("sort", "`worst`: the weakest first.", ("worst",)),
        ),
        tab="Objectives",
        twin="/objectives.json",
        sheets=("objectives",),
    ),
    PageRow(
        name="objective",
        address="/objective/{node}",
        title="Objective",
        template="objective.html",
        builder="headway.project.pages.objective:objective",
        tab="Objectives",
        sheets=("objectives", "goal"),
    ),
    PageRow(
        name="key_result",
        address="/key-result/{node}",
        title="Key result",
        template="key_result.html",
        builder="headway.project.pages.key_result:key_result",
        tab="Objectives",
        sheets=("objectives", "goal"),
    ),
    PageRow(
        name="map",
        address="/map",
        title="Map",
        template="map.html",
        builder="headway.project.pages.map:map_page",
        parameters=(
            Parameter("colour", "What squares are coloured by.", ("align", "goal", "use", "cost", "trust")),
            Parameter("objective", "The objective that is selected."),
            Parameter("asset", "The asset that is selected."),
            Parameter("department", "Only what a team owns, or what serves an objective of it."),
        ),
        tab="Map",
        sheets=("picture", "map"),
        modules=("map_page.js",),
        picture=True,
    ),
    PageRow(
        name="list",
        address="/list",
        title="List",
        template="list.html",
        builder="headway.project.pages.list_:list_page",
        parameters=(
            Parameter("q", "Only assets whose name or folder holds these words."),
            Parameter("sort", "What rows are sorted by; with - before it, the other way round."),
            Parameter("page", "Which page of a hundred rows."),
            Parameter("department", "Only what a team owns, or what serves an objective of it."),
            Parameter("folder", "Only assets of a folder, as the Map names it."),
            Parameter("owner", "Only assets of a team."),
            Parameter("kind", "Only assets of a kind."),
            Parameter("band", "Only assets of a layer."),
            Parameter("state", "Only assets in a state of alignment.", ("serves", "used", "nobody", "unknown")),
            Parameter("trust", "Only assets with a state of trust.", ("trusted", "warns", "broken", "unknown")),
            Parameter("objective", "Only what serves an objective."),
            Parameter("only", "Only what serves an objective and no other."),
            Parameter("around", "Only what is upstream or downstream of an asset or a goal."),
        ),
        tab="Map",
        sheets=("picture", "list"),
        modules=("list_page.js",),
    ),
    PageRow(
        name="asset",
        address="/asset/{node}",
        title="Asset",
        template="asset.html",
        builder="headway.project.pages.asset:asset",
        tab="Map",
        sheets=("picture", "asset"),
        modules=("asset_page.js",),
    ),
    PageRow(
        name="lineage",
        address="/lineage/{node}",
        title="Lineage",
        template="lineage.html",
        builder="headway.project.pages.lineage:lineage",
        parameters=(
            Parameter("steps", "How many steps from the focus.", ("1", "2", "3", "all")),
            Parameter("way", "Where goals are.", ("up", "right")),
            Parameter("open", "The stacks that are opened, as a JSON list."),
            Parameter("suggested", "1: links are drawn that are only suggested.", ("1",)),
        ),
        tab="Map",
        sheets=("picture", "lineage"),
        modules=("lineage_page.js",),
        picture=True,
    ),
    PageRow(
        name="triage_home",
        address="/triage",
        title="Triage",
        template="triage.html",
        builder="headway.project.pages.triage:triage_home",
        parameters=_TRIAGE,
        tab="Triage",
        count="headway.project.pages.triage:open_decisions",
        sheets=("triage",),
        modules=("triage.js",),
    ),
    PageRow(
        name="triage",
        address="/triage/{kind}",
        title="Triage",
        template="triage.html",
        builder="headway.project.pages.triage:triage",
        parameters=(*_TRIAGE, Parameter("done", "Decisions that were just made, by their handles.")),
        tab="Triage",
        sheets=("triage",),
        modules=("triage.js",),
    ),
    PageRow(
        name="requests",
        address="/requests",
        title="Requests",
        template="requests.html",
        builder="headway.project.pages.requests:requests",
        parameters=(
            Parameter("objective", "Only what is asked for an objective."),
            Parameter("text", "A wish, to see what exists already."),
            Parameter("decision", "Which decision it will serve."),
            Parameter("key_result", "Which key result it is for."),
            Parameter("kind", "What is asked for.", ("dashboard", "chart", "metric", "table", "data", "other")),
            Parameter("readers", "Who will use it, and how often."),
            Parameter("due", "By when."),
            Parameter("filed", "The request that was just filed or decided."),
        ),
        tab="Requests",
        count="headway.project.pages.requests:open_requests",
        sheets=("requests",),
    ),
    PageRow(
        name="cost",
        address="/cost",
        title="Cost",
        template="cost.html",
        builder="headway.project.pages.cost:cost",
        parameters=(
            Parameter("by", "What it is split by.", ("objective", "owner", "folder")),
            Parameter("objective", "Only what an objective costs; or none:shadow, none:unknown, none:zombie."),
            Parameter("unit", "In which unit, where costs are known in several."),
        ),
        tab="Cost",
        sheets=("cost",),
    ),
    PageRow(
        name="history",
        address="/history",
        title="History",
        template="history.html",
        builder="headway.project.pages.history:history",
        parameters=(
            Parameter("from", "The earlier of two days that are compared, YYYY-MM-DD.", argument="earlier"),
            Parameter("to", "The later one; today without.", argument="later"),
            Parameter("measure", "What is counted.", ("count", "cost")),
            Parameter("every", "How long a period is.", ("week", "month", "quarter")),
        ),
        tab="History",
        sheets=("history",),
    ),
    PageRow(
        name="search",
        address="/search",
        title="Search",
        template="search.html",
        builder="headway.project.pages.search:search",
        parameters=(Parameter("q", "What to look for."),),
        sheets=("search",),
    ),
    PageRow(
        name="health",
        address="/health",
        title="Health",
        template="health.html",
        builder="headway.project.pages.health:health",
        sheets=("health",),
        historic=False,
    ),
)

BY_NAME: Mapping[str, PageRow] = {row.name: row for row in PAGES}

TABS = ("Objectives", "Map", "Triage", "Requests", "Cost", "History")
"""The tabs in their order; one is shown as soon as a page has it."""


def address(page: str, key: str = "", /, **parameters: str) -> str:
    """The address of a page by its name; '' while there is no such page."""
    row = BY_NAME.get(page)
    return row.to(key, **parameters) if row else ""


def resolve(address: str) -> tuple[PageRow, str] | None:
    """The page that an address without its `?` leads to, with the part in braces; None where there is no page."""
    for row in PAGES:
        head, brace, _ = row.address.partition("{")
        if not brace and address == head:
            return row, ""
        if brace and address.startswith(head) and len(address) > len(head):
            return row, unquote(address[len(head) :])
    return None


def count_of(row: PageRow, project: Project) -> int:
    """The number behind a tab's name; 0 shows none.

    A file that cannot be read is told on the page that it is about, and takes no other page away.
    """
    try:
        return int(_function(row.count)(project) or 0) if row.count else 0
    except InputError:
        return 0


def day_of(text: str) -> date | None:
    """The day of `at`; None without one. Raises UsageError."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:LONGEST_VALUE])
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not a date", hint="write at=YYYY-MM-DD") from None


def _checked(parameter: Parameter, value: str) -> str:
    if len(value) > LONGEST_VALUE:
        raise UsageError(f"{parameter.name} is longer than {LONGEST_VALUE} characters")
    if value and parameter.choices and value not in parameter.choices:
        hint = f"write one of {', '.join(parameter.choices)}"
        raise UsageError(f"{parameter.name} cannot be {value[:40]!r}", hint=hint)
    return value


@cache
def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
