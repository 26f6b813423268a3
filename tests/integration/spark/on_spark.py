"""Runs the steps on PySpark and writes what comes out as Parquet; the environment has PySpark, Headway and no DuckDB.

    python on_spark.py FOLDER DIALECT STEP=LOG [STEP=LOG ...]

A log is a Parquet file with the columns of a history's statements. FOLDER/STEP gets the result of each step, and
FOLDER/records.jsonl that of the step `records`. Prints a JSON object: how many wall seconds the session took to start,
and each step.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import ibis
from pyspark.sql import SparkSession
from steps import records, steps


def session() -> SparkSession:
    """A local session of two threads, in UTC as every history is."""
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("headway")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def main(arguments: Sequence[str]) -> int:
    """Run what is named."""
    folder, dialect, *asked = arguments
    start = time.perf_counter()
    spark = session()
    took = {"start": time.perf_counter() - start}
    try:
        backend = ibis.pyspark.connect(spark)
        for name, _, log in (each.partition("=") for each in asked):
            start = time.perf_counter()
            table = backend.read_parquet(log)
            if name == "records":
                with Path(folder, "records.jsonl").open("w", encoding="utf-8") as out:
                    out.writelines(f"{line}\n" for line in records(table, dialect))
            else:
                # Ibis would bring the rows here through pandas, which takes several times as long
                query = ibis.to_sql(steps(table, dialect)[name], dialect="pyspark")
                spark.sql(query).write.parquet(f"{folder}/{name}")
            took[name] = time.perf_counter() - start
    finally:
        spark.stop()
    json.dump(took, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
