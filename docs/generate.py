"""Write docs/reference.md (commands, questions, connectors, policy, errors) and docs/codes.md from the code.

python docs/generate.py            write them
python docs/generate.py --check    exit with 1 when one is not up to date
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

from headway import errors
from headway.cli.main import cli
from headway.config import Policy
from headway.errors import Exit, HeadwayError
from headway.questions.explanations import explanation
from headway.questions.registry import questions

PAGE = Path(__file__).with_name("reference.md")
CODES = Path(__file__).with_name("codes.md")


def reference() -> str:
    """The whole page."""
    return "\n".join([*_head(), *_commands(), *_connectors(), *_policy(), *_exits(), *_errors()]).rstrip() + "\n"


def _head() -> Iterator[str]:
    yield "# Reference\n"
    yield "Generated from the code by `python docs/generate.py`; a test keeps it current.\n"


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    yield "Every question takes `--format table|json|csv|md`, `--limit N`, `--as-of DATE` and the rest shown below.\n"
    asked = questions()
    root = click.Context(cli, info_name="headway")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        if command is None:
            continue
        title = f"### `headway {name}`" + (f" ({asked[name].code})" if name in asked else "")
        context = click.Context(command, info_name=name, parent=root, terminal_width=100, max_content_width=100)
        yield from _command(title, command, context)
        for part, below in sorted(getattr(command, "commands", {}).items()):
            under = click.Context(below, info_name=part, parent=context, terminal_width=100, max_content_width=100)
            yield from _command(f"#### `headway {name} {part}`", below, under)


def _command(title: str, command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"{title}\n"
    yield f"```text\n{command.get_help(context)}\n```\n"


def _connectors() -> Iterator[str]:
    yield "## Connectors\n"
    for point in sorted(entry_points(group="headway.connectors"), key=lambda p: p.name):
        connector = point.load()
        yield f"### `{point.name}`\n"
        yield inspect.getdoc(connector) or ""
        yield "\n| option | type | default | meaning |\n|---|---|---|---|"
        for option in connector.options:
            default = "" if option.default in (None, "") else f"`{option.default}`"
            secret = f" From the environment variable `{option.env}`." if option.env else ""
            meaning = (option.help + secret).replace("|", "\\|")
            yield f"| `{option.name}` | {getattr(option.type, '__name__', option.type)} | {default} | {meaning} |"
        yield ""


def _policy() -> Iterator[str]:
    yield "## Policy\n"
    yield "Thresholds of the company's own, under `policy:` in headway.yml.\n"
    yield "| key | default | meaning |\n|---|---|---|"
    comments = _comments(Policy)
    for field in dataclasses.fields(Policy):
        default = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        yield f"| `{field.name}` | {default} | {comments.get(field.name, '')} |"
    yield ""


def _exits() -> Iterator[str]:
    yield "## Exit codes\n"
    yield "| code | name | meaning |\n|---|---|---|"
    comments = _comments(Exit)
    for code in Exit:
        meaning = comments.get(code.name, "")
        yield f"| {int(code)} | {code.name.replace('_', ' ').lower()} | {meaning} |"
    yield ""


def _errors() -> Iterator[str]:
    yield "## Errors\n"
    yield "Each is one sentence on stderr, with file, line and column where there are any.\n"
    yield "| error | exit code | when |\n|---|---|---|"
    for _, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, HeadwayError):
            first = (inspect.getdoc(error) or "").partition("\n")[0]
            yield f"| `{error.__name__}` | {int(error.exit_code)} | {first} |"


def codes() -> str:
    """The page of codes: what `headway explain` says of each."""
    return "\n".join(_codes()).rstrip() + "\n"


def _codes() -> Iterator[str]:
    yield "# Codes\n"
    yield "What `headway explain` says of each code. Codes are stable and never reused. Generated from the code.\n"
    for question in questions().values():
        told = explanation(question)
        yield f"## {told.code}: {told.title}\n"
        yield f"`headway {told.question}`\n"
        yield f"{told.what}\n"
        for title, text in (("Why", told.why), ("How to fix it", told.fix), ("How to configure it", told.configure)):
            if text:
                yield f"**{title}.** {text}\n"


def _comments(cls: type) -> dict[str, str]:
    """The docstrings under the fields of a class, by field."""
    import ast

    found: dict[str, str] = {}
    (body,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(body, ast.ClassDef)
    name = ""
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and name:
            found[name] = " ".join(str(statement.value.value).split())
    return found


def main() -> int:
    """Write the pages, or check them."""
    pages = {PAGE: reference(), CODES: codes()}
    if "--check" in sys.argv[1:]:
        return 0 if all(p.exists() and p.read_text(encoding="utf-8") == text for p, text in pages.items()) else 1
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
