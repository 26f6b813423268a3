"""The command line. Every question is a command, derived from its function; stdout is data, stderr is talk.

Nothing is decided here: a command opens a project, asks, renders, and turns the findings into an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

import click

from headway import __version__
from headway.errors import Exit, HeadwayError

if TYPE_CHECKING:
    from headway.answer import Answer
    from headway.project import Project
    from headway.questions.registry import Parameter, Question

FORMATS = ("table", "json", "csv", "md")
CHECK_FORMATS = ("text", "json", "sarif", "junit", "github", "gitlab", "comment")


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. The only place where errors become text."""
    try:
        code = cli.main(args=list(arguments), prog_name="headway", standalone_mode=False)
    except HeadwayError as error:
        click.echo(f"Error: {error}", err=True)
        return int(error.exit_code)
    except click.ClickException as error:
        error.show()
        return int(Exit.COULD_NOT_TELL)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; nothing was left half-written.", err=True)
        return int(Exit.INTERRUPTED)
    return code if isinstance(code, int) else int(Exit.FINE)


class _Commands(click.Group):
    """Built-in commands, and one for every question; questions are loaded only when a command is looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_questions()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        found = _questions().get(cmd_name)
        return _command(found) if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command {name!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        groups = {
            "Start": [(n, self.commands[n].get_short_help_str(80)) for n in self.commands],
            "Questions": [(q.name, q.summary) for q in _questions().values()],
        }
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _questions() -> dict[str, Question]:
    from headway.questions.registry import questions

    return questions()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headway")
def cli() -> None:
    """Which company goal does each model, metric and dashboard serve?

    Run it in a dbt project after `dbt parse`: `headway init` writes a starter goals.yml, `headway summary` is the
    first page.
    """


# ---------------------------------------------------------------------- options


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD", param, ctx)


_PROJECT_OPTIONS = (
    click.Option(["--project-dir"], default=".", show_default=True, metavar="DIR", help="Folder of the dbt project."),
    click.Option(["--store"], default="", metavar="URL", help="Store to use instead of the configured one."),
    click.Option(["--as-of"], type=_Day(), default=None, metavar="DATE", help="Answer for this day; default today."),
)

_FILE_OPTIONS = (
    click.Option(["--manifest"], default="", metavar="PATH", help="Read this manifest.json (or .gz); needs no store."),
    click.Option(["--goals"], default="", metavar="PATH", help="Read these goals: a file or a folder; needs no store."),
    click.Option(
        ["--usage"], multiple=True, metavar="PATH", help="Read usage and cost from CSV or Parquet; repeatable."
    ),
)

_ANSWER_OPTIONS = (
    click.Option(
        ["--format", "-f"], type=click.Choice(FORMATS), default="table", show_default=True, help="How to answer."
    ),
    click.Option(
        ["--rows"],
        type=click.IntRange(min=0),
        metavar="N",
        default=30,
        show_default=True,
        help="Rows of a table; 0 for all.",
    ),
    click.Option(["--verbose", "-v"], is_flag=True, help="Show the proof of each row, and every gap."),
    click.Option(
        ["--limit"],
        type=click.IntRange(min=0),
        metavar="N",
        default=None,
        help="Exit with 1 when there are more findings.",
    ),
)


def _project(options: dict[str, Any]) -> Project:
    """The project that the common options mean; takes them out of `options`."""
    from headway.project import Project

    directory, store = options.pop("project_dir"), options.pop("store")
    as_of, manifest = options.pop("as_of"), options.pop("manifest", "")
    goals, usage = options.pop("goals", ""), options.pop("usage", ())
    progress = _progress()
    if manifest or goals or usage:
        return Project.stateless(
            manifest=manifest, goals=goals, usage=usage, directory=directory, as_of=as_of, progress=progress
        )
    return Project.open(directory, as_of=as_of, store_url=store, progress=progress)


def _progress() -> Callable[[str, int, int], None]:
    """Progress on stderr: one line that is rewritten on a terminal, nothing otherwise."""
    if not sys.stderr.isatty():
        return lambda what, done, total: None  # noqa: ARG005 - the shape of a progress function

    def show(what: str, done: int, total: int) -> None:
        full = 24 * min(done, total) // total if total > 1 else 0
        part = f"  {'█' * full}{'░' * (24 - full)}  {done:,} of {total:,}" if total > 1 else ""
        click.echo(f"\r\x1b[2K{what}{part}", err=True, nl=False)
        if total and done >= total:
            click.echo("\r\x1b[2K", err=True, nl=False)

    return show


# ---------------------------------------------------------------------- questions as commands


def _command(question: Question) -> click.Command:
    parameters = [_parameter(p) for p in question.parameters.values()]
    shared = [*_ANSWER_OPTIONS, *_FILE_OPTIONS, *_PROJECT_OPTIONS]

    def ask(**options: Any) -> int:
        style = {key: options.pop(key) for key in ("format", "rows", "limit", "verbose")}
        project = _project(options)
        return _show(project.ask(question.name, **options), **style)

    return click.Command(
        question.name,
        params=[*parameters, *shared],
        help=f"{question.doc}\n\nCode {question.code}.",
        short_help=question.summary,
        callback=ask,
    )


def _parameter(parameter: Parameter) -> click.Parameter:
    from inspect import Parameter as Inspected

    required = parameter.default is Inspected.empty
    default = None if required else parameter.default
    if parameter.says.positional:
        metavar = parameter.says.metavar or parameter.name.upper()
        kind = {"metavar": metavar if required else f"[{metavar}]"}
        return click.Argument([parameter.name], required=required, default=default, **kind)
    flag = f"--{parameter.name.replace('_', '-')}"
    if parameter.type is bool:
        return click.Option([flag], is_flag=True, default=default, help=parameter.says.help)
    choices = get_args(parameter.type)
    kind_: Any = click.Choice(choices) if choices else _Day() if parameter.type is date else parameter.type
    shown = bool(default)
    return click.Option(
        [flag], type=kind_, default=default, required=required, show_default=shown, help=parameter.says.help
    )


def _show(answer: Answer, *, format: str, rows: int, limit: int | None, verbose: bool) -> int:  # noqa: A002 - the option
    """Print an answer; the exit code says whether it is within the limit."""
    from headway.answer import Verdict
    from headway.render.formats import RenderOptions, aside, render_as

    options = RenderOptions.for_stream(sys.stdout, os.environ, limit=rows, verbose=verbose)
    _emit(render_as(format, answer, options))
    if more := aside(format, answer, options):
        click.echo(more, err=True, nl=False)
    if limit is None or Verdict(answer=answer, limit=limit).passed:
        return Exit.FINE
    findings = f"{answer.findings:,} {'finding' if answer.findings == 1 else 'findings'}"
    click.echo(f"{findings}, more than the limit of {limit:,}.", err=True)
    return Exit.FINDINGS


def _emit(text: str) -> None:
    """Write data to stdout. A reader that has seen enough (`| head`) is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Point stdout elsewhere, so that Python's own flush at exit is silent too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---------------------------------------------------------------------- built-in commands


