"""A page as HTML: its template with its data, and the shell around it.

Everything that a page shows comes from other people's files. Autoescape is on and nothing is ever marked safe but the
charts of this package; no template writes an inline script, an inline style or an `on...` attribute, so that the served
policy can forbid them; links out of Headway are followed only to http and https.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from headway.render.html import charts
from headway.render.html.areas import area, line
from headway.render.html.icicle import icicle
from headway.render.html.series import series
from headway.render.html.shell import Host, Shell
from headway.render.html.static_files import digest


def render_page(template: str, page: object, shell: Shell, host: Host | None = None) -> str:
    """The HTML of a page. `page` is any struct; the template says what it needs of it, and what lacks raises.

    Without a host, addresses are those of a server at the root of its domain.
    """
    host = host or server()
    return environment().get_template(template).render(page=page, shell=shell, host=host, to=host.to, file=host.file)


def render_part(template: str, name: str, **values: Any) -> str:
    """One macro of a template, for an answer that replaces a part of a page."""
    module: Any = environment().get_template(template).module
    return str(getattr(module, name)(**values))


def server(base: str = "", at: str = "") -> Host:
    """The host behind `headway serve`, below a path such as `/headway` where a proxy puts it there.

    `at`: the earlier day that a page is about; links from it lead to that day as well.
    """

    def to(address: str) -> str:
        if not at or "at=" in address:
            return base + address
        path, mark, anchor = address.partition("#")
        return f"{base}{path}{'&' if '?' in path else '?'}at={quote(at)}{mark}{anchor}"

    return Host(to=to, file=lambda name: f"{base}/static/{digest()}/{name}")


@cache
def environment() -> Environment:
    """Jinja2 as all templates have it."""
    found = Environment(
        loader=PackageLoader("headway.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "breakable": breakable,
        "payload": payload,
        "outside": outside,
        "day": day,
        "thousands": lambda number: f"{number:,}",
        "dated": lambda row, field: (row.day, getattr(row, field)),
    }
    found.globals |= {"charts": {**charts.DRAWN, "series": series, "icicle": icicle, "area": area, "line": line}}
    return found


def breakable(name: str) -> Markup:
    """A long name that may break after an underscore or a dot, and never in the middle of a word."""
    text = escape(name)
    return Markup(text.replace("_", Markup("_<wbr>")).replace(".", Markup(".<wbr>")))  # noqa: S704 - escaped above


def payload(data: object) -> Markup:
    """Data for a `<script type="application/json">`: nothing in it can close the element or open a comment."""
    text = msgspec.json.encode(data).decode()
    for sign, escaped in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, escaped)
    return Markup(text)  # noqa: S704 - JSON without any sign that HTML knows


def outside(url: str) -> str:
    """An address from metadata that a link may lead to: http or https with a host; '' for anything else."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else ""


def day(when: date | None) -> str:
    """`22 Nov`; '' without one."""
    return f"{when.day} {when:%b}" if when else ""
