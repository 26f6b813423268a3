"""The formats an answer can be shown in, by name. Nothing heavy is loaded before a format is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headway.answer import Answer
from headway.errors import UnknownName
from headway.render.options import RenderOptions

__all__ = ["FORMATS", "RenderOptions", "Renderer", "aside", "render_as"]

Renderer = Callable[[Answer, RenderOptions], str]


def _table(answer: Answer, options: RenderOptions) -> str:
    from headway.render.table import render

    return render(answer, options)


def _json(answer: Answer, options: RenderOptions) -> str:
    from headway.render.as_json import render

    return render(answer, options)


def _csv(answer: Answer, options: RenderOptions) -> str:
    from headway.render.as_csv import render

    return render(answer, options)


def _markdown(answer: Answer, options: RenderOptions) -> str:
    from headway.render.markdown import render

    return render(answer, options)


FORMATS: Mapping[str, Renderer] = {"table": _table, "json": _json, "csv": _csv, "md": _markdown}
"""Format name -> function that gives the answer as text ending in a newline."""


def render_as(name: str, answer: Answer, options: RenderOptions | None = None) -> str:
    """The answer in the named format. Raises UnknownName for a format that there is not."""
    if name not in FORMATS:
        raise UnknownName("format", name, tuple(FORMATS))
    return FORMATS[name](answer, options or RenderOptions())


def aside(name: str, answer: Answer, options: RenderOptions | None = None) -> str:
    """What the format has no place for and belongs on stderr: the gaps, for CSV. '' where it carries everything."""
    if name != "csv":
        return ""
    from headway.render.table import render_gaps

    return render_gaps(answer, options or RenderOptions())
