"""Every question as a command, derived from its function."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, get_args

import click

from headway.cli.options import ANSWER_OPTIONS, FILE_OPTIONS, PROJECT_OPTIONS, Day, project_of
from headway.cli.output import show

if TYPE_CHECKING:
    from headway.questions.registry import Parameter, Question


def asked() -> dict[str, Question]:
    """All questions by name; loaded on the first call."""
    from headway.questions.registry import questions

    return questions()


def command_of(question: Question) -> click.Command:
    """The command that asks a question, with its parameters as options, and those that all answers share."""
    parameters = [_parameter(p) for p in question.parameters.values()]
    shared = [*ANSWER_OPTIONS, *FILE_OPTIONS, *PROJECT_OPTIONS]

    def ask(**options: Any) -> int:
        style = {key: options.pop(key) for key in ("format", "rows", "limit", "verbose")}
        project = project_of(options)
        return show(project.ask(question.name, **options), **style)

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
    # None would be taken for a value: then nobody would be told that something is missing.
    given: dict[str, Any] = {} if required else {"default": parameter.default}
    choices = get_args(parameter.type)
    type_: Any = click.Choice(choices) if choices else Day() if parameter.type is date else parameter.type
    if parameter.says.positional:
        metavar = parameter.says.metavar or parameter.name.upper()
        metavar = metavar if required else f"[{metavar}]"
        return click.Argument([parameter.name], type=type_, required=required, metavar=metavar, **given)
    flag = f"--{parameter.name.replace('_', '-')}"
    if parameter.type is bool:
        return click.Option([flag], is_flag=True, help=parameter.says.help, **given)
    shown = bool(given.get("default"))
    return click.Option([flag], type=type_, required=required, show_default=shown, help=parameter.says.help, **given)
