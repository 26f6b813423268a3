# ruff: noqa: INP001 - a script, not part of a package
"""Writes lock.txt (Headway with its extras and tools) and the other environments' files, for `make lock`.

dbt.txt is the environment of dbt, dbt_next.txt that of the next release of it, parsing.txt that of the parsers
Headway's own is held against, spark.txt that of PySpark with what Headway needs to run beside it, superset.txt that of
a Superset to ask. One resolution holds for every platform and every Python from the oldest supported one on.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UV = Path(sys.executable).with_name("uv")

# From 1.12 on dbt-core needs a package whose build downloads from elsewhere, so it cannot be installed everywhere.
DBT = ("dbt-core<1.12", "dbt-duckdb", "dbt-postgres")
# Without that package, which is a second parser that dbt only loads when it is told to; pip takes it with --no-deps.
DBT_NEXT = ("dbt-core==1.12.*", "dbt-duckdb", "dbt-postgres")
DOWNLOADS = "dbt-core-experimental-parser"

# A DuckDB extension loads into the DuckDB of its own version only.
PARSING = ("duckdb==1.5.5", "duckdb-extension-tpcds==1.5.5", "duckdb-extension-tpch==1.5.5", "pglast")
# Ibis decides which PySpark fits.
SPARK = ("ibis-framework[pyspark]==12.*",)

# Superset imports rich and cachetools without asking for them, and does not start with a later flask-caching.
SUPERSET = (
    "apache-superset==6.1.0",
    "flask-caching==2.3.1",
    "rich",
    "cachetools",
    "gunicorn",
    "duckdb==2.0.0",
    "duckdb-engine==0.17.0",
)


def write(name: str, needs: Sequence[str], python: str, without: str = "") -> None:
    """Resolve `needs`, one package left out if wanted, and write the versions: nothing about where they come from."""
    unwanted = HERE / ".unwanted"
    unwanted.write_text(f"{without} ; sys_platform == 'never'\n" if without else "", encoding="utf-8")
    options = ("--universal", "--upgrade", "--no-header", "--no-annotate", "--no-emit-package", "headway")
    options += ("--override", str(unwanted))
    resolved = subprocess.run(  # noqa: S603 - uv, with needs from pyproject.toml
        [str(UV), "pip", "compile", "--quiet", *options, "--python-version", python, "-"],
        input="\n".join(needs),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
    ).stdout
    unwanted.unlink()
    versions = [line for line in resolved.splitlines() if "==" in line and not line.lstrip().startswith(("-", "#"))]
    versions = [line for line in versions if not without or not line.startswith(f"{without}==")]
    (HERE / name).write_text("\n".join(["# Written by `make lock`.", *versions, ""]), encoding="utf-8")


def main() -> None:
    """Write all files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    python = project["project"]["requires-python"].removeprefix(">=")
    itself = project["project"]["name"] + "["
    write("lock.txt", [need.replace(itself, ".[") for need in project["dependency-groups"]["dev"]], python)
    write("dbt.txt", DBT, python)
    write("dbt_next.txt", DBT_NEXT, python, without=DOWNLOADS)
    write("parsing.txt", PARSING, python)
    write("spark.txt", (*project["project"]["dependencies"], *SPARK), python)
    write("superset.txt", SUPERSET, python)


if __name__ == "__main__":
    main()
