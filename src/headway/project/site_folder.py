"""The pages as a folder of files, for any web server that gives out files, below any path.

Every page is an HTML file with its JSON twin beside it; links are relative. Assets have a page and a Lineage each. What
a server does with the parameters of an address, the Map and the List do themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from urllib.parse import parse_qsl, quote

import msgspec
from msgspec.structs import replace

from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.project.pages import map_payload
from headway.project.pages.map import MapPage
from headway.project.pages.table import BY_NAME, PageRow, resolve
from headway.project.pages.view import look, shell_of
from headway.project.site import Wanted, foot, redacted, scrubbed, trimmed
from headway.project.workspace import Project
from headway.render.html.pages import render_page
from headway.render.html.shell import Host
from headway.render.html.single import NOWHERE, foot_beside, without_dead_links
from headway.render.html.static_files import digest, static_files

MARKER = "headway-site.json"
"""Lists the files of a folder that was written before: only such a folder, or an empty one, is written to."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_LISTED = frozenset({"q", "sort", "page", "band", "folder", "objective", "only", "state", "trust", "around"})


class KeyedMap(map_payload.MapPayload, frozen=True, kw_only=True):
    """The payload of the Map with the file of each asset, below `asset/` and `lineage/`."""

    keys: list[str]


def write_folder(project: Project, wanted: Wanted, out: Path) -> int:
    """Write the pages into a folder; returns the number of files. Equal projects give equal files.

    Raises UsageError for a folder that holds something else, or that cannot be written.
    """
    before = _before(out)
    written: dict[str, int] = {}
    try:
        for name, content in files(project, wanted):
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written[name] = len(content)
        for name in sorted(before - set(written)):
            (out / name).unlink(missing_ok=True)
        (out / MARKER).write_text(json.dumps({"files": sorted(written)}, indent=0), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    return len(written)


def files(project: Project, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, static files first."""
    for name, content in static_files().items():
        if name != "vendor/htmx.min.js":
            yield f"static/{digest()}/{name}", content
    project = trimmed(project, wanted)
    graph = project.graph()
    leads = _Leads(project, wanted)
    for row, key, given in _rows(graph, wanted):
        yield from leads.page(row, key, given)


def file_of(node: str) -> str:
    """`fct_orders-1f0a93bc.html`: the file of a node, readable and safe on every file system."""
    plain = re.sub(r"[^a-z0-9_]+", "-", node.rpartition(":")[2].rpartition(".")[2].lower()).strip("-")[:48]
    return f"{plain or 'node'}-{blake2b(node.encode(), digest_size=4).hexdigest()}.html"


Row = tuple[PageRow, str, Mapping[str, str]]


def _rows(graph: Graph, wanted: Wanted) -> Iterator[Row]:
    for name in ("objectives", "map", "list"):
        yield BY_NAME[name], "", {}
    if wanted.cost:
        for by in ("", "owner", "folder"):
            yield BY_NAME["cost"], "", {"by": by} if by else {}
    for node in graph.nodes:
        own = node.kind if node.kind in {"objective", "key_result"} else "" if KINDS[node.kind].goal else "asset"
        if own:
            yield BY_NAME[own], node.id, {}
            yield BY_NAME["lineage"], node.id, {}


class _Leads:
    """Where pages stand in the folder, and the pages themselves."""

    def __init__(self, project: Project, wanted: Wanted) -> None:
        self._project, self._wanted = project, wanted
        self._graph = project.graph()
        self._server = project.config.serve.url.rstrip("/")
        self._nodes, _ = map_payload.arranged(self._graph, project.config.layers)
        self._places = {
            row.to(key, **given): self._place(row, key, given) for row, key, given in _rows(self._graph, wanted)
        }
        self._tabs = {row.tab for row, _, _ in _rows(self._graph, wanted)}

    def page(self, row: PageRow, key: str, given: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """The files of a page: itself and its twin."""
        place = self._place(row, key, given)
        up = "../" * place.count("/")
        viewed = look(row, self._project, key, given)
        page = redacted(viewed.page, self._wanted)
        shell = shell_of(viewed, self._project)
        modules = ("folder.js",) if row.name in {"map", "list"} else shell.modules
        tabs = tuple(replace(t, count=0) for t in shell.tabs if t.name in self._tabs)
        shell = replace(shell, tabs=tabs, modules=modules, stale="", search=False, twin="")
        if isinstance(page, MapPage):
            page = self._map(page)
        twin = place.removesuffix(".html") + ".json"
        host = Host(
            to=lambda address: self._to(address, up),
            file=lambda name: f"{up}static/{digest()}/{name}",
            served=False,
            tail=foot_beside(up + twin, foot(self._project, self._wanted)),
        )
        html = without_dead_links(render_page(row.template, page, shell, host))
        policy = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        html = html.replace('<meta charset="utf-8">', policy, 1)
        yield place, scrubbed(html, self._wanted).encode()
        yield twin, scrubbed(msgspec.json.encode(page).decode(), self._wanted).encode()

    def _place(self, row: PageRow, key: str, given: Mapping[str, str]) -> str:
        if row.name == "objectives":
            return "index.html"
        if row.key:
            return f"{row.address.strip('/').partition('/')[0]}/{file_of(key)}"
        return "-".join((row.name, *given.values())) + ".html"

    def _map(self, page: MapPage) -> MapPage:
        """The Map, whose module finds assets and objectives by their files."""
        old = page.payload
        columns = {f: getattr(old, f) for f in old.__struct_fields__}
        columns["objectives"] = [replace(o, id=file_of(o.id)) for o in old.objectives]
        columns["key_results"] = [replace(k, id=file_of(k.id)) for k in old.key_results]
        return replace(page, payload=KeyedMap(**columns, keys=[file_of(self._graph.nodes[i].id) for i in self._nodes]))

    def _to(self, address: str, up: str) -> str:
        if address in {"/asset/", "/lineage/"}:
            return f"{up}{address[1:]}"
        path, _, query = address.partition("#")[0].partition("?")
        found = self._places.get(address) or self._places.get(path)
        given = dict(parse_qsl(query))
        if found and (not given or address in self._places):
            return f"{up}{found}"
        row = resolve(path)
        if found and row and row[0].name == "objectives":
            return f"{up}index.html"
        if row and row[0].name in {"map", "list"} and set(given) <= {*_LISTED, "colour", "asset"}:
            kept = {k: file_of(v) if k in {"objective", "only", "asset", "around"} else v for k, v in given.items()}
            return f"{up}{row[0].name}.html?" + "&".join(f"{k}={quote(v)}" for k, v in kept.items())
        if row and found and row[0].key:
            return f"{up}{found}"
        return f"{self._server}{address}" if self._server else NOWHERE


def _before(out: Path) -> set[str]:
    try:
        if not out.exists() or not any(out.iterdir()):
            return set()
        marker = json.loads((out / MARKER).read_text(encoding="utf-8"))
        names = {str(n) for n in marker["files"]}
    except FileNotFoundError:
        raise UsageError(
            f"{out} holds files that are not of a site", hint="name a folder that is new or empty"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{out / MARKER} cannot be read: {error}", hint="name a folder that is new or empty") from None
    # A list that was tampered with names nothing outside of the folder.
    return {n for n in names if not Path(n).is_absolute() and ".." not in Path(n).parts}
