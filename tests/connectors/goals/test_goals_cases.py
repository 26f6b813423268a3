"""Cases anyone can read and write: `cases/*.md` holds goals files and what Headway makes of them.

A case is a heading, YAML (with a file name where there are several), and either `problems`, one per line as a person
sees them, or `records`, one per line: the type, then what differs from its default, as JSON.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from headway.connectors.goals.connector import Goals
from headway.connectors.protocol import Context
from headway.errors import GoalsError
from headway.graph.model import AnyRecord

CASES = sorted((Path(__file__).parent / "cases").glob("*.md"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def cases() -> list[tuple[str, dict[str, str], str, str]]:
    """(title, files, what is expected, expected text) of every case."""
    found = []
    for path in CASES:
        for part in re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            blocks = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)
            files = {name or "goals.yml": text for kind, name, text in blocks if kind == "yaml"}
            expected = [(kind, text) for kind, _, text in blocks if kind != "yaml"]
            assert files, part
            assert len(expected) == 1, f"{path.name}: {part[:60]}"
            found.append((f"{path.stem}: {part.splitlines()[0]}", files, *expected[0]))
    return found


def written(record: AnyRecord) -> str:
    """One record as one line; defaults and the origin are left out."""
    fields = msgspec.to_builtins(record)
    kind = fields.pop("type")
    fields.pop("origin")
    return kind + " " + ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in fields.items())


def outcome(files: dict[str, str], root: Path) -> tuple[str, str]:
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    try:
        records = list(Goals({}, Context(str(root), NOW)).records())
    except GoalsError as error:
        return "problems", str(error) + "\n"
    return "records", "".join(written(record) + "\n" for record in records)


@pytest.mark.parametrize(("title", "files", "kind", "text"), [pytest.param(*c, id=c[0]) for c in cases()])
def test_case(title: str, files: dict[str, str], kind: str, text: str, tmp_path: Path) -> None:
    assert outcome(files, tmp_path) == (kind, text)


def test_there_are_cases_of_every_kind() -> None:
    kinds = [kind for _, _, kind, _ in cases()]
    assert kinds.count("records") > 10
    assert kinds.count("problems") > 30
