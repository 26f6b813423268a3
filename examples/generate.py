"""Write the demo company's raw data, usage and cost files.

    python examples/generate.py --today 2026-11-22 [--scale 1.0]

Raw tables go to lumaloop/raw/*.csv (not committed); usage.csv and cost.csv go beside the dbt project
(committed). Everything is deterministic: same day and scale, same bytes. Only the standard library.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from company import Row, simulate
from tables import TABLES, event_column
from usage import HEADER, cost_rows, usage_rows

PROJECT = Path(__file__).resolve().parent / "lumaloop"
DEMO_DAY = date(2026, 11, 22)
LOADED_AT = time(23, 40)


def main() -> None:
    """Read the options and write every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=DEMO_DAY,
        help="the demo's day; data ends the day before (default: %(default)s)",
    )
    parser.add_argument("--scale", type=float, default=1.0, help="size of the company (default: %(default)s)")
    options = parser.parse_args()

    for table, rows in simulate(options.today, options.scale).items():
        write_csv(PROJECT / "raw" / f"{table}.csv", list(TABLES[table]), loaded(table, rows, options.today))
    models = PROJECT / "models"
    write_csv(PROJECT / "usage.csv", HEADER, usage_rows(options.today, models))
    write_csv(PROJECT / "cost.csv", HEADER, cost_rows(options.today, models))


def loaded(table: str, rows: Iterable[Row], today: date) -> Iterable[Row]:
    """Append `_loaded_at`: the evening of the day the row speaks of, at the latest the last evening."""
    evening = datetime.combine(today - timedelta(1), LOADED_AT)
    at = event_column(table)
    for row in rows:
        event = None if at is None else row[at]
        day = event.date() if isinstance(event, datetime) else event
        yield (*row, min(datetime.combine(day, LOADED_AT), evening) if isinstance(day, date) else evening)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    """Write one CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
