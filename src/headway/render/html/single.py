"""Pages as one HTML file that opens from disk and makes no request.

The first page is plain HTML, readable without scripts. The others are packed behind it, gzip in base64, and shown by
what stands behind the `#`. Style sheets stand in the file, the font in them; modules are `data:` addresses behind an
import map, as a module out of a `data:` address cannot resolve a relative name. They stay as they are served, neither
minified nor bundled. The policy in the file forbids every request, and every inline script but its own three.

Equal pages give equal bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import msgspec
from markupsafe import Markup

from headway.render.html.pages import render_page
from headway.render.html.shell import Host, Shell
from headway.render.html.static_files import media_type, static_files

ENTRY = "single.js"
NOWHERE = "#-"
"""Where an address leads that the file does not have. Links there lose their address and become plain words."""

_REMARK = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
"""What a style sheet says to whoever edits it; the file leaves it out."""
_REMARKS = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?s:(?:(?!\*/).)*)\*/[ \t]*)\n", re.MULTILINE)
"""The same of a module, where it has whole lines."""
_LEADS_NOWHERE = re.compile(r' href="#-"')
_IMPORTED = re.compile(r'(from|import) ?"\./([\w.]+)"')
_OPENING = 'if (location.hash.length > 1) document.documentElement.dataset.opening = "";'
_HIDDEN = "html[data-opening] main, html[data-opening] .bar { visibility: hidden; } .picture > .made { display: none; }"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the file."""

    name: str
    """Which page it is, as in `map`."""
    address: str
    """`/cost?by=owner`."""
    template: str
    page: msgspec.Struct
    shell: Shell
    tab: str = ""
    kind: str = ""
    """What search calls it; '' for a page that search does not find."""


def single_file(
    parts: Sequence[Part],
    to: Callable[[str], str],
    *,
    foot: str,
    scrub: Callable[[str], str] = str,
) -> str:
    """The file. The first part is its opening page; `to` leads from an address inside Headway to one inside the file.

    `foot` says of what the file is made. `scrub` is the last to see every text that comes from a page.
    """
    packed: dict[str, object] = {}
    for part in parts[1:]:
        html = render_page(part.template, part.page, part.shell, Host(to=to, file=_no_file, served=False, bare=True))
        packed[part.address] = _entry(part, scrub(without_dead_links(html)))
    packed[parts[0].address] = _entry(parts[0], "")
    sheets = tuple(dict.fromkeys(sheet for part in parts for sheet in ("base", *part.shell.sheets)))
    body = json.dumps(packed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    blob = base64.b64encode(gzip.compress(body.encode(), 9, mtime=0)).decode()
    head, tail = _head(sheets, parts[0].shell.sheets), _tail(blob, scrub(foot))
    # What is scrubbed must not hold the packed pages: base64 could look like anything.
    marks = (Markup("<!--head-->"), Markup("<!--tail-->"))
    host = Host(to=to, file=_no_file, served=False, head=marks[0], tail=marks[1])
    html = scrub(without_dead_links(render_page(parts[0].template, parts[0].page, parts[0].shell, host)))
    return html.replace(marks[0], head, 1).replace(marks[1], tail, 1)


def foot_beside(twin: str, words: str) -> str:
    """The foot of a page of a folder, which has its JSON twin at an address beside it."""
    link = Markup('<a href="{}">This page as JSON</a> ').format(twin)
    return Markup('<footer class="foot made" data-folder>{}<span>{}</span></footer>').format(link, words)


def policy(scripts: Sequence[str]) -> str:
    """The policy of the file: nothing is requested, and of inline scripts only these run."""
    allowed = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed} data:; font-src data:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _entry(part: Part, html: str) -> Mapping[str, object]:
    return {
        "name": part.name,
        "title": part.page.title if hasattr(part.page, "title") else "",
        "tab": part.tab,
        "kind": part.kind,
        "picture": part.shell.picture,
        "sheets": ["base", *part.shell.sheets],
        "html": html,
    }


def without_dead_links(html: str) -> str:
    """A page whose links to nowhere are plain words."""
    return _LEADS_NOWHERE.sub("", html)


def _no_file(name: str) -> str:
    raise AssertionError(f"a template of the single file asks for {name}")


def _head(sheets: Sequence[str], first: Sequence[str]) -> Markup:
    files = static_files()
    imports = json.dumps({"imports": _modules()}, sort_keys=True, separators=(",", ":"))
    start = f'import "headway/{ENTRY}";'
    font = _data_url("vendor/inter.woff2")
    icon = _data_url("icon.svg")
    lines = [
        f'<meta http-equiv="Content-Security-Policy" content="{policy((_OPENING, imports, start))}">',
        f'<link rel="icon" href="{icon}">',
        f"<script>{_OPENING}</script>",
        f"<style>{_HIDDEN}</style>",
    ]
    for sheet in sheets:
        css = _REMARK.sub("", files[f"{sheet}.css"].decode()).replace("vendor/inter.woff2", font)
        shown = "all" if sheet in {"base", *first} else "not all"
        lines.append(f'<style data-sheet="{sheet}" media="{shown}">\n{css}</style>')
    lines.append(f'<script type="importmap">{imports}</script>')
    lines.append(f'<script type="module">{start}</script>')
    return Markup("\n".join(lines))  # noqa: S704 - static files of this package


def _tail(blob: str, foot: str) -> Markup:
    made = Markup('<footer class="foot made" data-file>{}</footer>\n').format(foot)
    return made + Markup(f'<script id="pages" type="text/plain" data-file>{blob}</script>')  # noqa: S704 - base64


def _modules() -> dict[str, str]:
    """Every module that the entry imports, each once: `headway/dom.js` -> a `data:` address of its text."""
    files = static_files()
    found: dict[str, str] = {}
    todo = [ENTRY, "map_page.js", "lineage_page.js"]
    while todo:
        name = todo.pop()
        key = f"headway/{name}"
        if key in found:
            continue
        source = files[name].decode()
        todo += [m[2] for m in _IMPORTED.finditer(source)]
        text = _IMPORTED.sub(
            lambda m: f'{m[1]} "headway/{m[2]}"' if m[1] != "import(" else f'import("headway/{m[2]}"',
            _REMARKS.sub("", source),
        )
        found[key] = "data:text/javascript," + quote(text, safe=" !$&'()*+,/:;=?@[]{}|^~`\"-_.\\>")
    return found


def _data_url(name: str) -> str:
    kind = media_type(name).partition(";")[0]
    return f"data:{kind};base64,{base64.b64encode(static_files()[name]).decode()}"
