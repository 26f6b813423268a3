"""Reading about the warehouse loads no driver and no metric engine; only asking it does."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("ibis", "duckdb", "psycopg", "metricflow", "sqlglot", "pandas", "pyarrow", "jinja2")


def test_importing_the_warehouse_loads_nothing_heavy() -> None:
    code = (
        "import sys, headway.warehouse.values, headway.warehouse.connection, headway.warehouse.profile\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
