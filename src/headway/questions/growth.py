"""Growth: how assets, their use, their cost and their purpose have changed, held against who maintains them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, listed, plural
from headway.errors import UsageError
from headway.graph.census import DAYS, Aim, Asset, Census, Event, Past, Reader, State, Turnover, census
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import make
from headway.questions.registry import Says, Supplied, question

Every = Literal["quarter", "month", "week"]
Told = Annotated[Reader | None, Supplied("past")]

MOST = 120
"""Most periods that are shown at once: ten years of months."""

STEP = 0.25
"""Share by which a cost must have changed to be named."""

_STATES: dict[State, tuple[str, str]] = {
    "serving": ("Serving", "serves an objective"),
    "shadow": ("No goal", "used, serves no objective"),
    "unknown": ("Not known", "serves no objective, use not known"),
    "idle": ("Nobody uses it", "serves no objective"),
}


@question("HW971")
def growth(
    graph: Graph,
    *,
    every: Annotated[Every, Says("How long a period is.")] = "quarter",
    periods: Annotated[int, Says("How many periods to look back, the running one included.")] = 8,
    past: Told = None,
) -> Answer:
    """How have assets, use, cost and alignment grown over time, against the people who maintain them?

    Each row is the last day of a period, the running one as of today. `born` and `retired` are counted since the row
    before: what came less what went is exactly the change of the count. Cost is of the 30 days up to that day.
    Maintainers are the distinct authors of changes to the project in the 91 days before.

    Past periods come from what was synced, and from git where `headway backfill` has read it: marked, since git tells
    neither use nor cost. A day on which a source was connected or lost is named, because the count jumps there for
    another reason than work.
    """
    days = period_ends(graph.as_of, every, min(max(periods, 1), MOST))
    known = past(days) if past else Past()
    rows = [known.censuses[day] for day in days[:-1] if day in known.censuses] + [census(graph)]
    named = [day for day in days[:-1] if day in known.censuses] + [graph.as_of]
    table = _Table(every, tuple(named), tuple(rows), known)
    # Before what git knows there was nothing; before what syncs know, git may know more.
    asked = [day for day in days if rows[0].origin != "git" or day >= named[0]]
    missing = len(asked) - len(rows)
    more = list(known.gaps)
    if missing:
        message = f"nothing is known of {missing:,} of {plural(len(asked), every)}"
        more.append(Gap(topic="history", message=message, hint="headway backfill reads them from git"))
    return make(
        graph,
        "growth",
        "HW971",
        table.headline(),
        table.columns(),
        table.rows(),
        sections=tuple(table.sections(graph)),
        totals=table.totals(),
        gaps=tuple(more),
    )


def period_ends(today: date, every: Every, count: int) -> list[date]:
    """The last days of the periods before today's, oldest first, then today: at most `count` days."""
    found = [today]
    day = today
    while len(found) < count and day > date(1, 12, 31):
        day = _start(day, every) - timedelta(days=1)
        found.append(day)
    return found[::-1]


