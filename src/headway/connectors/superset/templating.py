"""Takes Jinja out of SQL, so that a parser can read what is left. Linear in the text, whatever is in it."""

from __future__ import annotations

import re
from collections.abc import Callable

_CLOSES = {"{{": "}}", "{%": "%}", "{#": "#}"}
_TAG = re.compile(r"\{[{%#]")
_WORD = re.compile(r"\w+")
_DATASET = re.compile(r"\s*dataset\(\s*(?:dataset_id\s*=\s*)?(\d{1,18})\s*(?:,[^)]*)?\)\s*")

Find = Callable[[str], str]
"""The SQL of the dataset with this id, '' when there is none."""


def without(sql: str, dataset: Find) -> tuple[str, tuple[str, ...]]:
    """SQL in which every value that a template would fill in is NULL, and the datasets that it names by `dataset(id)`.

    Of conditions the first branch is kept. A dataset that is named stands as its own query, as Superset puts it.
    """
    if "{" not in sql:
        return sql, ()
    out: list[str] = []
    named: list[str] = []
    skipping = nested = position = 0
    while match := _TAG.search(sql, position):
        close = _CLOSES[match.group()]
        end = sql.find(close, match.end())
        if end < 0:
            break
        if not skipping:
            out.append(sql[position : match.start()])
        inner = sql[match.end() : end].strip("-+ \t\r\n")
        position = end + 2
        if close == "%}":
            skipping, nested = _branch(inner, skipping, nested)
            out.append(" ")
        elif close == "}}" and not skipping:
            out.append(_value(inner, sql, match.start(), position, dataset, named))
    if not skipping:
        out.append(sql[position:])
    return "".join(out), tuple(dict.fromkeys(named))


def _branch(inner: str, skipping: int, nested: int) -> tuple[int, int]:
    """Whether text behind a `{% ... %}` is left out, as the depth of conditions at which that began, and the depth."""
    word = match.group() if (match := _WORD.match(inner)) else ""
    if word == "if":
        return skipping, nested + 1
    if word == "endif":
        return (0 if skipping == nested else skipping), max(0, nested - 1)
    if word in {"else", "elif"} and not skipping:
        return nested, nested
    return skipping, nested


def _value(inner: str, sql: str, start: int, end: int, dataset: Find, named: list[str]) -> str:
    """What stands for `{{ inner }}`."""
    if match := _DATASET.fullmatch(inner):
        named.append(match[1])
        query = dataset(match[1])
        return f"({query}) AS dataset_{match[1]}" if query else "(SELECT NULL)"
    before, after = sql[start - 1 : start], sql[end : end + 1]
    part_of_name = bool(re.match(r"[\w.\"`]", before) or re.match(r"[\w.\"`]", after))
    return "x" if part_of_name else "(NULL)"
