"""The text of files that Headway changes and people review: every byte that was there stays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_EMPTY = re.compile(r"((?:[ \t]*(?:#[^\n]*)?\r?\n)*)[ \t]*\[\s*\]\s*")
"""A file that says that there is nothing in it yet."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLAIN = re.compile(r"[A-Za-z](?:[\w .,/()+*'-]|:(?! |$))*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def appended(before: bytes, entry: Sequence[tuple[str, str]], head: str) -> tuple[bytes, int]:
    """A list of entries with one more at its end, and that entry's line; `head` is how a new file begins."""
    text = before.decode("utf-8")
    ending = "\r\n" if "\r\n" in text else "\n"
    if empty := _EMPTY.fullmatch(text):
        text = empty[1]
    indent = _indent(text)
    start = text if text.strip() else head.replace("\n", ending)
    if start.strip() and not start.endswith("\n"):
        start += ending
    if start.strip() and not start.endswith(ending * 2):
        start += ending
    rows = [f"{key}: {scalar(value)}" for key, value in entry]
    block = ending.join([f"{indent}- {rows[0]}", *(f"{indent}  {row}" for row in rows[1:])])
    return (start + block + ending).encode("utf-8"), start.count("\n") + 1


def _indent(text: str) -> str:
    """The blanks before the dashes of the list."""
    for line in text.splitlines():
        if line.lstrip(" ").startswith("- "):
            return line[: len(line) - len(line.lstrip(" "))]
    return ""


def printable(text: str) -> str:
    """Text on one line, without what would steer a terminal: titles come from tools outside."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def scalar(value: str) -> str:
    """Text as YAML writes it on one line: plain where nobody could read it as anything else, else in quotes."""
    one_line = printable(value)
    if _DAY.fullmatch(one_line) or (_PLAIN.fullmatch(one_line) and one_line.lower() not in _WORDS):
        return one_line
    return json.dumps(one_line, ensure_ascii=False)  # what JSON puts in quotes, YAML reads the same
