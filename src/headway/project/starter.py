"""`headway init`: a starter headway.yml and goals.yml from what a project has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headway.files import write_whole
from headway.project.settings import FILE
from headway.project.workspace import Project

_SETTINGS = """\
# How Headway reads this project. Everything here is optional; these are the defaults.
# dbt: {{target: target}}            # folder with manifest.json; run `dbt parse` to write it
goals: goals.yml                   # a file, or a folder of files

# Who uses what, and what it costs: CSV or Parquet with the columns
# node,relation,day,measure,amount,unit,person_class
# observations:
#   - {{path: usage.csv, covers: "kind:model kind:dashboard"}}

# Owners where dbt names none: by folder, or from a CODEOWNERS file.
# owners: {{codeowners: .github/CODEOWNERS, models/finance/: finance-team}}

# policy: {{usage_window_days: 90, grace_days: 30, standing_limit: 10}}
# protected: ["tag:regulatory"]    # never proposed for retirement

# What a unit of cost is worth in money. A key may be any unit of a cost, or bytes or seconds.
# prices: {{credits: {{amount: 3.0, unit: EUR}}}}
"""


def write_starter(project: Project, *, force: bool = False) -> Iterator[tuple[str, str]]:
    """Write the files; yields each path with what was done. Files that exist stay unless `force`.

    Raises the dbt connector's errors when the project cannot be read, and ConfigError when a file cannot be written.
    """
    from headway.connectors.goals.starter import starter, write_schema

    root = Path(project.config.root)
    graph = project.graph()
    readers = {graph.nodes[i].id: len(graph.walk([i], "downstream")) - 1 for i in graph.assets}
    nodes = [graph.nodes[i] for i in graph.assets]
    texts = {FILE: _SETTINGS.format(), "goals.yml": starter(nodes, readers, project.as_of)}
    for name, text in texts.items():
        path = root / name
        if path.exists() and not force:
            yield name, "exists, left as it is (--force writes over it)"
            continue
        write_whole(path, text.encode("utf-8"), name)
        yield name, "written"
    write_schema(root / "goals.schema.json")
    yield "goals.schema.json", "written, for completion in editors"
