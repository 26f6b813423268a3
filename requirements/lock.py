# ruff: noqa: INP001 - a script, not part of a package
"""Writes lock.txt (Headway with its extras and tools) and dbt.txt (the environment of dbt), for `make lock`.

One resolution holds for every platform and every Python from the oldest supported one on.
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


def write(name: str, needs: Sequence[str], python: str) -> None:
    """Resolve `needs` and write the versions, and nothing about where they come from."""
    options = ("--universal", "--upgrade", "--no-header", "--no-annotate", "--no-emit-package", "headway")
    resolved = subprocess.run(  # noqa: S603 - uv, with needs from pyproject.toml
        [str(UV), "pip", "compile", "--quiet", *options, "--python-version", python, "-"],
        input="\n".join(needs),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
    ).stdout
    versions = [line for line in resolved.splitlines() if "==" in line and not line.lstrip().startswith(("-", "#"))]
    (HERE / name).write_text("\n".join(["# Written by `make lock`.", *versions, ""]), encoding="utf-8")


def main() -> None:
    """Write both files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    python = project["project"]["requires-python"].removeprefix(">=")
    itself = project["project"]["name"] + "["
    write("lock.txt", [need.replace(itself, ".[") for need in project["dependency-groups"]["dev"]], python)
    write("dbt.txt", DBT, python)


if __name__ == "__main__":
    main()
