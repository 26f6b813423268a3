"""Fingerprints of statements, computed where the statements are: two with the same one read the same columns.

Literals, comments and runs of white space are taken out with regular expressions that every backend's engine knows (no
look-around, no lazy repetition, no group that only groups), and what is left is hashed. Which quote makes a literal and
which a name is the dialect's; where the text cannot be taken apart safely it is hashed as it is. Tags of tools are
taken from the comments first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headway.warehouse.history import tags

if TYPE_CHECKING:
    import ibis

_ENDS = 2000
"""Comments are looked for in so many characters at either end of a statement."""

BLOCK = r"/[*][^*]*[*]+([^*/][^*]*[*]+)*/"
LINE = r"--[^\n]*"
SLASHES = r"//[^\n]*"
HASH = r"#[^\n]*"
_OPENINGS = {BLOCK: "/*", LINE: "--", SLASHES: "//", HASH: "#"}


def _plain(quote: str) -> str:
    """Text between quotes; a doubled quote reads as two texts side by side, which comes to the same."""
    return f"{quote}[^{quote}]*({quote}|$)"


def _escaped(quote: str) -> str:
    """Text between quotes in which a backslash keeps the next character from ending it."""
    return rf"{quote}[^{quote}\\]*(\\(.|\n)[^{quote}\\]*)*({quote}|$)"


_TAGGED = r"[$]([A-Za-z_][A-Za-z0-9_]*)?[$][^$]*[$]([A-Za-z_][A-Za-z0-9_]*)?[$]"
_TRIPLE = r'"""[^"\\]*((\\(.|\n)|"[^"\\]|""[^"\\])[^"\\]*)*"""'
_DASHED = r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+[.][A-Za-z_]"
"""A project whose name has dashes, as BigQuery takes it without quotes."""


@dataclass(frozen=True, slots=True)
class Lexis:
    """How a dialect writes names, literals and comments, as regular expressions."""

    names: tuple[str, ...] = (r'"[^"]*"',)
    texts: tuple[str, ...] = (_plain("'"),)
    comments: tuple[str, ...] = (BLOCK, LINE)
    escapes: bool = False
    """There are E'...' texts with backslashes beside plain ones."""
    dollars: bool = False
    """There are texts between dollar signs."""


_BACKSLASH = Lexis(texts=(_escaped("'"),))
_HIVE = Lexis(names=(r"`[^`]*`",), texts=(_escaped("'"), _escaped('"')))
LEXIS: Mapping[str, Lexis] = {
    "duckdb": Lexis(texts=(_TAGGED, _plain("'")), escapes=True, dollars=True),
    "postgres": Lexis(texts=(_TAGGED, _plain("'")), escapes=True, dollars=True),
    "redshift": Lexis(texts=(_TAGGED, _escaped("'")), dollars=True),
    "snowflake": Lexis(texts=(_TAGGED, _escaped("'")), comments=(BLOCK, LINE, SLASHES), dollars=True),
    "bigquery": Lexis(
        names=(r"`[^`]*`", _DASHED),
        texts=(_TRIPLE, _escaped("'"), _escaped('"')),
        comments=(BLOCK, LINE, HASH),
    ),
    "databricks": _HIVE,
    "spark": _HIVE,
    "hive": _HIVE,
    "mysql": Lexis(
        names=(r"`[^`]*`",), texts=(_escaped("'"), _escaped('"')), comments=(BLOCK, LINE, HASH)
    ),
    "clickhouse": Lexis(names=(r'"[^"]*"', r"`[^`]*`"), texts=(_escaped("'"),)),
    "tsql": Lexis(names=(r'"[^"]*"', r"\[[^\]]*\]")),
    "sqlite": Lexis(names=(r'"[^"]*"', r"`[^`]*`")),
}  # fmt: skip
"""Dialects that differ from standard SQL in this; Trino, Presto, Athena and whatever is not here do not."""

_OTHER_LETTERS = r"[^ -~\s]+[0-9]+"
"""Digits after letters outside ASCII belong to a name, though not every engine sees that no word begins there."""
_KEPT_TEXT = r"(identifier|IDENTIFIER|Identifier|query_table|QUERY_TABLE) *[(] *'[^']*'"
"""A literal that is the name of a table."""
_KEPT_WORDS = ("identifier", "IDENTIFIER", "Identifier", "query_table", "QUERY_TABLE")
_LED = rf"^([ \n\r\t]*({LINE}(\n|$)|{BLOCK}))+"
"""Comments before a statement: where most of them are, and where no quote can be open."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a backend's regular expressions differ: the edge of a word, and groups in replacements."""

    edge: str = r"\b"
    group: str = r"\1"
    digest: str = "md5"
    octets: str = ""
    """A function that gives the bytes of a text in UTF-8, where that is quicker than to look at each character."""
    possessive: bool = False
    """Java's: each round of a group takes stack, unless it may not go back on it."""

    def pattern(self, pattern: str) -> str:
        """A pattern as the backend takes it. None of ours needs to go back on a round of a group."""
        return pattern.replace(")*", ")*+").replace(")+", ")++") if self.possessive else pattern


FLAVOURS: Mapping[str, Flavour] = {
    "duckdb": Flavour(octets="strlen"),
    "postgres": Flavour(edge=r"\y"),
    "pyspark": Flavour(group="$1", possessive=True),
    "databricks": Flavour(group="$1", possessive=True),
    "trino": Flavour(group="$1", digest="trino"),
    "bigquery": Flavour(digest="bigquery"),
}
"""By the name of the Ibis backend."""


def flavour(backend: str) -> Flavour:
    """The flavour of an Ibis backend."""
    return FLAVOURS.get(backend, Flavour())


def keyed(statements: ibis.Table, dialect: str, flavoured: Flavour) -> ibis.Table:
    """`statements` with two more columns: `key`, what those that read the same have in common, and `comment`.

    The key is `r` and a digest of what the warehouse says was read, and of the kind of statement; `h` and the
    warehouse's own hash; or `t` and a digest of the normal text; NULL where there is none of them. Each distinct text
    is taken apart once.
    """
    import ibis

    bare = statements.mutate(bare=statements["reads"].isnull() & statements["hash"].isnull())
    texts = bare.filter(bare["text"].notnull()).select("text", "bare").distinct()
    texts = texts.mutate(normal=texts["bare"].ifelse(texts["text"], ibis.null(str)))
    texts = commented(normalised(texts, dialect, flavoured))
    texts = texts.select(
        text_of="text", bare_of="bare", digest=_digest(texts["normal"], flavoured), comment=texts["comment"]
    )
    joined = bare.left_join(texts, [bare["text"] == texts["text_of"], bare["bare"] == texts["bare_of"]])
    # a statement that builds may read what another only reads: its kind tells them apart
    read = ibis.literal("r") + _digest(joined["reads"] + " " + ibis.coalesce(joined["kind"], ""), flavoured)
    own = ibis.ifelse(joined["bare"], ibis.literal("t") + joined["digest"], ibis.null(str))
    return joined.mutate(
        key=ibis.coalesce(read, ibis.literal("h") + joined["hash"], own),
        comment=ibis.coalesce(joined["comment"], ""),
    ).drop("bare", "text_of", "bare_of", "digest")


def normalised(table: ibis.Table, dialect: str, flavoured: Flavour) -> ibis.Table:
    """The column `normal`, a statement, without literals, comments and white space that means nothing.

    It is for hashing, not for reading. One step per SELECT, so that no engine computes a step twice.
    """
    import ibis

    lexis, group, edge = LEXIS.get(dialect, Lexis()), flavoured.group, flavoured.edge
    pattern = flavoured.pattern
    kept = "|".join((*lexis.names, *lexis.comments, _KEPT_TEXT, _OTHER_LETTERS))
    escapes = (f"{edge}[eE]" + _escaped("'"),) if lexis.escapes else ()
    literal = "|".join((*escapes, *lexis.texts, rf"{edge}[0-9][0-9_.]*([eE][-+]?[0-9]+)?{edge}"))
    names, comments = "|".join(lexis.names), "|".join(f"({comment})[?]?" for comment in lexis.comments)
    quotes = [name[-1] for name in lexis.names if name[-1] in '"`]']
    openings = [_OPENINGS[comment] for comment in lexis.comments]

    def unliteral(bare: Any) -> Any:
        """Without literals. Where there is nothing to keep, no engine has to find out what a group matched."""
        careful = bare.re_replace(pattern(f"({kept})|{literal}"), f"{group}?")
        keeping = _any(bare, [*openings, *quotes, *_KEPT_WORDS]) | _beyond_ascii(bare, flavoured)
        if _DASHED in lexis.names:
            keeping |= ibis.coalesce(bare.re_search(pattern(_DASHED)), False)
        return keeping.ifelse(careful, bare.re_replace(pattern(f"({literal})( ?, ?({literal}))*"), "?"))

    def unremarked(bare: Any) -> Any:
        """Without comments; there are no literals any more, and what is between quotes is a name with a mark."""
        careful = bare.re_replace(pattern(f"({names})[?]|{comments}"), f"{group} ")
        for quote in quotes:
            careful = careful.replace(f"{quote} ", f"{quote}?")
        return _any(bare, openings).ifelse(
            _any(bare, quotes).ifelse(careful, bare.re_replace(pattern(comments), " ")),
            bare,
        )

    steps: tuple[Callable[[Any], Any], ...] = (
        lambda bare: _any(bare, ["--", "/*"]).ifelse(bare.re_replace(pattern(_LED), ""), bare),
        unliteral,
        unremarked,
        lambda bare: _any(bare, ["\t", "\r"]).ifelse(bare.replace("\t", " ").replace("\r", " "), bare),
        lambda bare: bare.replace("\n", " "),
        lambda bare: _any(bare, ["  "]).ifelse(bare.re_replace("  +", " "), bare),
        lambda bare: bare.re_replace(pattern(r"[?]( ?,? ?[$]?[?])+"), "?").re_replace("[ ;]+$", "").lower(),
        lambda bare: bare.startswith(" ").ifelse(bare.substr(1), bare),
    )
    for step in steps:
        table = table.mutate(normal=step(table["normal"]))
    if lexis.dollars:  # text between dollar signs with a dollar sign in it: every such statement stands for itself
        odd = table["normal"].contains("$") & table["normal"].re_search("[$][$a-z_]")
        table = table.mutate(normal=odd.ifelse(table["text"], table["normal"]))
    return table


def commented(table: ibis.Table) -> ibis.Table:
    """`table` with the column `comment`: the comments at either end of `text`, where a known tool wrote one of them,
    without what differs from run to run; otherwise ''. A line comment at the end must have the line for itself."""
    import ibis

    # Trino has no RIGHT, and what stands for it there gives nothing of a text that is shorter
    tail = (table["text"].length() > _ENDS).ifelse(table["text"].right(_ENDS), table["text"])
    head = table["text"].substr(0, _ENDS)
    some = _any(table["text"], ["--", "/*"])
    led = head.re_search(r"^\s*(--|/[*])").ifelse(head.re_extract(rf"^(\s*({LINE}(\n|$)|{BLOCK}))+", 0), "")
    ends = tail.re_search(r"([*]/|\n\s*--[^\n]*)[\s;]*$")
    trailed = ends.ifelse(tail.re_extract(rf"({BLOCK}|\n\s*{LINE})[\s;]*$", 0), "")
    table = table.mutate(comment=some.ifelse(ibis.coalesce(led, "") + " " + ibis.coalesce(trailed, ""), ""))
    return table.mutate(comment=stable(table["comment"]))


def stable(text: ibis.expr.types.StringValue) -> ibis.expr.types.StringValue:
    """A comment or label where a known tool wrote it, without what differs from run to run; otherwise ''."""
    return _any(text, list(tags.MARKS)).ifelse(text.re_replace(tags.VOLATILE, ""), "")


def _any(text: ibis.expr.types.StringValue, parts: list[str]) -> Any:
    """Whether a text contains any of `parts`; FALSE for NULL."""
    import ibis

    found = ibis.or_(*(text.contains(part) for part in dict.fromkeys(parts)))
    return ibis.coalesce(found, False)


def _beyond_ascii(text: Any, flavoured: Flavour) -> Any:
    """Whether a text has other characters than ASCII's; FALSE for NULL."""
    import ibis

    if flavoured.octets:
        return ibis.coalesce(_builtin(flavoured.octets, str, int)(text) > text.length(), False)
    return ibis.coalesce(text.re_search(r"[^ -~\s]"), False)


def _digest(text: Any, flavoured: Flavour) -> Any:
    """A hexadecimal MD5: every backend has one, and it does not change with versions. Nothing hangs on its strength."""
    if flavoured.digest == "md5":
        return _builtin("md5", str, str)(text)
    data = _builtin("to_utf8", str, bytes)(text) if flavoured.digest == "trino" else text.cast("binary")
    return _builtin("to_hex", bytes, str)(_builtin("md5", bytes, bytes)(data))


def _builtin(name: str, takes: type, gives: type) -> Callable[[Any], Any]:
    """A function of the backend that Ibis has no name for."""
    import ibis

    def call(argument: Any) -> Any:
        return argument

    call.__name__ = name
    call.__annotations__ = {"argument": takes, "return": gives}
    made: Callable[[Any], Any] = ibis.udf.scalar.builtin(call)
    return made