def _start(day: date, every: Every) -> date:
    if every == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(month=(day.month - 1) // 3 * 3 + 1 if every == "quarter" else day.month, day=1)


def period_name(day: date, every: Every) -> str:
    """`2026-Q3`, `2026-09` or `2026-W38` (ISO 8601): the period of a day."""
    if every == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    if every == "month":
        return f"{day:%Y-%m}"
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


# ---------------------------------------------------------------------- the series


class _Table:
    """The series as rows, and what is told beside it."""

    def __init__(self, every: Every, days: Sequence[date], censuses: Sequence[Census], past: Past) -> None:
        self._every = every
        self._days = days
        self._censuses = censuses
        self._past = past
        self._turns = [Turnover(a, b) for a, b in pairwise(censuses)]
        self._names = [period_name(day, every) for day in days]
        self._units = list(dict.fromkeys(unit for c in censuses for unit in c.units))

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("period", "Period"),
            Column("day", "Day", "date", secondary=True),
            Column("assets", "Assets", "number"),
            Column("born", "Born", "number"),
            Column("retired", "Retired", "number"),
            Column("serving", "Serving", "percent"),
            Column("used", "Used", "number"),
            Column("unused", "Unused", "number"),
            Column("unknown", "Use not known", "number", secondary=True),
            *(Column(_key(unit), f"{unit} in {DAYS} days", "money") for unit in self._units),
            Column("maintainers", "Maintainers", "number"),
            Column("per_maintainer", "Assets each", "number"),
            Column("from", "Read from", secondary=True),
            Column("note", "Note"),
        )

    def rows(self) -> list[Finding]:
        found = []
        for k, (day, one) in enumerate(zip(self._days, self._censuses, strict=True)):
            turn = self._turns[k - 1] if k else None
            count, uses = len(one.assets), one.uses()
            people = self._past.maintainers.get(day)
            values = (
                self._names[k],
                day,
                count,
                len(turn.born) if turn else None,
                len(turn.retired) if turn else None,
                round(one.states()["serving"] / count, 4) if count else None,
                uses["used"],
                uses["unused"],
                uses["unknown"],
                *(_units_of(one.cost(unit)) for unit in self._units),
                people,
                round(count / people, 1) if people else None,
                one.origin,
                self._note(k) or None,
            )
            found.append(Finding(values=values, counts=False))
        return found

    def _note(self, k: int) -> str:
        """What makes the curve jump for another reason than work, and goals that came and went."""
        if not k:
            return ""
        before, after = self._censuses[k - 1], self._censuses[k]
        said = [_event(event) for event in self.jumps(k)]
        said += [f"new objective {after.objectives[o]}" for o in after.objectives if o not in before.objectives]
        said += [f"objective {before.objectives[o]} ended" for o in before.objectives if o not in after.objectives]
        return "; ".join(said[:4]) + (f"; and {len(said) - 4:,} more" if len(said) > 4 else "")

    def jumps(self, k: int) -> list[Event]:
        """Sources that were connected or lost between two rows, with the day where it is known."""
        before, after = self._censuses[k - 1], self._censuses[k]
        start, end = self._days[k - 1], self._days[k]
        found = []
        pairs: tuple[tuple[Literal["connected", "lost"], set[str]], ...] = (
            ("connected", set(after.sources) - set(before.sources)),
            ("lost", set(before.sources) - set(after.sources)),
        )
        for what, names in pairs:
            for name in sorted(names):
                known = [e.day for e in self._past.events if e.source == name and e.what == what]
                days = [day for day in known if day is not None and start < day <= end]
                found.append(Event(max(days, default=None), name, what))
        return found

    def sections(self, graph: Graph) -> Iterator[Answer]:
        """Assets by state, kind and objective; and the days on which the curve jumps."""
        yield self._states(graph)
        kinds = sorted({kind for c in self._censuses for kind in c.kinds()}, key=list(KINDS).index)
        labels = [(kind, KINDS[kind].plural.capitalize()) for kind in kinds]
        yield self._counted(graph, "Assets by kind", labels, lambda c: c.kinds())
        titles = {o: title for c in self._censuses for o, title in c.objectives.items()}
        if titles:
            yield self._counted(graph, "Assets by the objective they serve", list(titles.items()), Census.serving)
        if jumps := [(self._names[k], event) for k in range(1, len(self._days)) for event in self.jumps(k)]:
            rows = [Finding(values=(name, e.day, e.source, e.what), counts=False) for name, e in jumps]
            columns = (
                Column("period", "Period"),
                Column("day", "Day", "date"),
                Column("source", "Source"),
                Column("what", "What"),
            )
            said = "Where the counts jump for another reason than work"
            yield make(graph, "growth", "HW971", said, columns, rows)

    def _states(self, graph: Graph) -> Answer:
        rows = []
        for name, one in zip(self._names, self._censuses, strict=True):
            for state, count in one.states().items():
                share = round(count / len(one.assets), 4) if one.assets else None
                costs = (_units_of(one.cost(unit, state=state)) for unit in self._units)
                rows.append(Finding(values=(name, *_STATES[state], count, share, *costs), counts=False))
        columns = (
            Column("period", "Period"),
            Column("state", "State"),
            Column("meaning", "Meaning", secondary=True),
            Column("assets", "Assets", "number"),
            Column("share", "Share", "percent"),
            *(Column(_key(unit), f"{unit} in {DAYS} days", "money") for unit in self._units),
        )
        return make(graph, "growth", "HW971", "Assets by purpose and use", columns, rows)

    def _counted(
        self, graph: Graph, title: str, labels: Sequence[tuple[str, str]], count: Callable[[Census], dict[str, int]]
    ) -> Answer:
        """One row a period, one column for each of `labels` (key and heading)."""
        columns = (Column("period", "Period"), *(Column(key, label, "number") for key, label in labels))
        rows = []
        for name, one in zip(self._names, self._censuses, strict=True):
            numbers = count(one)
            rows.append(Finding(values=(name, *(numbers.get(key, 0) for key, _ in labels)), counts=False))
        return make(graph, "growth", "HW971", title, columns, rows)

    def headline(self) -> str:
        """The change from the first period that is known to today."""
        last = self._censuses[-1]
        now = plural(len(last.assets), "asset")
        if len(self._censuses) == 1:
            return f"{now} today; nothing earlier is known yet."
        first = self._censuses[0]
        change = len(last.assets) - len(first.assets)
        moved = f"{change:+,} since {self._names[0]}" if change else f"as many as in {self._names[0]}"
        parts = [f"{now}, {moved}"]
        if first.assets and last.assets and (last.objectives or first.objectives):
            was, is_ = (c.states()["serving"] / len(c.assets) for c in (first, last))
            parts.append(f"{is_:.0%} serve an objective ({was:.0%} then)")
        each = [self._past.maintainers.get(day) for day in (self._days[0], self._days[-1])]
        if each[0] and each[1]:
            was, is_ = len(first.assets) / each[0], len(last.assets) / each[1]
            parts.append(f"{is_:,.0f} for each maintainer ({was:,.0f} then)")
        return "; ".join(parts) + "."

    def totals(self) -> dict[str, object]:
        """What came and went over all periods that are known."""
        first, last = self._censuses[0], self._censuses[-1]
        whole = Turnover(first, last)
        return {
            "every": self._every,
            "periods": len(self._censuses),
            "assets": len(last.assets),
            "change": len(last.assets) - len(first.assets),
            "born": len(whole.born),
            "retired": len(whole.retired),
        }


