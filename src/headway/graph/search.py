"""Search over everything in a graph: which assets and goals a text is about, best first, misspelt words included.

A node is a document of fields: what it is called, its tags, description, columns, charts, metrics, owner, and the goals
that it is bound to or shows. Names are split at underscores, dots, blanks and capitals, accents and case are dropped,
and a plural is found by its singular.

Ranking is BM25 over fields that are weighted before they are put together (Robertson, Zaragoza and Taylor, "Simple BM25
extension to multiple weighted fields", 2004). A word that no node has stands for the words that begin with it, or that
share its character trigrams and are a slip or two away from it (optimal string alignment), at a discount.

The index is made once for a graph and lives as long as that; a search then reads the postings of its words alone.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from headway.graph.model import KINDS

if TYPE_CHECKING:
    from headway.graph.graph import Graph

FIELDS: Mapping[str, float] = {
    "name": 3.0,
    "title": 3.0,
    "metric": 1.5,
    "chart": 1.5,
    "goal": 1.0,
    "tag": 1.0,
    "description": 1.0,
    "column": 1.0,
    "owner": 1.0,
    "kind": 0.5,
}
"""How much one mention counts for, by where it stands."""

K1 = 1.2
"""How soon more mentions of a word stop to matter (the usual value)."""
B = 0.5
"""How much a long document is held against its words; below the usual 0.75: a wide table is about all its columns."""

LONGEST_TEXT = 2_000
"""Characters of a description, or of what is searched for, that are looked at."""
_MOST_WORDS = 40
_MOST_COLUMNS = 500
_MOST_NEIGHBOURS = 50
_MOST_NEAR = 24
"""Words of the graph that one word of a search stands for at most."""

_PREFIX = 3
"""Letters from which a word also stands for those that it begins."""
_SLIP = 0.75
"""What a misspelt word counts for, with one slip; less with two."""
_FILLER_WEIGHT = 0.1
_FILLER = """
    a all also an and annual any are as at be build built by can chart could create daily dashboard data day do
    does each every existing for from get give has have how i in into is it its kpi like made make me metric month
    monthly more my need new of on one or our out over overview per please quarter quarterly report see show
    showing shows so some than that the their them there these they this time to total track tracking us view want
    we week weekly what when where which who why will with would year yearly you your
