"""Statements made at random, each with the tables it reads, in the SQL that PostgreSQL and DuckDB share.

They aim at what makes names hard: temporary names that hide tables, or that are out of scope; names in quotes, in other
case, with a schema; FROM inside functions, comments and texts; aliases that are also tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

Name = tuple[str, ...]

PLAIN = ("orders", "customers", "order_lines", "events_20261101", "payments", "calendar", "refunds", "plans")
QUOTED = ("Order Lines", "select", "größe", "2026", 'the "best"')
SCHEMAS = ("shop", "finance", "Raw Data")
DATABASES = ("analytics", "Prod 1")
NOISE = (
    "-- from nowhere\n",
    "/* join elsewhere on 1 = 1 */",
    "/* ' -- */",
    "/**/",
    "\n\t",
)
NO_TABLES = ("generate_series(1, 3)", "(values (1, 'from x'), (2, ''))", "unnest(array[1, 2])")
SCALARS = (
    "extract(day from a.made)",
    "substring(a.code from 2 for 3)",
    "trim(both 'x' from a.code)",
    "'select * from hidden -- '",
    "'it''s from \"x\"'",
    "case when a.n is distinct from 3 then 1.5e3 end",
    "sum(a.n) over (partition by a.code order by a.made rows between 1 preceding and current row)",
    "a.n in (1, 2, 3)",
    "(a.made - interval '3 days')::date",
    "count(*) filter (where a.n > 0)",
)


@dataclass
class Statement:
    """One statement: its text, and the folded parts of every table it reads."""

    text: str
    tables: frozenset[Name]


@dataclass
class Writer:
    """Writes statements; `read` collects the tables."""

    random: Random
    read: set[Name] = field(default_factory=set)
    aliases: int = 0

    def statement(self) -> Statement:
        text = self.query(frozenset(), self.random.randint(1, 4))
        if self.random.random() < 0.3:
            text += " order by 1 limit 10"
        return Statement(text, frozenset(self.read))

    def query(self, scope: frozenset[str], depth: int) -> str:
        """A query that may have temporary names, and be several by UNION and the like."""
        start = ""
        if depth and self.chance(0.5):
            start, scope = self.temporary(scope, depth)
        parts = [self.select(scope, depth)]
        while depth and self.chance(0.2):
            nested = self.query(scope, depth - 1)
            parts += [self.random.choice(("union all", "union", "except", "intersect")), f"({nested})"]
        return f"{start}{' '.join(parts)}"

    def temporary(self, scope: frozenset[str], depth: int) -> tuple[str, frozenset[str]]:
        """A WITH and the scope after it. A body sees the names before it; its own only when it is recursive."""
        if self.chance(0.15):
            name = self.random.choice(PLAIN)
            first, second = self.select(scope | {name}, 0), self.table(scope | {name})
            written = f"{name}(n) as ({first} union all select n + 1 from {self.case(name)} a cross join {second} b)"
            return f"with recursive {written} ", scope | {name}
        bodies = []
        for name in self.random.sample(PLAIN, self.random.randint(1, 3)):
            columns = "(n, made)" if self.chance(0.1) else ""
            kind = " materialized" if self.chance(0.1) else ""
            bodies.append(f"{self.case(name)}{columns} as{kind} ({self.query(scope, depth - 1)})")
            scope |= {name}
        return f"with{self.space()}{', '.join(bodies)}{self.space()}", scope

    def select(self, scope: frozenset[str], depth: int) -> str:
        """One SELECT without WITH of its own."""
        items = self.random.sample(SCALARS, self.random.randint(1, 3))
        if depth and self.chance(0.2):
            items.append(f"(select max(n) from ({self.query(scope, depth - 1)}) as q{self.fresh()})")
        text = f"select{self.space()}{', '.join(items)} from{self.space()}{self.source(scope, depth)} as a"
        for _ in range(self.random.randint(0, 2)):
            alias = self.random.choice((*PLAIN, "b")) if self.chance(0.4) else f"t{self.fresh()}"
            text += self.join(scope, depth, alias)
        conditions = ["a.n > 0"]
        if depth and self.chance(0.3):
            kind = self.random.choice(("exists", "not exists", "a.n in", "a.n = any"))
            conditions.append(f"{kind} ({self.query(scope, depth - 1)})")
        return f"{text} where {' and '.join(conditions)}"

    def join(self, scope: frozenset[str], depth: int, alias: str) -> str:
        """One more source."""
        if depth and self.chance(0.15):
            return f" cross join lateral ({self.query(scope, depth - 1)}) as {alias}"
        source = self.source(scope, depth)
        if self.chance(0.2):
            return f", {source} as {alias}"
        if self.chance(0.2):
            return f" join {source} as {alias} using (n)"
        kind = self.random.choice(("join", "left join", "full outer join", "LEFT\nJOIN"))
        return f" {kind} {source} as {alias} on {alias}.n = a.n"

    def source(self, scope: frozenset[str], depth: int) -> str:
        """A table, a query in parentheses, a function or a list of values."""
        if depth and self.chance(0.25):
            return f"({self.query(scope, depth - 1)})"
        if self.chance(0.08):
            return self.random.choice(
                ("generate_series(1, 3)", "(values (1, 'from x'), (2, ''))", "unnest(array[1, 2])")
            )
        return self.table(scope)

    def table(self, scope: frozenset[str]) -> str:
        """The written name of a table, or of a temporary name when one without a schema is in scope."""
        name: Name = (self.random.choice(PLAIN if self.chance(0.8) else QUOTED),)
        if self.chance(0.35) or '"' in name[0]:  # alone, a name with a quote in it is one of the corners
            name = (self.random.choice(SCHEMAS), *name)
            if self.chance(0.3):
                name = (self.random.choice(DATABASES), *name)
        if len(name) > 1 or name[0] not in scope:
            self.read.add(tuple(part.lower() for part in name))
        space = self.space() if self.chance(0.1) else ""
        return f"{space}.".join(self.written(part) for part in name)

    def written(self, part: str) -> str:
        """An identifier, in quotes where it needs them and at times where it does not."""
        if part.isidentifier() and part.isascii() and part == part.lower() and part != "select":
            return f'"{part}"' if self.chance(0.15) else self.case(part)
        return '"' + part.replace('"', '""') + '"'

    def case(self, name: str) -> str:
        return self.random.choice((name, name, name, name.upper(), name.title()))

    def space(self) -> str:
        return f" {self.random.choice(NOISE)} " if self.chance(0.15) else " "

    def fresh(self) -> int:
        self.aliases += 1
        return self.aliases

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def statements(count: int) -> dict[str, Statement]:
    """`count` statements by name, the same at each call."""
    return {f"generated/{seed:04}": Writer(Random(seed)).statement() for seed in range(count)}