def _event(event: Event) -> str:
    return f"{event.source} {event.what}" + (f" on {event.day}" if event.day else "")


def _key(unit: str) -> str:
    return f"cost_{unit}"


def _units_of(micros: int | None) -> float | None:
    return None if micros is None else micros / 1_000_000


# ---------------------------------------------------------------------- two days


@question("HW972")
def diff(
    graph: Graph,
    *,
    earlier: Annotated[date, Says("A day, as 2026-07-01.", positional=True, metavar="DATE")],
    later: Annotated[date | None, Says("A later day; today without.", positional=True, metavar="DATE")] = None,
    past: Told = None,
) -> Answer:
    """What changed between two days, by name?

    Assets that appeared and vanished; those that began or stopped to serve an objective; whose use became known, began
    or ended; whose cost of 30 days changed by a quarter or more; and targets that were moved. Each change says what was
    before and what is after, so that it reads the same in both directions.
    """
    first, last = sorted((earlier, later or graph.as_of))
    if last > graph.as_of:
        raise UsageError(f"nothing is known of {last}: it lies after {graph.as_of}")
    known = past([day for day in (first, last) if day != graph.as_of]) if past else Past()
    today = census(graph) if last == graph.as_of else None
    before, after = (today if day == graph.as_of else known.censuses.get(day) for day in (first, last))
    if before is None or after is None:
        missing = first if before is None else last
        why = next((gap.message for gap in known.gaps if gap.topic == "history"), "nothing was synced by then")
        raise UsageError(f"nothing is known of {missing}: {why}", hint="headway backfill reads the past from git")
    changes = list(_changes(before, after))
    rows = [Finding(values=tuple(values), node=node, counts=False) for *values, node in changes]
    columns = (
        Column("change", "Change"),
        Column("asset", "Asset"),
        Column("kind", "Kind"),
        Column("before", f"On {first}"),
        Column("after", f"On {last}"),
    )
    counts = {name: sum(row.values[0] == name for row in rows) for name in dict.fromkeys(r.values[0] for r in rows)}
    said = [f"{count:,} {name}" for name, count in counts.items()]
    headline = f"Between {first} and {last}: {listed(said, 8)}." if said else f"{first} and {last} do not differ."
    more = [*known.gaps, *_caveats(before, after)]
    totals = {"changes": len(rows), "assets_before": len(before.assets), "assets_after": len(after.assets), **counts}
    return make(graph, "diff", "HW972", headline, columns, rows, totals=totals, gaps=tuple(more))


_Row = tuple[str, str, str, str | None, str | None, str]
"""Change, name, kind, before, after, id."""


