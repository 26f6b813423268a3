"""One sync of one connector: records are staged as they come, then merged into the store in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from headway.errors import StoreError
from headway.graph.model import AnyRecord
from headway.store.rows import Batch, Row, Stager
from headway.store.schema import (
    check_result,
    new_observation,
    new_origin,
    new_record,
    new_result,
    new_series,
    observation,
    origin,
    record,
    series,
    staging,
)

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records were written, by type, and (known once the sync is over) what they changed in the view."""

    types: Mapping[str, int] = field(default_factory=dict)
    new: int = 0
    """Records that were not in the view before. Observations are counted in `types` only."""
    changed: int = 0
    gone: int = 0
    """Records that were in the view and were not yielded again."""

    @property
    def total(self) -> int:
        """Number of records written."""
        return sum(self.types.values())


class Sync:
    """What is given inside `with store.sync(...)`. Nothing is in the view before that block ends well."""

    def __init__(
        self,
        connection: Connection,
        connector: str,
        at: datetime,
        talking: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._connector = connector
        self._at = at
        self._talking = talking
        self._stager = Stager(connector, at)
        self._types: Counter[str] = Counter()
        self._over = False
        with talking(), connection.begin():
            staging.create_all(connection, checkfirst=False)

    def write(self, records: Iterable[AnyRecord]) -> Counts:
        """Take records, in batches, so that a generator of any length fits in memory. May be called several times.

        A record yielded twice counts once, the last time. A record that cannot be kept becomes a Gap that says why.
        Returns how many records of which type this call wrote. Raises StoreError when the database refuses, or when
        something in `records` is no record; whatever `records` raises passes through.
        """
        if self._over:
            raise StoreError("this sync is over; nothing more can be written to it")
        types: Counter[str] = Counter()
        rest = iter(records)
        while chunk := list(islice(rest, _BATCH)):
            batch = self._stager.batch(chunk)
            with self._talking(), self._connection.begin():
                self._stage(batch)
            types.update(type(r).__name__.lower() for r in chunk)
        self._types.update(types)
        return Counts(dict(types))

    def _stage(self, batch: Batch) -> None:
        for table, rows in (
            (new_record, batch.records),
            (new_result, batch.results),
            (new_series, batch.series),
            (new_origin, batch.origins),
            (new_observation, batch.observations),
        ):
            if rows:
                statement = _upsert(self._connection, table, None)
                self._connection.execute(statement, list[Row](rows.values()))

    def merge(self, sync: int) -> Counts:
        """Make what was written the connector's part of the view. The caller holds the write transaction."""
        self._over = True
        new, changed, gone = self._merge_records(sync)
        self._merge_results()
        self._merge_observations()
        return Counts(dict(self._types), new=new, changed=changed, gone=gone)

    def discard(self) -> None:
        """Take no more records."""
        self._over = True

    def _merge_records(self, sync: int) -> tuple[int, int, int]:
        mine = and_(record.c.connector == self._connector, record.c.to_sync.is_(None))
        again = _same(new_record, record)
        other = and_(again, new_record.c.hash != record.c.hash)
        close = update(record).values(to_sync=sync)
        changed = self._run(close.where(mine, exists().where(other)))
        gone = self._run(close.where(mine, ~record.c.kept, ~exists().where(again)))
        # What is still open now is what was yielded unchanged. What is closed may come back: it keeps its seat.
        earlier = record.alias("earlier")
        known = and_(earlier.c.connector == self._connector, _same(earlier, new_record), earlier.c.to_sync.is_not(None))
        first = select(func.min(earlier.c.first_sync)).where(known).scalar_subquery()
        seat = select(func.min(earlier.c.seat)).where(known).scalar_subquery()
        rows = select(
            literal(self._connector),
            new_record.c.type,
            new_record.c.key,
            new_record.c.hash,
            new_record.c.kept,
            func.coalesce(first, sync),
            func.coalesce(seat, new_record.c.seat),
            literal(sync),
            new_record.c.body,
        ).where(~exists().where(mine, _same(record, new_record)))
        columns = ["connector", "type", "key", "hash", "kept", "first_sync", "seat", "from_sync", "body"]
        opened = self._run(insert(record).from_select(columns, rows.order_by(new_record.c.seat)))
        return opened - changed, changed, gone

    def _merge_results(self) -> None:
        columns = ["connector", "key", "at", "status", "since", "message"]
        staged = [new_result.c[name] for name in columns[1:]]
        later = check_result.alias("later")
        latest = (
            select(func.max(later.c.at))
            .where(later.c.connector == self._connector, later.c.key == new_result.c.key)
            .scalar_subquery()
        )
        # A result without a time of its own is dated by the sync, and is news only when it says something else.
        known = exists().where(
            check_result.c.connector == self._connector,
            check_result.c.key == new_result.c.key,
            check_result.c.at == latest,
            check_result.c.status == new_result.c.status,
            check_result.c.message == new_result.c.message,
        )
        rows = select(literal(self._connector), *staged).where(or_(new_result.c.dated, ~known))
        self._run(_upsert(self._connection, check_result, (columns, rows)))

    def _merge_observations(self) -> None:
        for table, new in ((series, new_series), (origin, new_origin)):
            rows = select(new.c.id, literal(self._connector), new.c.body).where(~exists().where(table.c.id == new.c.id))
            self._run(insert(table).from_select(["id", "connector", "body"], rows))
        mine = select(series.c.id).where(series.c.connector == self._connector)
        again = exists().where(
            new_observation.c.series == observation.c.series, new_observation.c.day == observation.c.day
        )
        for start, end in sorted(self._stager.days):
            covered = and_(observation.c.series.in_(mine), observation.c.day.between(start, end))
            self._run(delete(observation).where(covered, ~again))
        columns = [c.name for c in observation.c]
        rows = select(*(new_observation.c[name] for name in columns))
        self._run(_upsert(self._connection, observation, (columns, rows)))

    def _run(self, statement: Executable) -> int:
        result: CursorResult[Any] = self._connection.execute(statement, execution_options={"preserve_rowcount": True})
        return result.rowcount


def _same(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(one.c.type == other.c.type, one.c.key == other.c.key)


def _upsert(connection: Connection, table: Table, source: tuple[list[str], Any] | None) -> Any:
    """INSERT that replaces the row of the same primary key where it differs: the same row again costs nothing."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as dialect_insert
    else:
        from sqlalchemy.dialects.postgresql import insert as dialect_insert  # type: ignore[assignment]
    statement: Any = dialect_insert(table)
    if source is not None:
        columns, rows = source
        # SQLite reads ON as part of a join unless the SELECT has a WHERE.
        statement = statement.from_select(columns, rows.where(literal(1) == literal(1)))
    others = [c.name for c in table.c if not c.primary_key]
    excluded = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: excluded[name] for name in others},
        where=or_(*(table.c[name].is_distinct_from(excluded[name]) for name in others)),
    )