@cli.command(params=[*_PROJECT_OPTIONS])
@click.option("--manifest", default="", metavar="PATH", help="Read this manifest.json instead of target/manifest.json.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
def init(force: bool, **options: Any) -> int:
    """Write a starter headway.yml and goals.yml from what the project has."""
    from headway.project.starter import write_starter

    for path, note in write_starter(_project(options), force=force):
        click.echo(f"{path}: {note}", err=True)
    click.echo("Next: edit goals.yml, then run headway summary.", err=True)
    return Exit.FINE


@cli.command(params=[*_PROJECT_OPTIONS], short_help="Read every source into the store and evaluate the key results.")
@click.argument("sources", nargs=-1)
@click.option("--no-values", is_flag=True, help="Do not evaluate the key results on the warehouse.")
def sync(sources: tuple[str, ...], no_values: bool, **options: Any) -> int:
    """Read every source (or only SOURCES) into the store and evaluate the key results on the warehouse."""
    project = _project(options)
    results = project.sync(sources, evaluate=not no_values)
    width = max((len(r.connector) for r in results), default=0)
    for result in results:
        said = f"failed: {result.error}" if result.error else f"{result.records:,} records"
        click.echo(f"{result.connector:<{width}}  {said}", err=True)
        for gap in result.gaps[:5]:
            click.echo(f"{'':<{width}}  {gap.message}", err=True)
        if len(result.gaps) > 5:
            click.echo(f"{'':<{width}}  and {len(result.gaps) - 5:,} more: headway unknown", err=True)
    failed = [r.connector for r in results if r.error]
    if failed:
        click.echo(f"What was known of {', '.join(failed)} before stays in view.", err=True)
    return Exit.COULD_NOT_TELL if failed else Exit.FINE


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


@cli.command(
    params=[*_CHECK_OPTIONS, *_FILE_OPTIONS, *_PROJECT_OPTIONS], short_help="Hold the project against its gates."
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
    report = judge(_project(options), update=update, only=only, **said)
    text = report_as(style, report)
    if output:
        _write(output, text)
        click.echo(report.headline, err=True)
    else:
        _emit(text)
    return Exit.FINE if report.passed else Exit.FINDINGS


def _write(path: str, text: str) -> None:
    """Write a report to a file; raises InputError."""
    from headway.errors import InputError, Place

    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - nothing else here needs pathlib
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", place=Place(path)) from None


@cli.command(short_help="Say what a code means, why it matters and what to do.")
@click.argument("code", required=False, default="")
def explain(code: str) -> int:
    """Say what a code such as HW802 means, why it matters, how to fix it and how to configure it.

    Without CODE, lists all codes.
    """
    from headway.errors import UnknownName
    from headway.questions.explanations import explanation

    known = {q.code: explanation(q) for q in _questions().values()}
    if not code:
        _emit("".join(f"{e.code}  {e.question:<20}  {e.title}\n" for e in known.values()))
        return Exit.FINE
    found = known.get(code.upper()) or next((e for e in known.values() if e.question == code), None)
    if found is None:
        import difflib

        raise UnknownName("code", code, difflib.get_close_matches(code.upper(), known, n=3))
    parts = [f"{found.code} {found.question}: {found.title}", "", found.what]
    for title, text in (("Why", found.why), ("How to fix it", found.fix), ("How to configure it", found.configure)):
        parts += ["", title, f"  {text}"] if text else []
    _emit("\n".join(parts) + "\n")
    return Exit.FINE


@cli.command(short_help="Build the example company with dbt and show its first page.")
@click.argument("directory", default="headway-demo")
@click.option("--keep", is_flag=True, help="Use what is already built in DIRECTORY instead of building it again.")
def demo(directory: str, keep: bool) -> int:
    """Build the demo company with dbt on DuckDB in DIRECTORY, sync it, and show its first page."""
    from headway.project.demo import Demo

    built = Demo(directory, say=lambda text: click.echo(text, err=True))
    project = built.open() if keep else built.build()
    code = _show(project.ask("summary"), format="table", rows=30, limit=None, verbose=False)
    click.echo(built.next_steps(), err=True)
    return code


@cli.group(short_help="Decide which table, node or goal a dashboard belongs to.")
def link() -> None:
    """Decide about links that `headway links` lists. Decisions are kept in links.yml, to be reviewed like code.

    UPSTREAM is the handle of an open link, such as @1f0c9a2; or a node; or table:NAME for a table as a dashboard tool
    names it. DOWNSTREAM is then the dashboard, chart or dataset that reads it, or the key result that a dashboard
    shows; a table without one is decided for all that read it.
    """


_DECISION_OPTIONS = (
    click.Argument(["upstream"], metavar="UPSTREAM"),
    click.Argument(["downstream"], metavar="[DOWNSTREAM]", required=False, default=""),
    click.Option(["--note"], default="", metavar="TEXT", help="Why, for whoever reads it later."),
    click.Option(["--by"], default="", metavar="WHO", help="Who decided; default: who is logged in."),
    *_PROJECT_OPTIONS,
)


@link.command(params=[*_DECISION_OPTIONS])
@click.option("--as", "target", default="", metavar="NODE", help="The node that a table means.")
def accept(target: str, **options: Any) -> int:
    """Accept a link: that a dashboard shows a key result, or that a table means a node."""
    return _decide(accepted=True, target=target, options=options)


@link.command(params=[*_DECISION_OPTIONS])
def decline(**options: Any) -> int:
    """Decline a link, so that it does not count and is not asked about again."""
    return _decide(accepted=False, target="", options=options)


def _decide(*, accepted: bool, target: str, options: dict[str, Any]) -> int:
    from headway.project.decisions import decide

    said = {key: options.pop(key) for key in ("upstream", "downstream", "note", "by")}
    said["by"] = said["by"] or next((os.environ[n] for n in ("LOGNAME", "USER", "USERNAME") if os.environ.get(n)), "")
    project = _project(options)
    written = decide(project, accepted=accepted, target=target, **said)
    click.echo(f"{'Accepted' if accepted else 'Declined'}: {written.sentence}", err=True)
    click.echo(f"Written to {written.file}, line {written.line}.", err=True)
    if project.stored:
        click.echo("It counts after the next headway sync.", err=True)
    return Exit.FINE


# ---------------------------------------------------------------------- retirement


@cli.command(
    params=[
        *(option for option in _ANSWER_OPTIONS if option.name != "limit"),
        *_FILE_OPTIONS,
        *_PROJECT_OPTIONS,
    ],
    short_help="Take assets out of service in steps, by edits that can be taken back.",
)
@click.argument("assets", nargs=-1)
@click.option("--select", default="", help="Assets that this dbt-style selector names.")
@click.option("--objective", default="", help="What goes when this objective ends, or because it has ended.")
@click.option("--zombies", is_flag=True, help="Everything that can go.")
@click.option(
    "--stage",
    type=click.Choice(("announced", "deprecated", "disabled", "dropped")),
    default="announced",
    show_default=True,
    help="How far to go.",
)
@click.option("--on", type=_Day(), metavar="DATE", help="Day of the stage; default: the day of the answer.")
@click.option("--write", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option("--sql", is_flag=True, help="Print DROP statements for people to read and run; nothing is run.")
@click.option("--undo", default="", metavar="RUN", help="Take back what one run wrote, byte for byte.")
@click.option("--status", is_flag=True, help="What is being retired, and which runs can be taken back.")
def retire(undo: str, status: bool, write: bool, sql: bool, **options: Any) -> int:
    """Take ASSETS out of service: announced, then deprecated, disabled and dropped.

    What goes is the largest set of which nothing outside loses anything it needs: see `headway retire-plan`. Without
    ASSETS, --select, --objective or --zombies it goes on with what an earlier stage was written of. Nothing is written
    without --write, and nothing is ever run on the warehouse. `retirements.yml` says what was done when, and why.
    """
    from headway.project import retire as retirement

    style = {key: options.pop(key) for key in ("format", "rows", "verbose")}
    asked = {key: options.pop(key) for key in ("select", "objective", "stage", "on")}
    assets, everything = ",".join(options.pop("assets")), options.pop("zombies")
    project = _project(options)
    if undo:
        taken_back = retirement.undo(project, undo)
        count = len(taken_back.files)
        as_before = "1 file is as it was" if count == 1 else f"{count:,} files are as they were"
        click.echo(f"Took back {taken_back.id}: {as_before}.", err=True)
        return Exit.FINE
    if status:
        return _show(retirement.status(project), limit=None, **style)
    prepared = retirement.prepare(project, assets=assets, everything=everything, **asked)
    if sql:
        _emit("".join(f"{line}\n" for line in prepared.statements))
    else:
        _show(prepared.answer, limit=None, **style)
    written = retirement.write(project, prepared) if write else None
    for line in retirement.summary(prepared, verbose=style["verbose"], written=written is not None):
        click.echo(line, err=True)
    return Exit.FINE
