"""The child process that parses: paths in on stdin, one JSON line out for each. It may be killed at any moment.

It is a process of its own because the parser of LookML can spin for ever on a broken file, and because a file may take
more memory than is sane. What it gives back is plain data: statements `[key, value, line, body]` of LookML, and
dashboards as `Board`s. Messages name lines and keys, never the text of a file.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import msgspec

MOST_BYTES = 4 * 1024**2
"""No LookML file larger than this is parsed; the largest written by hand have a few hundred thousand."""
MOST_MEMORY = 2 * 1024**3
_MOST_NODES = 200_000
"""Values and keys of one dashboard file, aliases counted where they stand: a bomb is over it, a dashboard far below."""
_LINE = re.compile(r"on line (\d+)")
_BLANKS = re.compile(r"[\n\t ]*")
_LITERAL = re.compile(r"[^\0 \n\t:}{,\]]*")
_EXPRESSION = re.compile(r".*?(?=;;)", re.DOTALL)
_QUOTED = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+(?=")', re.DOTALL)
_KEY = re.compile(r'Key "(\w{1,60})"')


class Unreadable(Exception):
    """A file that cannot be parsed: why, and the line where it is known."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Query(msgspec.Struct, omit_defaults=True):
    """What one element of a dashboard asks of an explore."""

    model: str = ""
    explore: str = ""
    fields: list[str] = []
    filtered: list[str] = []
    """Fields that decide which rows there are."""


class Element(msgspec.Struct, omit_defaults=True):
    """One tile of a dashboard."""

    name: str = ""
    title: str = ""
    line: int = 0
    queries: list[Query] = []


class Board(msgspec.Struct, omit_defaults=True):
    """One dashboard of a `.dashboard.lookml` file."""

    name: str
    title: str = ""
    description: str = ""
    extends: list[str] = []
    line: int = 0
    elements: list[Element] = []


class Parsed(msgspec.Struct, omit_defaults=True):
    """What became of one file."""

    statements: list[Any] = []
    boards: list[Board] = []
    problem: str = ""
    line: int = 0


