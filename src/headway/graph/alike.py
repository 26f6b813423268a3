"""Which measures are the same thing defined twice, and which share a name and mean different things.

Measures are sorted by their meaning (see graph.meaning) into dictionaries; no two are ever compared on their own, so
ten thousand charts are sorted in the time it takes to read them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headway.graph.meaning import Meaning, Meanings, mentions

if TYPE_CHECKING:
    from headway.graph.graph import Graph

Relation = Literal["identical", "same meaning, other names", "same name, other meaning", "near"]

_ANY_NAME = frozenset("amount average avg count max min number records rows sum total value".split())  # noqa: SIM905
"""Names that every view has a measure of; that two of them differ says nothing."""
_WORD = re.compile(r"[^\W_]+")
_MOST_SAID = 4
"""Meanings of a group that a difference tells of."""


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that are the same, or nearly, or only in name."""

    relation: Relation
    members: tuple[Meaning, ...]
    parts: tuple[tuple[Meaning, ...], ...]
    """The members by meaning; one part where all mean the same."""
    differs: tuple[str, ...] = ()
    """In what the parts differ: `filter status`, `window`, `time`, `expression`, `table`."""
    difference: str = ""
    """The same, spelled out."""
    sure: bool = True
    """Every member is read from a definition; otherwise as far as its aggregate and its columns tell."""


def alike(graph: Graph) -> list[Group]:
    """Groups of two and more measures: the same ones, those with one name, then those that are near."""
    meanings = Meanings(graph)
    sorted_ = _Sorted(graph, meanings)
    same = [g for part in sorted_.parts if (g := _same(graph, part)) is not None]
    named = list(sorted_.named())
    told = {frozenset(m.node for m in g.members) for g in named}
    near = [g for g in sorted_.near() if frozenset(m.node for m in g.members) not in told]
    return [*same, *named, *near]


class _Sorted:
    """Every measure in the part of those that mean the same."""

    def __init__(self, graph: Graph, meanings: Meanings) -> None:
        self._graph = graph
        self._meanings = meanings
        forms: dict[str, list[Meaning]] = defaultdict(list)
        for meaning in meanings.all:
            forms[meaning.form].append(meaning)
        self._forms = {form: list(_parts(found)) for form, found in forms.items()}
        self.parts = [part for parts in self._forms.values() for part in parts]

    def named(self) -> Iterator[Group]:
        """Names under which different things are measured."""
        names: dict[str, dict[int, list[Meaning]]] = defaultdict(dict)
        for k, part in enumerate(self.parts):
            for meaning in part:
                for name in _names(self._graph, meaning):
                    names[name].setdefault(k, []).append(meaning)
        for _, found in sorted(names.items()):
            parts = [tuple(found[k]) for k in sorted(found)]
            if len(parts) > 1 and _surely_differ(parts):
                yield self._group("same name, other meaning", parts)

    def near(self) -> Iterator[Group]:
        """The same aggregate with another filter, window or time; then what is computed otherwise, or elsewhere."""
        for parts in self._forms.values():
            defined = [part for part in parts if any(m.exact or m.name for m in part)]
            if len(parts) > 1 and defined:
                yield self._group("near", parts)
        heads: dict[str, Meaning] = {form: parts[0][0] for form, parts in self._forms.items()}
        yield from self._by("expression", heads, lambda m: (m.functions, m.places) if m.places else None)
        yield from self._by("table", heads, lambda m: (m.functions, self._meanings.roots(m)) if m.places else None)

    def _by(self, what: str, heads: Mapping[str, Meaning], key: Callable[[Meaning], object]) -> Iterator[Group]:
        """Forms that share a key and are not equal: they differ in `what`."""
        found: dict[object, list[str]] = defaultdict(list)
        for form, head in heads.items():
            shared = key(head)
            if shared is not None:
                found[shared].append(form)
        for forms in found.values():
            tables = {frozenset(node for node, _ in heads[form].places) for form in forms}
            if len(forms) > 1 and (len(tables) > 1) == (what == "table"):
                parts = [part for form in forms for part in self._forms[form]]
                if any(m.exact or m.name for part in parts for m in part):
                    yield self._group("near", parts, what)

    def _group(self, relation: Relation, parts: Sequence[tuple[Meaning, ...]], what: str = "") -> Group:
        members = tuple(m for part in parts for m in part)
        differs, words = _difference(self._graph, parts, what)
        return Group(relation, members, tuple(parts), differs, words, all(m.exact for m in members))