"""
"""Words that say little of what something is about: they put hits in order, and nothing more."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """One node that a text is about."""

    node: int
    """Node index."""
    score: float
    """BM25; says which of two hits of one search is better, and nothing more."""
    coverage: float
    """0..1: how much of what the text says the node says as well. A word counts 1 more than its rarity
    (inverse document frequency), and filler for nothing where there is any other word."""
    where: tuple[str, ...]
    """Fields that said so, keys of FIELDS in that order."""
    missing: tuple[str, ...]
    """Words of the text, as they were written, that the node does not say; those that say little left out."""


@lru_cache(maxsize=4)
def index_of(graph: Graph) -> Index:
    """The index of a graph, made when it is first asked for."""
    return Index(graph)


class Index:
    """Everything in a graph by its words. Immutable; safe to be read by several threads."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._names: dict[str, list[int]] = defaultdict(list)
        self._postings: dict[str, _Postings] = defaultdict(_Postings)
        self._size = array("f", bytes(4 * len(graph.nodes)))
        """Per node, the words of its document by their weights."""
        goals = _goals_said(graph)
        for i, node in enumerate(graph.nodes):
            for text in {node.name, node.title} - {""}:
                self._names[" ".join(words(text))].append(i)
            self._add(i, _document(graph, i, goals.get(i, ())))
        count = max(len(graph.nodes), 1)
        mean = sum(self._size) / count or 1.0
        length = [K1 * (1 - B + B * size / mean) for size in self._size]
        for postings in self._postings.values():
            postings.weigh(length)
        self._count = count
        self._vocabulary = sorted(self._postings)
        self._trigrams: dict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(self._vocabulary):
            for gram in _trigrams(word):
                self._trigrams[gram].append(number)

    def _add(self, node: int, document: Iterable[tuple[int, Sequence[str]]]) -> None:
        weights: dict[str, float] = {}
        fields: dict[str, int] = {}
        size = 0.0
        for field, said in document:
            weight = _WEIGHTS[field]
            size += weight * len(said)
            for word in said:
                weights[word] = weights.get(word, 0.0) + weight
                fields[word] = fields.get(word, 0) | 1 << field
        self._size[node] = size
        for word, weight in weights.items():
            self._postings[word].append(node, weight, fields[word])

    def find(self, text: str, *, kinds: Collection[str] = (), limit: int = 20, least: float = 0.0) -> tuple[Hit, ...]:
        """What a text is about, best first: at most `limit` nodes of `kinds` (keys of KINDS; all without any).

        `least` leaves out what covers less of the text. A node that is called exactly so comes first. A text without a
        letter or digit finds nothing; only its first 2,000 characters and 40 words are looked at.
        """
        asked = _asked(text)
        if not asked:
            return ()
        scores: dict[int, float] = {}
        nothing = all(map(_says_little, asked))
        telling: list[_Word] = []
        for word, written in asked.items():
            near = self._near(word)
            tells = nothing or not _says_little(word)
            if tells:
                rarest = max((self._rarity(w) * share for w, share in near.items()), default=self._rarity(""))
                telling.append(_Word(written, near, 1 + rarest))
            self._score(near, 1.0 if tells else _FILLER_WEIGHT, scores)
        exact = set(self._names.get(" ".join(asked), ()))
        nodes, wanted = self._graph.nodes, frozenset(kinds)
        found = [n for n in scores if nodes[n].kind in wanted] if wanted else list(scores)

        def place(n: int) -> tuple[bool, float, str]:
            return n not in exact, -round(scores[n], 6), nodes[n].id

        ordered = sorted(found, key=place) if least else nsmallest(limit, found, key=place)
        hits = (self._hit(n, scores[n], telling) for n in ordered)
        return tuple(islice((hit for hit in hits if hit.coverage >= least), limit))

    def _score(self, near: Mapping[str, float], factor: float, scores: dict[int, float]) -> None:
        """Add what one word of a search is worth to each node that has it, or the best that it stands for."""
        if len(near) == 1:
            ((word, share),) = near.items()
            worth = factor * share * self._rarity(word)
            postings = self._postings[word]
            for node, impact in zip(postings.nodes, postings.impacts, strict=True):
                scores[node] = scores.get(node, 0.0) + worth * impact
            return
        best: dict[int, float] = {}
        for word, share in near.items():
            worth = factor * share * self._rarity(word)
            postings = self._postings[word]
            for node, impact in zip(postings.nodes, postings.impacts, strict=True):
                if worth * impact > best.get(node, 0.0):
                    best[node] = worth * impact
        for node, score in best.items():
            scores[node] = scores.get(node, 0.0) + score

    def _hit(self, node: int, score: float, telling: Sequence[_Word]) -> Hit:
        """How much of what is asked a node covers, and where; only worked out for nodes that are shown."""
        covered, fields = 0.0, 0
        missing = []
        for word in telling:
            share = 0.0
            for near, counts in word.near.items():
                if (mask := self._postings[near].fields_of(node)) is not None:
                    share = max(share, counts)
                    fields |= mask
            covered += word.worth * share
            if not share:
                missing.append(word.written)
        whole = sum(word.worth for word in telling)
        where = tuple(name for k, name in enumerate(FIELDS) if fields >> k & 1)
        return Hit(node, round(score, 3), round(min(covered / whole, 1.0), 3), where, tuple(missing))

    def _rarity(self, word: str) -> float:
        """Inverse document frequency, as BM25 has it; never below zero. '' is a word that no node has."""
        having = len(self._postings[word].nodes) if word in self._postings else 0
        return log(1 + (self._count - having + 0.5) / (having + 0.5))

    def _near(self, word: str) -> dict[str, float]:
        """Words of the graph that one word of a search stands for, each with what it counts for, 0..1."""
        found = {word: 1.0} if word in self._postings else {}
        if len(word) >= _PREFIX:
            start = bisect_left(self._vocabulary, word)
            for other in self._vocabulary[start : start + _MOST_NEAR]:
                if not other.startswith(word):
                    break
                found.setdefault(other, 0.5 + 0.5 * len(word) / len(other))
        return found or self._alike(word)

    def _alike(self, word: str) -> dict[str, float]:
        """Words that this one is a slip of: one up to seven letters, two from eight."""
        if len(word) < 4 or not any(c.isalpha() for c in word):
            return {}
        slips = 1 if len(word) < 8 else 2
        shared: dict[int, int] = defaultdict(int)
        for gram in _trigrams(word):
            for number in self._trigrams.get(gram, ()):
                shared[number] += 1
        likely = sorted(shared, key=lambda n: (-shared[n], self._vocabulary[n]))[: 4 * _MOST_NEAR]
        found: dict[str, float] = {}
        for number in likely:
            other = self._vocabulary[number]
            if abs(len(other) - len(word)) <= slips and (far := _distance(word, other, slips)) <= slips:
                found[other] = _SLIP**far
        return dict(sorted(found.items(), key=lambda item: -item[1])[:_MOST_NEAR])


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a search that says something."""

    written: str
    near: Mapping[str, float]
    """Words of the graph that it stands for, each with what it counts for."""
    worth: float
    """What it counts for among the words of the search."""


class _Postings:
    """The nodes that have a word, in order; what it is worth in each, and the fields it stands in as bits."""

    __slots__ = ("fields", "impacts", "nodes")

    def __init__(self) -> None:
        self.nodes = array("i")
        self.impacts = array("f")
        self.fields = array("H")

    def append(self, node: int, weight: float, fields: int) -> None:
        self.nodes.append(node)
        self.impacts.append(weight)
        self.fields.append(fields)

    def weigh(self, length: Sequence[float]) -> None:
        """Turn the weighted mentions of the word into what BM25 makes of them in documents of these lengths."""
        impacts = (w * (K1 + 1) / (w + length[node]) for node, w in zip(self.nodes, self.impacts, strict=True))
        self.impacts = array("f", impacts)

    def fields_of(self, node: int) -> int | None:
        """The fields in which a node has the word; None where it has not."""
        at = bisect_left(self.nodes, node)
        return self.fields[at] if at < len(self.nodes) and self.nodes[at] == node else None


# ---------------------------------------------------------------------- documents

_WEIGHTS = tuple(FIELDS.values())
_FIELD = {name: number for number, name in enumerate(FIELDS)}


def _document(graph: Graph, i: int, goals: Sequence[int]) -> Iterator[tuple[int, Sequence[str]]]:
    """The fields of a node, by number, with their words."""
    node = graph.nodes[i]
    yield _FIELD["name"], words(node.name)
    if node.title and node.title != node.name:
        yield _FIELD["title"], words(node.title)
    yield _FIELD["kind"], words(node.kind)
    for owner in {node.owner, node.group} - {""}:
        yield _FIELD["owner"], words(owner)
    for tag in node.tags:
        yield _FIELD["tag"], words(tag)
    if node.description:
        yield _FIELD["description"], words(node.description[:LONGEST_TEXT])
    for column in _columns(graph).get(node.id, ()):
        yield _FIELD["column"], words(column)
    for goal in goals:
        yield _FIELD["goal"], words(graph.nodes[goal].label)
    for other in _beside(graph, i):
        name = "metric" if KINDS[graph.nodes[other].kind].band == "metric" else "chart"
        yield _FIELD[name], words(graph.nodes[other].label)


def _beside(graph: Graph, i: int) -> list[int]:
    """Metrics one step up or down of a node, and the charts that a dashboard has."""
    near = [u for u in graph.upstream[i] if KINDS[graph.nodes[u].kind].band in {"metric", "dashboard"}]
    near += [d for d in graph.downstream[i] if KINDS[graph.nodes[d].kind].band == "metric"]
    return near[:_MOST_NEIGHBOURS]


def _goals_said(graph: Graph) -> Mapping[int, Sequence[int]]:
    """Node -> goals that it says something about: an asset those it computes directly or shows, a goal those above."""
    said: dict[int, list[int]] = defaultdict(list)
    for bound in (graph.fed_by, graph.shown_on, graph.parts):
        for goal, nodes in bound.items():
            for node in nodes:
                if goal not in said[node]:
                    said[node].append(goal)
    return said


@lru_cache(maxsize=2)
def _columns(graph: Graph) -> Mapping[str, Sequence[str]]:
    """Node id -> its columns, where somebody followed them."""
    return {lineage.node: tuple(lineage.columns)[:_MOST_COLUMNS] for lineage in graph.column_lineage}


# ---------------------------------------------------------------------- words


@lru_cache(maxsize=1 << 16)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in order, as they are compared: lower case, without accents, singular."""
    return tuple(_folded(word) for word in _WORD.findall(_CAPITAL.sub(" ", text)))


