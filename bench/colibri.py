"""Peer: dbt-colibri's column lineage of a project, run by a Python that has it: `python -m bench.colibri FOLDER`.

The folder holds manifest.json and catalog.json. Prints one JSON line with `cpu`, the CPU seconds from the files to the
lineage, without the report. sqlglot is loaded before the clock starts, as it is for ours.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path


def main(folder: str) -> int:
    """Follow every column once."""
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor

    logging.disable(logging.CRITICAL)
    place = Path(folder)
    start = time.process_time()
    extractor = DbtColumnLineageExtractor(str(place / "manifest.json"), str(place / "catalog.json"))
    found = extractor.extract_project_lineage()
    used = time.process_time() - start
    columns = sum(len(columns) for columns in found["lineage"]["parents"].values())
    if not columns:
        print("it found no column", file=sys.stderr)
        return 1
    print(json.dumps({"cpu": used, "columns": columns}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