def parse(path: str) -> Parsed:
    """The content of a file, or what is wrong with it. Raises nothing that a broken file could cause."""
    try:
        text = _text(Path(path))
        if path.endswith(".dashboard.lookml"):
            return Parsed(boards=boards(text))
        return Parsed(statements=statements(text))
    except Unreadable as error:
        return Parsed(problem=error.reason, line=error.line)
    except RecursionError:
        return Parsed(problem="it is nested too deeply")
    except MemoryError:
        return Parsed(problem="it takes too much memory")


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise Unreadable("it is not a regular file" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except PermissionError:
        raise Unreadable("it may not be read: permission denied") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"it cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if len(data) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:  # the parser would take it for the end of the file, and say nothing
        raise Unreadable("it is binary, not text", text.count("\n", 0, text.index("\0")) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- LookML ----------------------------------------------------------------------------------------------------------


@cache
def _lexer() -> Any:
    """The class of the lexer, made where the parser is first needed."""
    from lkml.lexer import EXPR_BLOCK_KEYS, Lexer
    from lkml.tokens import ExpressionBlockToken, InlineWhitespaceToken, LiteralToken, QuotedLiteralToken

    starts = tuple(f"{key}:" for key in EXPR_BLOCK_KEYS)

    class Guarded(Lexer):  # type: ignore[misc]
        """The lexer, which says where a text began that never ends, and stops where it would spin.

        It takes runs of characters at once: one after the other is most of the time that a file takes.
        """

        index: int
        line_number: int
        begun = 0

        def peek_multiple(self, length: int) -> str:
            found = str(super().peek_multiple(length))
            if length == 2 and found[:1] == ";" and found != ";;":
                raise Unreadable("there is a single ; outside of an expression", self.line_number)
            return found

        @staticmethod
        def check_for_expression_block(string: str) -> bool:
            return string.startswith(starts)

        def run(self, of: re.Pattern[str]) -> str:
            found = of.match(self.text, self.index)
            if found is None:
                raise IndexError
            self.index = found.end()
            self.line_number += found[0].count("\n")
            return found[0]

        def scan_whitespace(self) -> Any:
            return InlineWhitespaceToken(self.run(_BLANKS), self.line_number)

        def scan_literal(self) -> Any:
            return LiteralToken(self.run(_LITERAL), self.line_number)

        def scan_expression_block(self) -> Any:
            self.begun = self.line_number
            token = ExpressionBlockToken(self.run(_EXPRESSION), self.line_number)
            self.begun = 0
            return token

        def scan_quoted_literal(self) -> Any:
            self.begun = self.line_number
            token = QuotedLiteralToken(self.run(_QUOTED), self.line_number)
            self.advance()
            self.begun = 0
            return token

    return Guarded


def _telling(read: Sequence[Any]) -> Iterator[Any]:
    """Tokens without blanks and comments, but for those after a hyphen by itself: it begins a word of its own."""
    from lkml.tokens import TriviaToken

    before: Any = None
    for token in read:
        if not isinstance(token, TriviaToken) or getattr(before, "value", "") == "-":
            yield token
        before = token


def statements(text: str) -> list[Any]:
    """LookML as `[key, value, line, body]`: value a text or a list of texts, body the statements of a block, or None.

    A block has its name as value. In a list of pairs (`filters: [status: "paid"]`) these are the body. Raises
    Unreadable.
    """
    from lkml.parser import Parser
    from lkml.tokens import StreamEndToken

    lexer = _lexer()(text)
    try:
        parser = Parser(tuple(_telling(lexer.scan())))
        tree = parser.parse()
        if not parser.check(StreamEndToken, skip_trivia=True):
            raise Unreadable("there is a } too many", parser.peek().line_number)
    except SyntaxError as error:
        line = _LINE.search(str(error))
        raise Unreadable("it is not LookML", int(line[1]) if line else 0) from None
    except KeyError as error:
        key = _KEY.search(str(error))
        said = f"{key[1]} is written twice in one block" if key else "a key is written twice in one block"
        raise Unreadable(said) from None
    except IndexError:
        what = "an expression without ;;, or a text without its closing quote" if lexer.begun else "a block without }"
        raise Unreadable(f"it ends inside {what}", lexer.begun) from None
    except (AttributeError, TypeError, ValueError, AssertionError) as error:
        raise Unreadable(f"the parser failed on it ({type(error).__name__})") from None
    return [_statement(item) for item in tree.container.items]


def _statement(node: Any) -> list[Any]:
    from lkml.tree import BlockNode, ListNode, PairNode

    key, line = node.type.value, node.line_number or 0
    if isinstance(node, BlockNode):
        name = node.name.value if node.name else ""
        return [key, name, line, [_statement(item) for item in node.container.items]]
    if isinstance(node, ListNode):
        pairs = [item for item in node.items if isinstance(item, PairNode)]
        plain = [item.value for item in node.items if not isinstance(item, PairNode)]
        return [key, plain, line, [_statement(item) for item in pairs] if pairs else None]
    return [key, node.value.value, line, None]


# --- Dashboards ------------------------------------------------------------------------------------------------------


def boards(text: str) -> list[Board]:
    """The dashboards of a YAML text. Nothing is constructed: tags do nothing, and aliases are not multiplied.

    Raises Unreadable.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable("it is not valid YAML", mark.line + 1 if mark else 0) from None
    except (YAMLError, ValueError, AttributeError, TypeError) as error:
        raise Unreadable(f"it is not valid YAML ({type(error).__name__})") from None
    if root is None:
        return []
    _bounded(root)
    found = [board for node in _items(root) if (board := _board(node)) is not None]
    if not found:
        raise Unreadable("it holds no dashboard", 1)
    return found


def _bounded(root: Any) -> None:
    """Raise Unreadable for a document that aliases blow up, by counting what it would unfold to."""
    sizes: dict[int, int] = {}
    todo: list[tuple[Any, bool]] = [(root, False)]
    open_: set[int] = set()
    while todo:
        node, done = todo.pop()
        inner = _inner(node)
        if done:
            open_.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes.get(id(each), 1) for each in inner)
            if sizes[id(node)] > _MOST_NODES:
                raise Unreadable(f"its aliases unfold to more than {_MOST_NODES:,} values", _line(node))
        elif id(node) not in sizes:
            if id(node) in open_:
                raise Unreadable("an alias in it stands for itself", _line(node))
            open_.add(id(node))
            todo.append((node, True))
            for each in inner:
                if id(each) in open_:
                    raise Unreadable("an alias in it stands for itself", _line(each))
                todo.append((each, False))


def _inner(node: Any) -> list[Any]:
    value = getattr(node, "value", None)
    if not isinstance(value, list):
        return []
    return [part for each in value for part in (each if isinstance(each, tuple) else (each,))]


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1 if getattr(node, "start_mark", None) else 0


def _items(node: Any) -> list[Any]:
    """The nodes of a sequence; [] for anything else."""
    value = getattr(node, "value", None)
    return [each for each in value if not isinstance(each, tuple)] if isinstance(value, list) else []


def _keys(node: Any) -> dict[str, Any]:
    """The nodes of a mapping by key; {} for anything else."""
    value = getattr(node, "value", None)
    pairs = [each for each in value if isinstance(each, tuple)] if isinstance(value, list) else []
    return {str(key.value): held for key, held in pairs if isinstance(getattr(key, "value", None), str)}


def _scalar(node: Any) -> str:
    value = getattr(node, "value", None)
    return value if isinstance(value, str) else ""


def _scalars(node: Any) -> list[str]:
    return [text for each in _items(node) if (text := _scalar(each))]


def _board(node: Any) -> Board | None:
    said = _keys(node)
    name = _scalar(said.get("dashboard"))
    if not name:
        return None
    return Board(
        name=name,
        title=_scalar(said.get("title")),
        description=_scalar(said.get("description")),
        extends=_scalars(said.get("extends")) or ([text] if (text := _scalar(said.get("extends"))) else []),
        line=_line(node),
        elements=[_element(each) for each in _items(said.get("elements"))],
    )


def _element(node: Any) -> Element:
    said = _keys(node)
    queries = [_query(said), *(_query(_keys(each)) for each in _items(said.get("merged_queries")))]
    return Element(
        name=_scalar(said.get("name")),
        title=_scalar(said.get("title")),
        line=_line(node),
        queries=[query for query in queries if query.explore],
    )


def _query(said: dict[str, Any]) -> Query:
    fields = [field for key in ("fields", "dimensions", "measures", "pivots") for field in _scalars(said.get(key))]
    for each in _items(said.get("dynamic_fields")):
        based_on = _scalar(_keys(each).get("based_on"))
        fields += [based_on] if based_on else []
    listened = [_scalar(value) for value in _keys(said.get("listen")).values()]
    for each in _items(said.get("listen")):
        listened += [_scalar(value) for value in _keys(each).values()]
    filtered = [*_keys(said.get("filters")), *listened]
    return Query(
        model=_scalar(said.get("model")),
        explore=_scalar(said.get("explore")) or _scalar(said.get("base_view")),
        fields=list(dict.fromkeys(fields)),
        filtered=list(dict.fromkeys(filter(None, filtered))),
    )


# --- The process -----------------------------------------------------------------------------------------------------


def serve(asked: TextIO, told: TextIO) -> None:
    """Say that it is ready, then answer each line, a JSON text with a path, by one line of JSON, to the last."""
    statements("")  # loads the parser, so that the time for a file is the file's own
    told.write("ready\n")
    told.flush()
    for line in asked:
        told.write(msgspec.json.encode(parse(msgspec.json.decode(line, type=str))).decode() + "\n")
        told.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    _limit_memory()
    logging.disable()
    serve(sys.stdin, sys.stdout)