@lru_cache(maxsize=1 << 14)
def telling(text: str) -> frozenset[str]:
    """The words of a text that say what it is about; all of them where none does."""
    said = frozenset(words(text[:LONGEST_TEXT]))
    return frozenset(word for word in said if not _says_little(word)) or said


def subject(text: str) -> tuple[str, ...]:
    """The words of a text that say what it is about, as they were written, each once."""
    asked = _asked(text)
    return tuple(w for folded, w in asked.items() if not _says_little(folded)) or tuple(asked.values())


def _says_little(word: str) -> bool:
    """Filler, a single letter, a bare number."""
    return word in _FOLDED_FILLER or len(word) == 1 or word.isdigit()


def _asked(text: str) -> dict[str, str]:
    """The words that are searched for, each as it was written."""
    found: dict[str, str] = {}
    for written in _WORD.findall(_CAPITAL.sub(" ", text[:LONGEST_TEXT])):
        found.setdefault(_folded(written), written)
        if len(found) >= _MOST_WORDS:
            break
    return found


@lru_cache(maxsize=1 << 16)
def _folded(word: str) -> str:
    word = word.casefold()
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return _singular(word)


def _singular(word: str) -> str:
    """`plan` of plans, `company` of companies; words in -ss, -us and -is stay."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


_FOLDED_FILLER = frozenset(_folded(word) for word in _FILLER.split())


def _trigrams(word: str) -> set[str]:
    """Three letters at a time, two blanks before and one after: how a word begins counts for more."""
    padded = f"  {word} "
    return {padded[k : k + 3] for k in range(len(padded) - 2)}


def _distance(one: str, other: str, most: int) -> int:
    """Letters to insert, leave out, replace or swap with the next; more than `most` where it would be more.

    Optimal string alignment: Damerau's four slips, none of them twice at one place.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row = row, [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = last
    return row[-1]