def _parts(measures: Sequence[Meaning]) -> Iterator[tuple[Meaning, ...]]:
    """Measures of one form by what they keep to.

    What is not known of a chart is taken to be as in the one definition that it fits: of the columns that definitions
    filter by, it looks at those. Where it fits several, or none, it stays on its own.
    """
    exact: dict[tuple[frozenset[str], str], dict[str, list[Meaning]]] = defaultdict(lambda: defaultdict(list))
    for m in measures:
        if m.exact:
            exact[m.filters, m.window][m.time].append(m)
    parts: list[list[Meaning]] = []
    for times in exact.values():
        known = [time for time in times if time]
        if len(known) == 1 and "" in times:
            times[known[0]] += times.pop("")
        parts += times.values()
    fits: dict[tuple[frozenset[str], bool], list[int]] = defaultdict(list)
    for k, part in enumerate(parts):
        fits[part[0].filter_columns, bool(part[0].window)].append(k)
    asked = frozenset(column for part in parts for column in part[0].filter_columns)
    open_: dict[tuple[frozenset[str], str], list[Meaning]] = defaultdict(list)
    for m in measures:
        if not m.exact:
            seen = m.filter_columns & asked
            found = fits.get((seen, bool(m.window)), ())
            if len(found) == 1:
                parts[found[0]].append(m)
            else:
                open_[seen, m.window].append(m)
    parts += open_.values()
    yield from (tuple(sorted(part, key=lambda m: (not m.exact, m.node))) for part in parts)


def _same(graph: Graph, part: Sequence[Meaning]) -> Group | None:
    """Several measures that mean the same; None for one alone."""
    if len({m.node for m in part}) < 2:
        return None
    named = [_names(graph, m) for m in part if m.name]
    one_name = not named or bool(frozenset.intersection(*named))
    relation: Relation = "identical" if one_name else "same meaning, other names"
    return Group(relation, tuple(part), (tuple(part),), sure=all(m.exact for m in part))


def _surely_differ(parts: Sequence[Sequence[Meaning]]) -> bool:
    """Some two of the parts mean different things, whatever is not known of them."""
    exact = [part for part in parts if any(m.exact for m in part)]
    return len(exact) > 1 or len({(part[0].functions, part[0].places) for part in parts}) > 1


def _names(graph: Graph, meaning: Meaning) -> frozenset[str]:
    """What a measure is called, in lower case words; nothing for what has no name of its own, or one that all have."""
    if not meaning.name:
        return frozenset()
    texts = (meaning.name, graph.nodes[meaning.node].title)
    found = {" ".join(_WORD.findall(text.lower().replace("_", " "))) for text in texts if text}
    return frozenset(found - _ANY_NAME - {""})


# --- In what they differ ---------------------------------------------------------------------------------------------


def _difference(graph: Graph, parts: Sequence[Sequence[Meaning]], what: str = "") -> tuple[tuple[str, ...], str]:
    """In what some parts differ, `what` where that is known, and the same spelled out."""
    heads = [part[0] for part in parts]
    if len({m.form for m in heads}) > 1:
        return (what or "what is measured",), _said(graph, heads, lambda m: f"is {_in_words(m)}")
    differs: list[str] = []
    everywhere = frozenset.intersection(*(m.filters for m in heads))
    columns = frozenset[str]().union(*(m.filter_columns for m in heads))
    apart = {c for c in columns if len({_about(m, c) for m in heads}) > 1}
    if apart or len({m.filters for m in heads}) > 1:
        names = sorted(c.rpartition(".")[2] for c in apart)
        differs.append(" ".join(filter(None, ("filter", ", ".join(names)))))
    if len({m.window for m in heads}) > 1:
        differs.append("window")
    if len({m.time for m in heads if m.exact}) > 1:
        differs.append("time")

    def said(m: Meaning) -> str:
        words = []
        if differs and differs[0].startswith("filter"):
            words.append(_kept(m, everywhere))
        if "window" in differs:
            words.append(m.window or "of each period alone")
        if "time" in differs and m.exact:
            words.append(f"dated by {m.time}" if m.time else "not dated")
        return ", ".join(words)

    return tuple(differs), _said(graph, heads, said)


def _about(meaning: Meaning, column: str) -> frozenset[str]:
    """What a measure asks of a column."""
    if not meaning.exact:
        return frozenset({"?"} if column in meaning.filter_columns else ())
    return frozenset(f for f in meaning.filters if mentions(f, column))


def _kept(meaning: Meaning, everywhere: frozenset[str]) -> str:
    if not meaning.exact and meaning.filter_columns:
        return f"keeps to some {', '.join(sorted(meaning.filter_columns))}"
    more = sorted(meaning.filters - everywhere)
    if not more:
        return "keeps to nothing else" if everywhere else "takes all rows"
    return "keeps to " + " and ".join(more)


def _in_words(meaning: Meaning) -> str:
    """A meaning in one line: what is aggregated, and what it keeps to."""
    kept = f" where {' and '.join(sorted(meaning.filters))}" if meaning.filters else ""
    return f"{meaning.form}{kept}" + (f", {meaning.window}" if meaning.window else "")


def _said(graph: Graph, heads: Iterable[Meaning], words: Callable[[Meaning], str]) -> str:
    listed = list(heads)
    called = [graph.nodes[m.node].name if m.name else graph.nodes[m.node].label for m in listed]
    if len(set(called)) < len(called):
        called = [graph.nodes[m.node].id for m in listed]
    told = [f"{name}: {words(m)}" for name, m in zip(called[:_MOST_SAID], listed, strict=False)]
    rest = len(listed) - len(told)
    return "; ".join(told) + (f"; and {rest:,} more" if rest else "")
