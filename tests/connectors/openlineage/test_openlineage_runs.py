"""Runs of one parent: a task that is started once for each of many tables, and once more after a failure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openlineage.client.event_v2")

from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
from openlineage.client.serde import Serde
from tests.connectors.openlineage.lineage_events import APP, NOW, PG, load_orders, loose, read, write

from headway.connectors.openlineage.received import kept
from headway.graph.model import Check, Edge

LOAD = "openlineage:job.airflow/load.table"
DAG, NEXT_DAG = 90, 91


def mapped(table: str, number: int, hours: float, state: str = "COMPLETE", parent: int = DAG) -> RunEvent:
    """One of the runs of `load.table`: each has the name of the task, and tables of its own."""
    return load_orders(
        number,
        hours,
        state,
        name="load.table",
        inputs=[InputDataset(APP, f"shop.public.{table}")],
        outputs=[OutputDataset(PG, f"wh.raw.{table}")],
        parent=parent,
    )


def told(folder: Path, *events: Any) -> tuple[set[str], Check | None]:
    """Last words of the tables that the job writes, and how it ended."""
    write(folder, *events)
    found = read(folder)
    tables = {r.downstream.rpartition(".")[2] for r in found if isinstance(r, Edge) and r.upstream == LOAD}
    return tables, next((r for r in found if isinstance(r, Check)), None)


def test_mapped_tasks_load_all_of_their_tables(tmp_path: Path) -> None:
    tables, check = told(tmp_path, *(mapped(name, i, 2 - i / 10) for i, name in enumerate(("a", "b", "c"), 1)))
    assert tables == {"a", "b", "c"}
    assert check
    assert check.status == "pass"


def test_one_mapped_task_that_failed_is_not_made_good_by_another_that_did_not(tmp_path: Path) -> None:
    tables, check = told(tmp_path, mapped("a", 1, 2.0, "FAIL"), mapped("b", 2, 1.9, "COMPLETE"))
    assert tables == {"a", "b"}
    assert check
    assert (check.status, check.message, check.since) == ("error", "its last run failed", NOW - timedelta(hours=2))


def test_a_task_that_was_tried_again_with_success_passes(tmp_path: Path) -> None:
    first, again = mapped("a", 1, 2.0, "FAIL"), mapped("a", 2, 1.5)
    for events in ((first, again), (first, mapped("b", 3, 1.9), again)):
        _, check = told(tmp_path, *events)
        assert check
        assert (check.status, check.since) == ("pass", None)


def test_a_task_that_failed_after_it_had_passed_fails(tmp_path: Path) -> None:
    _, check = told(tmp_path, mapped("a", 1, 2.0), mapped("a", 2, 1.5, "ABORT"))
    assert check
    assert (check.status, check.message) == ("error", "its last run was aborted")


def test_several_later_runs_together_do_the_work_of_one_that_failed_again(tmp_path: Path) -> None:
    both = load_orders(
        1,
        2.0,
        "FAIL",
        name="load.table",
        inputs=[InputDataset(APP, f"shop.public.{table}") for table in "ab"],
        outputs=[OutputDataset(PG, f"wh.raw.{table}") for table in "ab"],
        parent=DAG,
    )
    _, half = told(tmp_path, both, mapped("a", 2, 1.9))
    _, whole = told(tmp_path, both, mapped("a", 2, 1.9), mapped("b", 3, 1.8))
    assert half
    assert whole
    assert (half.status, whole.status) == ("error", "pass")


def test_runs_of_other_parents_are_other_rounds(tmp_path: Path) -> None:
    yesterday = [mapped("a", 1, 26, "FAIL"), mapped("b", 2, 26)]
    tables, check = told(tmp_path, *yesterday, mapped("b", 3, 2, parent=NEXT_DAG))
    assert tables == {"b"}
    assert check
    assert check.status == "pass"


def test_a_round_that_is_not_over_neither_passes_nor_takes_tables_away(tmp_path: Path) -> None:
    yesterday = [mapped("a", 1, 26), mapped("b", 2, 25, "FAIL"), mapped("b", 3, 24)]
    tables, check = told(tmp_path, *yesterday, mapped("a", 4, 2, parent=NEXT_DAG), mapped("b", 5, 1, "START", NEXT_DAG))
    assert tables == {"a", "b"}
    assert check
    assert check.at == NOW - timedelta(hours=24)


def test_of_a_run_that_is_received_the_parent_is_kept_and_nothing_else(tmp_path: Path) -> None:
    text = Serde.to_json(mapped("a", 1, 2.0, "FAIL"))
    assert b'"facets":{"parent":{"run":{"runId":"019a0000-0000-7000-8000-000000000090"}}}' in kept(text.encode())
    assert b"errorMessage" not in kept(text.encode())
    events = (mapped("a", 1, 2.0, "FAIL"), mapped("b", 2, 1.9))
    write(tmp_path, *(kept(Serde.to_json(one).encode()).decode() for one in events), name="kept.jsonl")
    write(tmp_path, *events)
    assert read(tmp_path, "kept.jsonl") == read(tmp_path)


def test_a_parent_that_is_none_is_passed_over(tmp_path: Path) -> None:
    for parent in (None, 7, {"run": 1}, {"run": {"runId": ["x"]}}):
        event = loose(run={"runId": "x", "facets": {"parent": parent}})
        assert b"parent" not in kept(Serde.to_json(event).encode())
        write(tmp_path, event)
        assert any(isinstance(r, Check) for r in read(tmp_path))
