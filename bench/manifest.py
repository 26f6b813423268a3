"""A synthetic dbt project: manifest v12 with realistic sizes, goals, usage and cost. Deterministic."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

PACKAGE = "shop"
AS_OF = date(2026, 11, 22)
SUBJECTS = ("orders", "customers", "payments", "sessions", "inventory", "shipping", "refunds", "campaigns", "support")
WORDS = ("amount", "status", "country", "channel", "created_at", "updated_at", "quantity", "price")
TEXT = (
    "One row per finished step of the process, as the system of record has it. Amounts are net of tax and in the"
    " currency of the contract; cancelled rows are kept and flagged. Loaded every hour, late rows arrive for two days."
)


def write(path: Path, models: int) -> None:
    """Write manifest.json, goals.yml, usage.csv and headway.yml of a project with this many models to a folder.

    Three in ten models are staging, three intermediate, four marts; each has two tests.
    """
    rng = random.Random(models)
    layout = _layout(models, rng)
    with (path / "manifest.json").open("w", encoding="utf-8") as file:
        _write_manifest(file, layout, rng)
    (path / "goals.yml").write_text("\n".join(_goals(layout, rng)), encoding="utf-8")
    with (path / "usage.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_observations(layout, rng))
    (path / "headway.yml").write_text("project: shop\n", encoding="utf-8")


class _Layout:
    """Names of everything in the project and what each model reads."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.reads: dict[str, list[str]] = {}
        self.marts: list[str] = []
        self.metrics: dict[str, str] = {}
        """Metric name to the mart it is measured on."""
        self.dashboards: dict[str, list[str]] = {}


