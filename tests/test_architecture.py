"""The shape of the code: imports go down, nothing can reach itself, light parts stay light, names and sizes hold."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "headway"
FILES = sorted(SOURCE.rglob("*.py"))

LONGEST_FILE = 600
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc", "base"}

HEAVY = {
    "alembic",
    "asyncio",
    "click",
    "duckdb",
    "fastapi",
    "http.client",
    "ibis",
    "jinja2",
    "metricflow",
    "numpy",
    "pandas",
    "psycopg",
    "pyarrow",
    "rich",
    "ruamel",
    "sqlalchemy",
    "sqlglot",
    "starlette",
    "uvicorn",
    "yaml",
}
DISK_AND_NET = {"shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib.request"}
PURE = ("headway.errors", "headway.config", "headway.graph", "headway.answer", "headway.questions")


def modules() -> list[str]:
    """Every module of the package."""
    return [
        ".".join(p for p in file.relative_to(SOURCE.parent).with_suffix("").parts if p != "__init__") for file in FILES
    ]


def loaded_by(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after this statement, written to its stderr."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(ran.stderr.splitlines()[-1]))


def modules_in_cycles(package: str) -> list[str]:
    """Modules that reach themselves, a package and its own submodule included.

    The linter's contract about cycles compares siblings, so it misses a submodule that imports its own package.
    """
    graph = grimp.build_graph(package, cache_dir=None, exclude_type_checking_imports=True)

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(graph.find_modules_directly_imported_by(start))
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += graph.find_modules_directly_imported_by(module)
        return seen

    return sorted(module for module in graph.modules if module in reachable(module))


def test_the_import_contracts_are_kept() -> None:
    # in a process of its own: the linter silences every logger that exists when it begins
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = (ROOT / ".importlinter").read_text(encoding="utf-8").count("[importlinter:contract:")
    assert f"{contracts} kept, 0 broken" in done.stdout


def test_no_module_reaches_itself() -> None:
    assert modules_in_cycles("headway") == []


def test_a_package_that_its_own_submodule_imports_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "knotted"
    package.mkdir()
    (package / "__init__.py").write_text("from knotted.inner import thing\n")
    (package / "inner.py").write_text("def thing():\n    import knotted\n")
    (package / "free.py").write_text("from knotted.inner import thing\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert modules_in_cycles("knotted") == ["knotted", "knotted.inner"]


def test_the_package_itself_loads_nothing_heavy() -> None:
    loaded = loaded_by("import headway")
    assert "headway" in loaded
    assert loaded & (HEAVY | DISK_AND_NET) == set()


def test_the_thinking_floors_load_no_driver_terminal_or_disk() -> None:
    pure = [module for module in modules() if module.startswith(PURE)]
    assert {"headway.graph.model", "headway.answer", "headway.errors"} <= set(pure)
    loaded = loaded_by("import importlib\n" + "\n".join(f"importlib.import_module({module!r})" for module in pure))
    assert set(pure) <= loaded
    entry_points = loaded_by("import importlib.metadata")  # questions are found by it, and it loads shutil and socket
    assert loaded & HEAVY == set()
    assert (loaded - entry_points) & DISK_AND_NET == set()


def test_connectors_load_their_vendors_only_when_asked() -> None:
    loaded = loaded_by("import headway.connectors.observations, headway.connectors.dbt.connector")
    assert loaded & HEAVY == set()


def test_the_version_is_said_without_loading_what_answers() -> None:
    loaded = loaded_by("import sys; sys.argv = ['headway', '--version']; from headway.__main__ import main; main()")
    assert "headway.cli.main" in loaded
    slow = {"rich", "sqlalchemy", "ruamel", "alembic", "duckdb", "ibis", "metricflow", "numpy"}
    assert loaded & slow == set()
    above = ("headway.questions", "headway.project", "headway.store", "headway.warehouse", "headway.connectors")
    assert [module for module in loaded if module.startswith(above)] == []


def test_the_suite_for_authors_is_imported_by_nothing_else() -> None:
    graph = grimp.build_graph("headway", cache_dir=None)
    assert graph.find_modules_that_directly_import("headway.testing") == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_files_are_short_named_and_described(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    assert file.stem not in VAGUE
    assert file.parent.name not in VAGUE
    assert list(undescribed(text)) == []


def undescribed(text: str) -> Iterator[str]:
    """Names of the module and of public classes, functions and methods that have no docstring."""
    tree = ast.parse(text)
    if tree.body and not ast.get_docstring(tree):
        yield "the module"
    yield from _undescribed(tree, "")


def _undescribed(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for item in scope.body:
        if not isinstance(item, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or item.name.startswith("_"):
            continue
        marks = {ast.unparse(mark).rpartition(".")[2] for mark in item.decorator_list}
        if not ast.get_docstring(item) and not marks & {"overload", "override", "setter"}:
            yield prefix + item.name
        if isinstance(item, ast.ClassDef):
            yield from _undescribed(item, f"{item.name}.")


def test_what_is_not_described_is_found() -> None:
    text = textwrap.dedent(
        '''
        def plain(): ...
        def _private(): ...
        class Said:
            """It is."""
            def method(self): ...
            def __repr__(self): ...
            @typing.overload
            def twice(self): ...
        class Unsaid:
            def told(self):
                """Told."""
                def inside(): ...
        '''
    )
    assert list(undescribed(text)) == ["the module", "plain", "Said.method", "Unsaid"]
