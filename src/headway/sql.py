"""SQL as trees of sqlglot: quietly, and with one error for whatever the parser stumbles over.

Nobody outside this module lists what a parser may raise. It is compiled, and on text that it should refuse it can fail
in its own code (`->` in DuckDB's dialect is a TypeError of sqlglot 30.30).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_CLASS = re.compile(r"<class '[\w.]*?(\w+)'>")
_quiet: ContextVar[bool] = ContextVar("_quiet", default=False)
_LOG = logging.getLogger("sqlglot")
_LOG.addFilter(lambda _: not _quiet.get())


class Unparsed(Exception):
    """A text is no SQL that the parser understands: why, in its words, and in which line, 0 where it does not say."""

    def __init__(self, said: str, line: int = 0) -> None:
        super().__init__(said)
        self.said = said
        self.line = line


class TooDeep(Unparsed):
    """A text is nested deeper than the parser follows."""


@contextmanager
def quietly() -> Iterator[None]:
    """Without warnings of the parser, which quote the SQL; of this thread alone."""
    before = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(before)


def trees(text: str, dialect: str = "", *, into: Any = None) -> list[Any]:
    """The statements in a text, empty ones left out; with `into`, what it is as that kind of expression.

    Raises Unparsed, also for a dialect that nobody knows, and ImportError without sqlglot.
    """
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    with quietly():
        try:
            spoken = Dialect.get_or_raise(dialect or None)
            found = spoken.parse_into(into, text) if into else spoken.parse(text)
        except RecursionError:
            raise TooDeep("it is nested too deeply") from None
        except SqlglotError as error:
            raise _unparsed(error) from None
        except Exception as error:
            raise Unparsed(f"the parser fails on it ({type(error).__name__})") from None
    # A comment behind the last `;` is a statement to the parser.
    return [tree for tree in found if tree is not None and not isinstance(tree, exp.Semicolon)]


def selected(text: str, dialect: str = "") -> Any:
    """The tree of one expression as it stands in a SELECT, its alias included; None for what is none, or more than one.

    Raises ImportError without sqlglot.
    """
    from sqlglot import exp

    try:
        found = trees(f"SELECT {text}\n", dialect)  # a comment at its end ends with the line
    except Unparsed:
        return None
    one = found[0] if len(found) == 1 else None
    if not isinstance(one, exp.Select) or len(one.expressions) != 1 or one.args.get("from_") or one.args.get("from"):
        return None
    return one.expressions[0]


def _unparsed(error: Any) -> Unparsed:
    first = (getattr(error, "errors", None) or [{}])[0]
    line = first.get("line")
    said = str(first.get("description") or "it cannot be read").partition(" but got <")[0].rstrip(".")
    said = _CLASS.sub(lambda found: found[1].upper(), said)
    return Unparsed(said, line if isinstance(line, int) else 0)
