"""The gate: check, and explain what a code means."""

from __future__ import annotations

from typing import Any

import click

from headway.cli.options import FILE_OPTIONS, PROJECT_OPTIONS, project_of
from headway.cli.output import emit, write
from headway.cli.questions import asked
from headway.errors import Exit

CHECK_FORMATS = ("text", "json", "sarif", "junit", "github", "gitlab", "comment")

_CHECK_OPTIONS = (
    click.Option(
        ["--against"],
        default="",
        metavar="MANIFEST|REF",
        help="Judge only what changed since this manifest.json (or folder, or git revision).",
    ),
    click.Option(["--baseline"], default="", metavar="FILE", help="Do not count the findings in this file."),
    click.Option(
        ["--update-baseline"],
        is_flag=True,
        help="Take from the baseline what is gone; write it where there is none.",
    ),
    click.Option(["--gate"], multiple=True, metavar="NAME", help="Only this gate; repeatable."),
    click.Option(
        ["--columns"], is_flag=True, help="Also follow columns; needs SQL that dbt compiled, and takes longer."
    ),
    click.Option(
        ["--format", "-f"],
        type=click.Choice(CHECK_FORMATS),
        default="text",
        show_default=True,
        help="How to report.",
    ),
    click.Option(["--output"], default="", metavar="FILE", help="Write the report here instead of to stdout."),
)


@click.command(
    params=[*_CHECK_OPTIONS, *FILE_OPTIONS, *PROJECT_OPTIONS], short_help="Hold the project against its gates."
)
def check(**options: Any) -> int:
    """Hold the project, or what a change makes of it, against the gates of headway.yml.

    Exits with 0 when every gate passed, 1 when one of the level error is over its limit, 2 when there is no telling.
    Needs a manifest (dbt parse) and goals; no store and no warehouse.
    """
    from headway.project.gate import check as judge
    from headway.render.report import report_as

    said = {key: options.pop(key) for key in ("against", "baseline", "columns")}
    update, only = options.pop("update_baseline"), options.pop("gate")
    style, output = options.pop("format"), options.pop("output")
    if update and not said["baseline"]:
        raise click.UsageError("--update-baseline needs --baseline FILE")
    report = judge(project_of(options), update=update, only=only, **said)
    text = report_as(style, report)
    if output:
        write(output, text)
        click.echo(report.headline, err=True)
    else:
        emit(text)
    return Exit.FINE if report.passed else Exit.FINDINGS


@click.command(short_help="Say what a code means, why it matters and what to do.")
@click.argument("code", required=False, default="")
def explain(code: str) -> int:
    """Say what a code such as HW802 means, why it matters, how to fix it and how to configure it.

    Without CODE, lists all codes.
    """
    from headway.errors import UnknownName
    from headway.questions.explanations import explanation

    known = {q.code: explanation(q) for q in asked().values()}
    if not code:
        emit("".join(f"{e.code}  {e.question:<20}  {e.title}\n" for e in known.values()))
        return Exit.FINE
    found = known.get(code.upper()) or next((e for e in known.values() if e.question == code), None)
    if found is None:
        import difflib

        raise UnknownName("code", code, difflib.get_close_matches(code.upper(), known, n=3))
    parts = [f"{found.code} {found.question}: {found.title}", "", found.what]
    for title, text in (("Why", found.why), ("How to fix it", found.fix), ("How to configure it", found.configure)):
        parts += ["", title, f"  {text}"] if text else []
    emit("\n".join(parts) + "\n")
    return Exit.FINE
