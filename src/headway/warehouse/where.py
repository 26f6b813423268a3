"""Conditions as people write them (`plan__tier = 'pro'`) turned into what MetricFlow reads (`{{ Dimension(...) }}`).

Templates are rendered by Jinja in the end, so of Jinja only the four calls that MetricFlow offers are let through, with
literal arguments; a goals file must not be able to compute anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any

from headway.errors import InputError

GRAINS = frozenset({"nanosecond", "microsecond", "millisecond", "second", "minute", "hour",
                    "day", "week", "month", "quarter", "year"})  # fmt: skip
_BACKSLASH = frozenset({"bigquery", "databricks", "snowflake"})
"""Dialects in which a backslash escapes inside a string."""
_CALLS = frozenset({"Dimension", "TimeDimension", "Entity", "Metric"})
_METHODS = frozenset({"grain", "date_part"})


def _tokens(backslash: bool) -> re.Pattern[str]:
    text = r"'(?:\\.|''|[^'\\])*'" if backslash else r"'(?:''|[^'])*'"
    return re.compile(
        rf"""(?P<jinja>\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{\#.*?\#\}})
        |(?P<open>\{{[{{%\#])
        |(?P<text>{text})
        |(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
        |(?P<quoted>"(?:""|[^"])*"|`[^`]*`)
        |(?P<unended>['"`])
        |(?P<comment>--|/\*)
        |(?P<end>;)
        |(?P<word>[^\W\d]\w*)
        |(?P<number>\d\w*)
        |(?P<space>\s+)
        |(?P<other>.)""",
        re.DOTALL | re.VERBOSE,
    )


_PLAIN, _ESCAPED = _tokens(backslash=False), _tokens(backslash=True)


def jinja_where(
    condition: str, *, dialect: str = "", entities: Collection[str] = (), times: Collection[str] = ()
) -> str:
    """The condition with plain names of dimensions turned into MetricFlow's templates; the rest is left as it is.

    A name is one when it has `__` in it (`plan__tier`, `order__ordered_at__month`), is `metric_time`, is in `times`, or
    is in `entities`. String literals, quoted names, qualified names, functions and existing templates stay untouched,
    so turning twice is the same as turning once.

    Raises InputError for text that does not end, comments, several statements, unbalanced brackets, and other Jinja.
    """
    pattern = _ESCAPED if dialect in _BACKSLASH else _PLAIN
    parts: list[str] = []
    depth = 0
    for found in pattern.finditer(condition):
        kind, said = str(found.lastgroup), found[0]
        if kind == "tag":  # the group inside `dollar`
            kind = "dollar"
        _refuse(kind, said, condition)
        if kind == "other" and said in "()":
            depth += 1 if said == "(" else -1
            if depth < 0:
                break
        if kind == "word" and not _is_qualified_or_called(condition, found):
            said = _template(said, entities, times)
        parts.append(said)
    if depth:
        raise InputError(f"the brackets in the condition {condition!r} do not match")
    if not "".join(parts).strip():
        raise InputError("a condition is empty")
    return "".join(parts)


def _refuse(kind: str, said: str, condition: str) -> None:
    wrong = {
        "open": "has a {{ that does not end",
        "unended": f"has a {said} that does not end",
        "comment": "has a comment in it",
        "end": "has a ; in it",
    }.get(kind)
    if kind in {"text", "quoted", "dollar"} and re.search(r"\{[{%#]", said):
        wrong = "has Jinja inside a string"
    if wrong:
        raise InputError(
            f"the condition {condition!r} {wrong}", hint="write one SQL condition such as plan__tier = 'pro'"
        )
    if kind == "jinja" and not _is_metricflow_call(said):
        raise InputError(
            f"the condition {condition!r} has Jinja that is not let through: {said}",
            hint="only Dimension(...), TimeDimension(...), Entity(...) and Metric(...) with literal arguments",
        )


def _is_qualified_or_called(condition: str, word: re.Match[str]) -> bool:
    before, after = condition[: word.start()].rstrip(), condition[word.end() :].lstrip()
    return before.endswith((".", "@", ":")) or after.startswith((".", "("))


def _template(name: str, entities: Collection[str], times: Collection[str]) -> str:
    *path, last = name.split("__")
    grain = last if path and last in GRAINS else ""
    base = "__".join(path) if grain else name
    if base == "metric_time" or (path and (grain or base in times)):
        at = f", '{grain}'" if grain else ""
        return f"{{{{ TimeDimension('{_short(base)}'{at}{_path(base)}) }}}}"
    if path and all(path) and last:
        return f"{{{{ Dimension('{_short(base)}'{_path(base)}) }}}}"
    return f"{{{{ Entity('{name}') }}}}" if name in entities else name


def _short(name: str) -> str:
    """`account__plan__tier` is the dimension `plan__tier`, reached by way of the entity `account`."""
    return "__".join(name.split("__")[-2:])


def _path(name: str) -> str:
    hops = name.split("__")[:-2]
    return f", entity_path=[{', '.join(repr(hop) for hop in hops)}]" if hops else ""


def _is_metricflow_call(jinja: str) -> bool:
    """Whether `{{ ... }}` is one of MetricFlow's calls on literals, such as Dimension('x__y').grain('month')."""
    if not jinja.startswith("{{"):
        return False
    try:
        tree: Any = ast.parse(jinja[2:-2].strip().strip("-").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    while isinstance(tree, ast.Call) and all(_is_literal(a) for a in [*tree.args, *(k.value for k in tree.keywords)]):
        if isinstance(tree.func, ast.Name):
            return tree.func.id in _CALLS
        if not (isinstance(tree.func, ast.Attribute) and tree.func.attr in _METHODS):
            return False
        tree = tree.func.value
    return False


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return all(_is_literal(item) for item in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bool | None)