def _changes(before: Census, after: Census) -> Iterator[_Row]:
    """Everything that differs, one kind of change after the other, each by name."""
    turn = Turnover(before, after)
    stayed = sorted(turn.stayed(), key=lambda pair: (pair[1].name, pair[1].id))
    for asset in sorted(turn.born, key=lambda a: (a.name, a.id)):
        yield "appeared", asset.name, _kind(asset), None, _said(after, asset), asset.id
    for asset in sorted(turn.retired, key=lambda a: (a.name, a.id)):
        yield "vanished", asset.name, _kind(asset), _said(before, asset), None, asset.id
    yield from _served(before, after, stayed)
    for word, use in (("became used", "used"), ("became unused", "unused"), ("use no longer known", "unknown")):
        for was, is_ in stayed:
            if is_.use == use and was.use != use:
                yield word, is_.name, _kind(is_), _USES[was.use], _USES[is_.use], is_.id
    yield from _dearer(before, after, stayed)
    yield from _aims(before, after)


_USES = {"used": "used", "unused": "unused", "unknown": "not known"}


def _kind(asset: Asset) -> str:
    return asset.kind.replace("_", " ")


def _said(one: Census, asset: Asset) -> str:
    """What is to be said of an asset that the other side has not."""
    goals = listed([one.objectives.get(o, o) for o in asset.serves]) or "no objective"
    return f"serves {goals}" + (f", {asset.use}" if asset.use != "unknown" else "")


def _served(before: Census, after: Census, stayed: Sequence[tuple[Asset, Asset]]) -> Iterator[_Row]:
    titles = {**before.objectives, **after.objectives}
    for word, one, other in (("began to serve", 1, 0), ("stopped serving", 0, 1)):
        for pair in stayed:
            gone = [o for o in pair[one].serves if o not in pair[other].serves]
            if gone:
                said = listed([titles.get(o, o) for o in gone])
                sides = (None, said) if one else (said, None)
                yield word, pair[1].name, _kind(pair[1]), *sides, pair[1].id


def _dearer(before: Census, after: Census, stayed: Sequence[tuple[Asset, Asset]]) -> Iterator[_Row]:
    """Costs that changed by STEP or more of the larger of the two."""
    for unit in after.units:
        for was, is_ in stayed:
            old, new = before.cost_of(was, unit), after.cost_of(is_, unit)
            if old is None or new is None or abs(new - old) < STEP * max(old, new, 1):
                continue
            word = "costs more" if new > old else "costs less"
            yield word, is_.name, _kind(is_), _amount(old, unit), _amount(new, unit), is_.id


def _amount(micros: int, unit: str) -> str:
    return f"{micros / 1_000_000:,.2f} {unit}"


def _aims(before: Census, after: Census) -> Iterator[_Row]:
    """Key results that came, went or were aimed elsewhere."""
    old, new = ({aim.id: aim for aim in one.aims} for one in (before, after))
    for id_ in sorted(old.keys() | new.keys()):
        was, is_ = old.get(id_), new.get(id_)
        aim = is_ or was
        if aim is None or was == is_:
            continue
        if was is None or is_ is None:
            word = "key result added" if was is None else "key result ended"
            sides = (_aimed(was) if was else None, _aimed(is_) if is_ else None)
            yield word, aim.name, "key result", *sides, id_
        elif _aimed(was) != _aimed(is_):
            yield "target moved", aim.name, "key result", _aimed(was), _aimed(is_), id_


def _aimed(aim: Aim) -> str:
    """A target in words: `from 10 to 20 by 2026-12-31`."""
    if aim.low is not None or aim.high is not None:
        low = [f"at least {aim.low:g}"] if aim.low is not None else []
        said = " and ".join(low + ([f"at most {aim.high:g}"] if aim.high is not None else []))
    else:
        parts = [f"from {aim.baseline:g}" if aim.baseline is not None else ""]
        parts.append(f"to {aim.target:g}" if aim.target is not None else "")
        said = " ".join(part for part in parts if part) or "no target"
    return said + (f" by {aim.due}" if aim.due else "")


def _caveats(before: Census, after: Census) -> Iterator[Gap]:
    """Reasons for a change that are no work."""
    if before.origin != after.origin:
        git = before if before.origin == "git" else after
        message = f"what is known of {git.day} is from git, which tells neither use nor cost"
        yield Gap(topic="history", message=message)
    for word, names in (
        ("connected", set(after.sources) - set(before.sources)),
        ("lost", set(before.sources) - set(after.sources)),
    ):
        if names:
            verb = "was" if len(names) == 1 else "were"
            message = f"{listed(sorted(names))} {verb} {word} in between; what it tells came or went with it"
            yield Gap(topic="history", message=message)