def _layout(models: int, rng: random.Random) -> _Layout:
    plan = _Layout()
    staging, intermediate = models * 3 // 10, models * 3 // 10
    plan.sources = [f"source.{PACKAGE}.{_subject(i)}.{_subject(i)}_{i:05d}" for i in range(staging)]
    layers: list[list[str]] = [[], [], []]
    for i in range(models):
        layer = 0 if i < staging else 1 if i < staging + intermediate else 2
        name = f"model.{PACKAGE}.{('stg', 'int', 'fct')[layer]}_{_subject(i)}_{i:05d}"
        if layer == 0:
            plan.reads[name] = [plan.sources[i]]
        else:
            # mostly neighbours of the layer below, sometimes of the same one: chains of up to a dozen models
            near = layers[layer - 1] if len(layers[layer]) < 2 or rng.random() < 0.7 else layers[layer]
            at = int(rng.random() ** 2 * len(near))
            wanted = {near[min(len(near) - 1, at + rng.randrange(20))] for _ in range(rng.choice((1, 2, 2, 3, 4)))}
            plan.reads[name] = sorted(wanted)
        layers[layer].append(name)
    plan.marts = layers[2]
    for i, mart in enumerate(plan.marts[:: max(1, len(plan.marts) // 200)]):
        plan.metrics[f"metric_{i:03d}"] = mart
    for i in range(max(5, models // 50)):
        plan.dashboards[f"dashboard_{i:04d}"] = sorted(rng.sample(plan.marts, min(3, len(plan.marts))))
    return plan


def _subject(i: int) -> str:
    return SUBJECTS[i % len(SUBJECTS)]


def _write_manifest(file: IO[str], plan: _Layout, rng: random.Random) -> None:
    """One node at a time, so that writing takes little memory."""
    depends: dict[str, list[str]] = {name: [] for name in plan.sources}

    def section(key: str, items: Iterator[tuple[str, dict[str, Any]]]) -> None:
        file.write(f'"{key}": {{')
        for i, (name, value) in enumerate(items):
            depends.setdefault(name, value.get("depends_on", {}).get("nodes", []))
            file.write((", " if i else "") + json.dumps(name) + ": " + json.dumps(value))
        file.write("}, ")

    file.write('{"metadata": ' + json.dumps(_metadata()) + ", ")
    section("nodes", _nodes(plan, rng))
    section("sources", _sources(plan))
    section("macros", _macros(rng))
    section("semantic_models", _semantic_models(plan))
    section("metrics", _metrics(plan))
    section("exposures", _exposures(plan))
    consumers: dict[str, list[str]] = {name: [] for name in depends if not name.startswith("macro.")}
    parents = {name: depends[name] for name in consumers}
    for name, upstream in parents.items():
        for other in upstream:
            consumers[other].append(name)
    file.write('"docs": {}, "groups": {}, "selectors": {}, "disabled": {}, "group_map": {}, "saved_queries": {}, ')
    file.write('"unit_tests": {}, "functions": {}, ')
    file.write('"parent_map": ' + json.dumps(parents) + ', "child_map": ' + json.dumps(consumers) + "}")


def _metadata() -> dict[str, Any]:
    return {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "dbt_version": "1.11.0",
        "generated_at": "2026-11-22T06:00:00.000000Z",
        "invocation_id": "00000000-0000-4000-8000-000000000000",
        "env": {},
        "project_name": PACKAGE,
        "adapter_type": "duckdb",
        "quoting": {"database": True, "schema": True, "identifier": True, "column": None},
    }


def _nodes(plan: _Layout, rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, reads in plan.reads.items():
        model = _model(name, reads, rng)
        yield name, model
        for test in ("unique", "not_null"):
            node = _test(test, name, next(iter(model["columns"])))
            yield node["unique_id"], node


def _node(kind: str, name: str, path: str, reads: list[str], code: str, compiled: str) -> dict[str, Any]:
    """What models and tests have in common in a manifest of dbt 1.11."""
    short = name.split(".")[2]
    config = {
        "enabled": True,
        "alias": None,
        "schema": None,
        "database": None,
        "tags": [],
        "meta": {},
        "group": None,
        "materialized": "table" if kind == "model" else "test",
        "static_analysis": None,
    }
    return {
        "database": "warehouse",
        "schema": "marts" if short.startswith("fct") else "staging",
        "name": short,
        "resource_type": kind,
        "package_name": PACKAGE,
        "path": path,
        "original_file_path": f"models/{path}",
        "unique_id": name,
        "fqn": [PACKAGE, *path.split("/")[:-1], short],
        "alias": short,
        "checksum": {"name": "sha256", "checksum": hashlib.sha256(code.encode()).hexdigest()},
        "config": config,
        "tags": [],
        "description": "",
        "columns": {},
        "meta": {},
        "group": None,
        "docs": {"show": True, "node_color": None},
        "patch_path": f"{PACKAGE}://models/_models.yml",
        "build_path": f"target/run/{PACKAGE}/models/{path}",
        "unrendered_config": {},
        "created_at": 1795354451.1167197,
        "relation_name": None,
        "raw_code": code,
        "doc_blocks": [],
        "language": "sql",
        "refs": [{"name": r.split(".")[-1], "package": None, "version": None} for r in reads if r[0] == "m"],
        "sources": [r.split(".")[2:] for r in reads if r[0] == "s"],
        "metrics": [],
        "functions": [],
        "depends_on": {"macros": [f"macro.{PACKAGE}.macro_{len(short) % 50:03d}"], "nodes": reads},
        "compiled_path": f"target/compiled/{PACKAGE}/models/{path}",
        "compiled": True,
        "compiled_code": compiled,
        "extra_ctes_injected": True,
        "extra_ctes": [],
        "contract": {"enforced": False, "alias_types": True, "checksum": None},
    }


def _model(name: str, reads: list[str], rng: random.Random) -> dict[str, Any]:
    short = name.split(".")[2]
    layer = {"stg": "staging", "int": "intermediate", "fct": "marts"}[short[:3]]
    columns = [f"{short.split('_')[1]}_{word}" for word in WORDS] + [f"extra_{i}" for i in range(rng.randrange(3))]
    code, compiled = _sql(reads, columns, rng)
    node = _node("model", name, f"{layer}/{short.split('_')[1]}/{short}.sql", reads, code, compiled)
    node["config"] |= {
        "incremental_strategy": None,
        "batch_size": None,
        "lookback": 1,
        "begin": None,
        "persist_docs": {},
        "post-hook": [],
        "pre-hook": [],
        "quoting": {},
        "column_types": {},
        "full_refresh": None,
        "unique_key": None,
        "on_schema_change": "ignore",
        "on_configuration_change": "apply",
        "grants": {},
        "packages": [],
        "docs": {"show": True, "node_color": None},
        "contract": {"enforced": False, "alias_types": True},
        "event_time": None,
        "concurrent_batches": None,
        "access": "protected",
        "freshness": None,
    }
    owner = {"owner": f"{short.split('_')[1]}-team"}
    node |= {
        "relation_name": f'"warehouse"."{node["schema"]}"."{short}"',
        "description": TEXT,
        "meta": owner,
        "tags": ["hourly"] if rng.random() < 0.2 else [],
        "columns": {c: _column(c) for c in columns},
        "access": "protected",
        "constraints": [],
        "version": None,
        "latest_version": None,
        "deprecation_date": None,
        "primary_key": columns[:1],
        "time_spine": None,
    }
    node["config"]["meta"] = owner
    return node


def _column(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": TEXT[: 20 + len(name) * 5],
        "meta": {},
        "data_type": "varchar",
        "constraints": [],
        "quote": None,
        "config": {"meta": {}, "tags": []},
        "tags": [],
        "granularity": None,
        "doc_blocks": [],
    }


def _sql(reads: list[str], columns: list[str], rng: random.Random) -> tuple[str, str]:
    """Code as written and as compiled: one CTE per input, a long select list over all of them, a few joins."""
    lines = ["-- " + TEXT, "with"]
    relations = []
    for i, read in enumerate(reads):
        jinja = f"{{{{ ref('{read.split('.')[-1]}') }}}}" if read[0] == "m" else "{{ source('app', 'rows') }}"
        relations.append(_relation(read))
        status = _column_of(read, 1)
        lines.append(f"input_{i} as (\n    select * from {jinja}\n    where {status} >= date '2024-01-01'\n),")
    lines.append("joined as (\n    select\n        input_0.id,\n        input_0.loaded_at,")
    for number, column in enumerate(columns):
        at = number % len(reads)
        read = f"input_{at}.{_column_of(reads[at], number)}"
        expression = f"case when {read} is null then 'unknown' else lower(trim({read})) end"
        lines.append(f"        coalesce({expression}, '{rng.randrange(10**6)}') as {column},")
    lines.append("        row_number() over (partition by input_0.id order by input_0.loaded_at desc) as version")
    lines.append("    from input_0")
    lines += [f"    left join input_{i} on input_0.id = input_{i}.id" for i in range(1, len(reads))]
    lines.append(")\nselect * from joined where version = 1")
    code = "\n".join(lines)
    # compiled code names full relations and carries what macros expand to
    names = iter(relations)
    compiled = re.sub(r"\{\{.*?\}\}", lambda _: next(names), code) + "\n/* " + TEXT * 2 + " */"
    return code, compiled


def _relation(name: str) -> str:
    kind, _, *rest = name.split(".")
    if kind == "source":
        return f'"warehouse"."raw_{rest[0]}"."{rest[1]}"'
    schema = "marts" if rest[0].startswith("fct") else "staging"
    return f'"warehouse"."{schema}"."{rest[0]}"'


def _column_of(name: str, number: int) -> str:
    """A column that every source and model has."""
    if number >= len(WORDS):
        return "id"
    word = WORDS[number]
    return word if name.startswith("source.") else f"{name.split('.')[2].split('_')[1]}_{word}"


def _test(test: str, model: str, column: str) -> dict[str, Any]:
    short = f"{test}_{model.split('.')[2]}_{column}"
    code = f"{{{{ test_{test}(**_dbt_generic_test_kwargs) }}}}"
    compiled = f"select {column} as unique_field, count(*) as n_records\nfrom {model} where {column} is not null\n"
    name = f"test.{PACKAGE}.{short}.{hashlib.sha256(short.encode()).hexdigest()[:10]}"
    node = _node("test", name, f"{short}.sql", [model], code, compiled)
    node["config"] |= {
        "severity": "ERROR",
        "store_failures": None,
        "store_failures_as": None,
        "where": None,
        "limit": None,
        "fail_calc": "count(*)",
        "warn_if": "!= 0",
        "error_if": "!= 0",
    }
    arguments = {"column_name": column, "model": f"{{{{ get_where_subquery(ref('{model.split('.')[2]}')) }}}}"}
    node |= {
        "test_metadata": {"name": test, "kwargs": arguments, "namespace": None},
        "column_name": column,
        "attached_node": model,
        "file_key_name": f"models.{model.split('.')[2]}",
    }
    return node


def _sources(plan: _Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in plan.sources:
        _, _, schema, table = name.split(".")
        yield (
            name,
            {
                "database": "warehouse",
                "schema": f"raw_{schema}",
                "name": table,
                "resource_type": "source",
                "package_name": PACKAGE,
                "path": "models/_sources.yml",
                "original_file_path": "models/_sources.yml",
                "unique_id": name,
                "fqn": [PACKAGE, schema, table],
                "source_name": schema,
                "source_description": TEXT,
                "loader": "",
                "identifier": table,
                "quoting": {},
                "loaded_at_field": None,
                "freshness": None,
                "external": None,
                "description": TEXT,
                "columns": {},
                "meta": {},
                "source_meta": {},
                "tags": [],
                "config": {"enabled": True, "meta": {}, "tags": []},
                "relation_name": f'"warehouse"."raw_{schema}"."{table}"',
                "created_at": 1795354451.779459,
            },
        )


def _macros(rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    for i in range(900):
        short = f"macro_{i:03d}"
        body = "\n".join(f"  {{%- if target.type == 'kind_{n}' -%}} {TEXT[:90]}" for n in range(rng.randrange(2, 20)))
        yield (
            f"macro.{PACKAGE}.{short}",
            {
                "name": short,
                "resource_type": "macro",
                "package_name": PACKAGE,
                "path": f"macros/{short}.sql",
                "original_file_path": f"macros/{short}.sql",
                "unique_id": f"macro.{PACKAGE}.{short}",
                "macro_sql": f"{{% macro {short}(relation) %}}\n{body}\n{{% endmacro %}}",
                "depends_on": {"macros": []},
                "description": "",
                "meta": {},
                "docs": {"show": True, "node_color": None},
                "patch_path": None,
                "arguments": [],
                "created_at": 1795354448.8539543,
                "supported_languages": None,
            },
        )


def _semantic_models(plan: _Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    for mart in sorted(set(plan.metrics.values())):
        short = mart.split(".")[2]
        time = f"{short.split('_')[1]}_created_at"
        measure = {"name": f"{short}_amount", "agg": "sum", "expr": f"{short.split('_')[1]}_amount"}
        yield (
            f"semantic_model.{PACKAGE}.{short}",
            {
                "name": short,
                "resource_type": "semantic_model",
                "package_name": PACKAGE,
                "path": "marts/_semantics.yml",
                "original_file_path": "models/marts/_semantics.yml",
                "unique_id": f"semantic_model.{PACKAGE}.{short}",
                "fqn": [PACKAGE, "marts", short],
                "model": f"ref('{short}')",
                "node_relation": {
                    "alias": short,
                    "schema_name": "marts",
                    "database": "warehouse",
                    "relation_name": f'"warehouse"."marts"."{short}"',
                },
                "description": TEXT,
                "defaults": {"agg_time_dimension": time},
                "entities": [{"name": "row", "type": "primary", "expr": "id"}],
                "measures": [measure],
                "dimensions": [{"name": time, "type": "time", "type_params": {"time_granularity": "day"}}],
                "depends_on": {"macros": [], "nodes": [mart]},
                "refs": [{"name": short, "package": None, "version": None}],
                "created_at": 1795354451.2937732,
                "config": {"enabled": True, "group": None, "meta": {}},
            },
        )


def _metrics(plan: _Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, mart in plan.metrics.items():
        short = mart.split(".")[2]
        measure = {"name": f"{short}_amount", "filter": None, "alias": None}
        yield (
            f"metric.{PACKAGE}.{name}",
            {
                "name": name,
                "resource_type": "metric",
                "package_name": PACKAGE,
                "path": "marts/_metrics.yml",
                "original_file_path": "models/marts/_metrics.yml",
                "unique_id": f"metric.{PACKAGE}.{name}",
                "fqn": [PACKAGE, "marts", name],
                "description": TEXT,
                "label": name.replace("_", " "),
                "type": "simple",
                "type_params": {"measure": measure, "input_measures": [measure], "metrics": []},
                "filter": None,
                "meta": {},
                "tags": [],
                "config": {"enabled": True, "group": None, "meta": {}},
                "depends_on": {"macros": [], "nodes": [f"semantic_model.{PACKAGE}.{short}"]},
                "refs": [],
                "metrics": [],
                "created_at": 1795354450.9721296,
                "group": None,
            },
        )


def _exposures(plan: _Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, marts in plan.dashboards.items():
        yield (
            f"exposure.{PACKAGE}.{name}",
            {
                "name": name,
                "resource_type": "exposure",
                "package_name": PACKAGE,
                "path": "exposures.yml",
                "original_file_path": "models/exposures.yml",
                "unique_id": f"exposure.{PACKAGE}.{name}",
                "fqn": [PACKAGE, name],
                "type": "dashboard",
                "owner": {"email": "data@shop.example", "name": "data-team"},
                "description": TEXT,
                "label": name.replace("_", " "),
                "maturity": "high",
                "meta": {},
                "tags": [],
                "config": {"enabled": True, "tags": [], "meta": {}},
                "url": f"https://bi.shop.example/{name}",
                "depends_on": {"macros": [], "nodes": marts},
                "refs": [{"name": m.split(".")[2], "package": None, "version": None} for m in marts],
                "sources": [],
                "metrics": [],
                "created_at": 1795354450.852829,
            },
        )


def _goals(plan: _Layout, rng: random.Random) -> Iterator[str]:
    """50 objectives with four key results each: three quarters on a metric, the others on a model."""
    yield "version: 1"
    yield "periods:"
    yield "  - {id: 2026-Q4, title: Fourth quarter 2026, start: 2026-10-01, end: 2026-12-31}"
    yield "objectives:"
    metrics, dashboards = list(plan.metrics), list(plan.dashboards)
    for o in range(50):
        yield f"  - id: objective_{o:02d}"
        yield f"    title: Objective number {o}"
        yield f"    owner: {_subject(o)}-team"
        yield "    period: 2026-Q4"
        if o % 5:
            yield f"    parent: objective_{o - o % 5:02d}"
        yield "    key_results:"
        for k in range(4):
            yield f"      - id: result_{k}"
            yield f"        title: Result {k} of objective {o}"
            if k < 3:
                yield f"        metric: {rng.choice(metrics)}"
            else:
                mart = rng.choice(plan.marts).split(".")[2]
                yield f"        model: {mart}"
                yield f'        expression: "sum({mart.split("_")[1]}_amount)"'
                yield f"        time: {mart.split('_')[1]}_created_at"
            yield "        baseline: 100"
            yield "        target: 200"
            if k == 0:
                yield f"        shown_on: [{rng.choice(dashboards)}]"
    yield ""


def _observations(plan: _Layout, rng: random.Random) -> Iterator[tuple[object, ...]]:
    """Weekly queries and people of six in ten marts and dashboards; monthly cost of every model."""
    yield "node", "relation", "day", "measure", "amount", "unit", "person_class"
    read = [m for m in plan.marts if rng.random() < 0.6]
    read += [f"exposure.{PACKAGE}.{d}" for d in plan.dashboards if rng.random() < 0.6]
    for name in read:
        for week in range(13):
            day = (AS_OF - timedelta(days=7 * week + rng.randrange(7))).isoformat()
            yield name, "", day, "views" if name[0] == "e" else "queries", rng.randrange(1, 200), "count", "person"
            yield name, "", day, "people", rng.randrange(1, 30), "count", "person"
    for name in plan.reads:
        for month in range(3):
            day = (AS_OF - timedelta(days=30 * month)).isoformat()
            yield name, "", day, "cost", f"{rng.random() * 40:.4f}", "EUR", ""
