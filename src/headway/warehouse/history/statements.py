"""The one shape that every query history is brought to before anything is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

COLUMNS: Mapping[str, str] = {
    "started": "timestamp",
    "text": "string",
    "hash": "string",
    "user": "string",
    "application": "string",
    "label": "string",
    "seconds": "float64",
    "cost": "float64",
    "bytes": "float64",
    "database": "string",
    "schema": "string",
    "kind": "string",
    "reads": "string",
}
"""Column to Ibis type. One row is one statement that ran. All but `started` and `text` may be NULL.

- `started`: when it began, UTC without time zone.
- `text`: the SQL. `hash`: the warehouse's own hash of the statement without its literals.
- `user`: login name. `application`: what the client calls itself.
- `label`: JSON text of the job's labels, or the session's query tag.
- `seconds`, `cost`, `bytes`: what it took; the unit of `cost` is the history's.
- `database`, `schema`: what names with fewer parts resolve against.
- `kind`: SELECT, INSERT, CREATE_TABLE_AS, ... in upper case.
- `reads`: JSON text `[["db.schema.table", ["COL", ...] or null], ...]` where the warehouse itself says what was read;
  NULL where the text must be parsed.
"""


def shaped(table: ibis.Table) -> ibis.Table:
    """`table` with exactly the columns of COLUMNS, in their order and of their types; missing ones are NULL.

    Columns are found by name, whatever their case; a timestamp with a zone is taken to UTC. Nothing is run.
    """
    import ibis

    given = {name.lower(): name for name in table.columns}
    found = {}
    for name, kind in COLUMNS.items():
        if name not in given:
            found[name] = ibis.null(kind)
            continue
        column = table[given[name]]
        type_ = column.type()
        if kind == "timestamp" and type_.is_timestamp() and type_.timezone not in {None, "UTC"}:
            column = column.cast("timestamp('UTC')")
        found[name] = column if str(type_) == kind else column.cast(kind)
    return table.select(**found)
