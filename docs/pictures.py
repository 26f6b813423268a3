"""Draw the pictures of the docs from the demo: `headway demo build/demo`, then `python docs/pictures.py build/demo`.

Each picture of a command is its real output, with colours, as SVG text in the reader's own monospace font: nothing is
fetched when it is shown. Each picture of a page is what Chromium shows of `headway site`, as PNG.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from headway.project import Project
from headway.project.demo import Demo
from headway.project.site import Wanted, one_file
from headway.render.formats import RenderOptions, render_as

PICTURES: Mapping[str, tuple[str, dict[str, object]]] = {
    "summary": ("headway summary", {}),
    "why": ("headway why stg_billing__subscriptions", {"asset": "stg_billing__subscriptions"}),
    "trust": ("headway trust", {}),
}
PAGES: Mapping[str, tuple[str, str]] = {
    "page_objectives": ("", "light"),
    "page_key_result": ("#/key-result/goal:key_result.care.backlog", "light"),
    "page_map": ("#/map", "light"),
    "page_map_objective": ("#/map?objective=goal:objective.editor", "dark"),
    "page_lineage": ("#/lineage/goal:key_result.care.backlog", "light"),
    "page_cost": ("#/cost", "light"),
}
"""Name of a picture -> what stands behind the file's address, and the theme."""
SIZE = {"width": 1280, "height": 800}
CHROMIUM = Path("/usr/bin/chromium")
MOST_LINES = 42
WIDTH = 104
INK = (31, 41, 51)
HUES = ((180, 35, 24), (21, 128, 91), (161, 98, 7), (29, 78, 137), (107, 70, 150), (13, 116, 116))
THEME = TerminalTheme(
    (255, 255, 255),
    INK,
    [INK, *HUES, (90, 100, 110)],
    [(107, 114, 128), *HUES, INK],
)


def main(folder: str) -> None:
    """Write docs/pictures/*.svg from the demo in `folder`."""
    project = Demo(folder, say=print).open()
    out = Path(__file__).with_name("pictures")
    out.mkdir(exist_ok=True)
    for name, (command, parameters) in PICTURES.items():
        answer = project.ask(command.split()[1], **parameters)
        text = render_as("table", answer, RenderOptions(width=WIDTH, colour=True))
        (out / f"{name}.svg").write_text(_svg(command, text, name), encoding="utf-8")
    _pages(project, out)


def _pages(project: Project, out: Path) -> None:
    """Photograph the pages of the single file. Needs Playwright and Chromium."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder) / "report.html"
        report.write_text(one_file(project, Wanted()), encoding="utf-8")
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, (place, theme) in PAGES.items():
            page = browser.new_page(viewport=SIZE, color_scheme=theme, offline=True)
            page.goto(report.as_uri() + place)
            page.wait_for_selector("html[data-drawn]", state="attached")
            page.screenshot(path=out / f"{name}.png", animations="disabled")
            page.close()
        browser.close()


def _svg(command: str, text: str, name: str) -> str:
    lines = text.rstrip().splitlines()
    shown = lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else [])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(Text.from_ansi("\n".join(shown)), soft_wrap=True)
    svg = console.export_svg(title=command, theme=THEME, unique_id=f"headway-{name}")
    # Rich names web fonts; a picture in a repository should need no network.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/demo")
