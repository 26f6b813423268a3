"""Searching a project of a given size, beside SQLite's full-text search over the same documents.

    python -m bench.search index FOLDER     make the index
    python -m bench.search find FOLDER      ask for SEARCHES texts, the index made
    python -m bench.search fts FOLDER       the same with FTS5, its index made, in memory
    python -m bench.search fts-index FOLDER

Prints one JSON line with `cpu`, the CPU seconds of the part that is named.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.manifest import AS_OF

SEARCHES = 300
_SLIPS = 10
"""One search in so many has a letter wrong."""


def graph_of(folder: str) -> Any:
    """The graph of a generated project."""
    from headway.project import Project

    place = Path(folder)
    project = Project.stateless(
        manifest=place / "manifest.json", goals=place / "goals.yml", directory=place, as_of=AS_OF
    )
    return project.graph()


def texts(graph: Any) -> list[str]:
    """What people might ask for: words of a name with words of another, now and then misspelt."""
    chance = random.Random(7)
    names = [node.label.replace("_", " ") for node in graph.nodes]
    found = []
    for number in range(SEARCHES):
        words = " ".join(chance.choice(names) for _ in range(2)).split()
        text = " ".join(chance.sample(words, min(3, len(words))))
        found.append(text[:-2] + "q" + text[-1] if number % _SLIPS == 0 and len(text) > 6 else text)
    return found


def timed(work: Callable[[], Any]) -> Any:
    """Run `work` once, print its CPU seconds, return its result."""
    start = time.process_time()
    result = work()
    print(json.dumps({"cpu": time.process_time() - start}))
    return result


def index(folder: str) -> None:
    """Make the index."""
    from headway.graph.search import Index

    graph = graph_of(folder)
    timed(lambda: Index(graph))


def find(folder: str) -> None:
    """Search."""
    from headway.graph.search import Index

    graph = graph_of(folder)
    made, asked = Index(graph), texts(graph)
    found = timed(lambda: [made.find(text, limit=20) for text in asked])
    assert sum(map(bool, found)) > SEARCHES * 0.8


def _documents(graph: Any) -> sqlite3.Connection:
    from headway.graph.search import FIELDS, _document, _goals_said

    goals = _goals_said(graph)
    rows = []
    for i in range(len(graph.nodes)):
        said: dict[int, list[str]] = {}
        for field, words in _document(graph, i, goals.get(i, ())):
            said.setdefault(field, []).extend(words)
        rows.append((i, *(" ".join(said.get(k, ())) for k in range(len(FIELDS)))))
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE docs USING fts5({', '.join(FIELDS)})")
    marks = ", ".join("?" * (len(FIELDS) + 1))
    insert = f"INSERT INTO docs (rowid, {', '.join(FIELDS)}) VALUES ({marks})"
    database.executemany(insert, rows)
    return database


def fts_index(folder: str) -> None:
    """Make the index of FTS5."""
    graph = graph_of(folder)
    timed(lambda: _documents(graph))


def fts(folder: str) -> None:
    """Search with FTS5: any of the words, ranked by its BM25 with the same weights."""
    from headway.graph.search import FIELDS, words

    graph = graph_of(folder)
    database, asked = _documents(graph), texts(graph)
    weights = ", ".join(str(weight) for weight in FIELDS.values())
    query = f"SELECT rowid FROM docs WHERE docs MATCH ? ORDER BY bm25(docs, {weights}) LIMIT 20"
    matches = [" OR ".join(f'"{word}"' for word in words(text)) for text in asked]
    timed(lambda: [database.execute(query, (match,)).fetchall() for match in matches])


if __name__ == "__main__":
    {"index": index, "find": find, "fts": fts, "fts-index": fts_index}[sys.argv[1]](sys.argv[2])
