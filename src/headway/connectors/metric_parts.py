"""How dbt writes a metric down, in every release: what it is computed from, and the templates it is filtered by.

Both connectors that read a manifest use it: one follows tables, the other columns. Nothing here is decoded further than
JSON, because releases disagree about shapes; what has an odd shape is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_DEEPEST = 12


def input_parts(type_params: Any) -> Iterator[tuple[Any, bool]]:
    """Every input in a metric's `type_params` as written (None, a name, or a mapping), and whether it is a measure.

    Never `input_measures`: dbt 2 puts metric names there.
    """
    params = mapping(type_params)
    yield params.get("measure"), True
    yield params.get("numerator"), False
    yield params.get("denominator"), False
    listed = params.get("metrics")
    for item in listed if isinstance(listed, list) else []:
        yield item, False
    yield mapping(params.get("cumulative_type_params")).get("metric"), False
    conversion = mapping(params.get("conversion_type_params"))
    for end in ("base", "conversion"):
        yield conversion.get(f"{end}_metric"), False
        yield conversion.get(f"{end}_measure"), True


def input_name(item: Any) -> str:
    """The name of an input: it is one, or a mapping that has one; '' for anything else."""
    name = item if isinstance(item, str) else mapping(item).get("name")
    return name if isinstance(name, str) else ""


def templates(value: Any, depth: int = 0) -> Iterator[str]:
    """The SQL templates of a filter: a text, {where_sql_template}, {where_filters: [...]}, or a list of these."""
    if isinstance(value, str):
        yield value
    elif depth <= _DEEPEST and isinstance(value, list):
        for item in value:
            yield from templates(item, depth + 1)
    elif depth <= _DEEPEST and isinstance(value, dict):
        yield from templates(value.get("where_sql_template"), depth + 1)
        yield from templates(value.get("where_filters"), depth + 1)


def filter_templates(own: Any, type_params: Any) -> Iterator[str]:
    """The templates of a metric's own filter, then those of its inputs."""
    yield from templates(own)
    for item, _ in input_parts(type_params):
        yield from templates(mapping(item).get("filter"))


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings in a list; none of anything else."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            yield item
