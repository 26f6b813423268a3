"""What is compared between engines: what `usage` asks of the place where a history lives, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import ibis
import msgspec

from headway.people import People
from headway.warehouse.history import fingerprint
from headway.warehouse.history import usage as pipeline
from headway.warehouse.history.statements import shaped

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def history(dialect: str) -> pipeline.History:
    """A history in this dialect, with a key for people that is the same everywhere."""
    return pipeline.History(name="log", dialect=dialect, cost_unit="EUR", people=People(b"0123456789abcdef"))


def steps(log: ibis.Table, dialect: str) -> dict[str, ibis.Table]:
    """Name to expression over `log`: normal texts, and sums by day, statement, user, tag and defaults."""
    statements = shaped(log)
    flavour = fingerprint.flavour(statements.get_backend().name)
    texts = statements.filter(statements["text"].notnull()).select(text=statements["text"], normal=statements["text"])
    return {
        "normal": fingerprint.normalised(texts, dialect, flavour),
        "grouped": pipeline._grouped(pipeline._keyed(statements, history(dialect))),
    }


def records(log: ibis.Table, dialect: str) -> Iterator[str]:
    """The records that `usage` yields, each as JSON text after the name of its type."""
    found = pipeline.usage(
        shaped(log), history(dialect), now=NOW, since=None, progress=lambda message, done, total: None
    )
    for record in found:
        yield json.dumps([type(record).__name__, json.loads(msgspec.json.encode(record))], ensure_ascii=False)
